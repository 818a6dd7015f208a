"""The pipeline as diffusers knows pipelines: opened, saved, called, and held to the reference's pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from node.errors import RenderError
from node.render.exact import open_model
from node.render.exact.inputs import drawn_from
from node.render.pipeline import MODEL, ExactScheduler, PatinaPipeline

SEED = bytes(range(32))


@pytest.fixture(scope="module")
def pipe(tiny: Path) -> Any:
    return PatinaPipeline.from_pretrained(tiny)


@pytest.fixture(scope="module")
def drawn(pipe: Any) -> Any:
    return pipe(seed=[SEED, bytes(32)], mood="storm", num_inference_steps=2, output_type="np").images


def test_pipeline__against_the_reference__same_pixels(tiny: Path, drawn: Any) -> None:
    inputs = [drawn_from(seed, 1, (40, 0, 128)) for seed in (SEED, bytes(32))]
    want = np.stack(open_model(tiny, "numpy").draw(inputs, 2))
    assert drawn.shape == (2, 512, 512, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, want)
    assert len(np.unique(drawn)) > 20
    assert not np.array_equal(drawn[0], drawn[1])


def test_from_pretrained__no_folder__the_model_that_ships_without_a_word_or_a_request(
    capfd: pytest.CaptureFixture[str],
) -> None:
    capfd.readouterr()
    pipe: Any = PatinaPipeline.from_pretrained()
    assert "accelerate" not in "".join(capfd.readouterr())
    assert pipe.config["_name_or_path"] == str(MODEL)
    image = pipe(bytearray(SEED), "storm", num_inference_steps=1, output_type="np").images[0]
    assert np.array_equal(image, open_model(MODEL, "torch").draw([drawn_from(SEED, 1, (40, 0, 128))], 1)[0])


@pytest.mark.parametrize("name", ["nowhere", "someone/patina", ""])
def test_from_pretrained__no_model_there__said_and_nothing_asked_of_the_network(tmp_path: Path, name: str) -> None:
    with pytest.raises(RenderError, match="there is no model in"):
        PatinaPipeline.from_pretrained(tmp_path / name)


def test_pipeline__saved_and_opened_again__same_pixels(pipe: Any, drawn: Any, tmp_path: Path) -> None:
    pipe.save_pretrained(tmp_path)
    again = PatinaPipeline.from_pretrained(tmp_path)
    assert np.array_equal(again(SEED, "storm", num_inference_steps=2, output_type="np").images[0], drawn[0])
    assert np.array_equal(open_model(tmp_path, "torch").draw([drawn_from(SEED, 1, (40, 0, 128))], 2)[0], drawn[0])


def test_pipeline__its_arrays__are_integers(pipe: Any) -> None:
    for module in (pipe.unet, pipe.decoder):
        assert not list(module.parameters())
        assert not any(buffer.is_floating_point() for buffer in module.buffers())


def test_pipeline__output_types__hold_the_same_picture(pipe: Any, drawn: Any) -> None:
    image = pipe(SEED, ["storm"], num_inference_steps=2).images[0]
    assert np.array_equal(np.asarray(image), drawn[0])
    (latents,) = pipe(SEED, "storm", num_inference_steps=2, output_type="latent", return_dict=False)
    assert (latents.dtype, tuple(latents.shape)) == (torch.int64, (1, 8, 32, 32))


def test_pipeline__modes_beside_one_seed__one_picture_each(pipe: Any, drawn: Any) -> None:
    images = pipe(SEED, ["storm", "clear"], num_inference_steps=2, output_type="np").images
    assert np.array_equal(images[0], drawn[0])
    assert not np.array_equal(images[0], images[1])


def test_pipeline__callback__sees_and_changes_latents(pipe: Any, drawn: Any) -> None:
    heard: list[tuple[int, int]] = []

    def change(owner: Any, index: int, time: int, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        assert owner is pipe
        heard.append((index, time))
        return {"latents": given["latents"] + (1 << 12)}

    images = pipe(SEED, "storm", num_inference_steps=2, output_type="np", callback_on_step_end=change).images
    assert heard == [(0, 999), (1, 499)]
    assert not np.array_equal(images[0], drawn[0])


def test_pipeline__progress_and_threads__told_step_by_step_and_its_own(
    tiny: Path, drawn: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    pipe: Any = PatinaPipeline.from_pretrained(tiny)
    capfd.readouterr()
    seen: list[int] = []

    def look(*_: Any) -> dict[str, torch.Tensor]:
        seen.append(torch.get_num_threads())
        return {}

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        images = pipe(SEED, "storm", num_inference_steps=2, output_type="np", callback_on_step_end=look).images
        assert (seen, torch.get_num_threads()) == ([1, 1], 3)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(images[0], drawn[0])
    assert "2/2" in capfd.readouterr().err
    pipe.set_progress_bar_config(disable=True)
    pipe(SEED, num_inference_steps=1)
    assert capfd.readouterr().err == ""


def test_pipeline__callback_with_floats__refused(pipe: Any) -> None:
    def spoil(_owner: Any, _index: int, _time: int, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"latents": given["latents"].float()}

    with pytest.raises(RenderError, match="int64"):
        pipe(SEED, num_inference_steps=1, callback_on_step_end=spoil)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"generator": torch.Generator()}, "generator"),
        ({"mood": "sunny"}, "sunny"),
        ({"mood": None}, "mood None"),
        ({"mood": ["clear", 3]}, "mood 3"),
        ({"seed": bytes(31)}, "32 bytes, not 31"),
        ({"seed": "harbour"}, "32 bytes, not 'harbour'"),
        ({"seed": 7}, "32 bytes, not 7"),
        ({"seed": [SEED, "x"]}, "32 bytes, not 'x'"),
        ({"seed": []}, "0 seeds"),
        ({"seed": [SEED] * 2, "mood": ["clear"] * 3}, "2 seeds and 3 moods"),
        ({"output_type": "tensor"}, "output_type"),
        *(({"num_inference_steps": steps}, "1 to 100, not") for steps in (0, 101, 5.0, "5", True)),
        *(
            ({"volatility": level}, "volatility must be an integer from 0 to 255")
            for level in (256, -1, 0.5, "1", True)
        ),
        ({"flow": 1.0}, "flow must be"),
        *(({"hue": span}, "hue must be") for span in ((10,), (10, 5), 5, (0, 300), "ab", (0.5, 3))),
        ({"accent": (9, 1)}, "accent must be"),
        ({"callback_on_step_end_tensor_inputs": ["noise"]}, "latents only"),
    ],
)
def test_pipeline__what_cannot_be_drawn__refused(pipe: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        pipe(**{"seed": SEED, "num_inference_steps": 1, **wrong})


def test_modules__called_alone__make_the_same_latents(pipe: Any) -> None:
    inputs = drawn_from(SEED, 1, (40, 0, 128))
    latent = torch.from_numpy(inputs.noise[None] << 4)
    scheduler = ExactScheduler.from_config(pipe.scheduler.config)
    scheduler.set_timesteps(1)
    layout, what = torch.from_numpy(inputs.layout[None]), torch.from_numpy(inputs.conditions[None])
    velocity = pipe.unet(scheduler.scale_model_input(latent), 999, layout, what)
    latent = scheduler.step(velocity, 999, latent).prev_sample
    (want,) = pipe(SEED, "storm", num_inference_steps=1, output_type="latent", return_dict=False)
    assert torch.equal(latent, want)
    picture = pipe.decoder(latent, layout, what, torch.from_numpy(inputs.guide[None]))
    assert np.array_equal(picture.numpy(), pipe(SEED, "storm", num_inference_steps=1, output_type="np").images)


def test_scheduler__step_before_timesteps__refused(pipe: Any) -> None:
    with pytest.raises(RenderError, match="set_timesteps"):
        ExactScheduler.from_config(pipe.scheduler.config).step(torch.zeros(1), 999, torch.zeros(1))
