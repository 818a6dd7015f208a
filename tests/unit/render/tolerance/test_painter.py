"""Pictures of any pipeline: the token's seed decides every draw, and a recipe that cannot be drawn is refused."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor

from node.errors import RenderError
from node.render import noise
from node.render.tolerance.chance import OwnNoise, noise_seed
from node.render.tolerance.distance import alike, psnr, squared_error
from node.render.tolerance.painter import draw, load, pinned, render
from node.render.tolerance.recipe import PipelineRecipe
from tests.pipelines import SIDE, SIGNALS, document, recipe, textless

SEED = b"\x01" * 32
KINDS: dict[str, Callable[[Path], PipelineRecipe]] = {
    "text": lambda shelf: recipe(shelf / "text"),
    "label": lambda shelf: recipe(shelf / "label", bands=textless(label=True), pipeline={"guidance": "4"}),
    "plain": lambda shelf: recipe(
        shelf / "plain", bands=textless(label=False), pipeline={"guidance": None, "noise": "band"}
    ),
}


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    return psnr(squared_error(one, other), one.size)


@pytest.mark.parametrize("kind", KINDS)
def test_render__any_pipeline__is_a_picture_that_the_seed_and_the_band_decide(shelf: Path, kind: str) -> None:
    asked = KINDS[kind](shelf)
    first = render(asked, SEED, 1, SIGNALS, pipelines=shelf)
    assert (first.shape, first.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert first.std() > 10
    torch.manual_seed(99)  # a pipeline that drew from torch's own generator would now draw something else
    assert (render(asked, SEED, 1, SIGNALS, pipelines=shelf) == first).all()
    assert decibels(render(asked, b"\x02" * 32, 1, SIGNALS, pipelines=shelf), first) < 30
    assert decibels(render(asked, SEED, 2, SIGNALS, pipelines=shelf), first) < 45
    less = dataclasses.replace(asked, steps=asked.steps - 1)
    assert not alike(render(less, SEED, 1, SIGNALS, pipelines=shelf), first, asked.floor)


def test_render__a_signals_word_changes__changes_the_picture(shelf: Path) -> None:
    asked = KINDS["text"](shelf)
    first = render(asked, SEED, 1, SIGNALS, pipelines=shelf)
    assert (render(asked, SEED, 1, (0, 0, 0), pipelines=shelf) == first).all()  # the same words
    assert decibels(render(asked, SEED, 1, (2 * 10**16, 0, 0), pipelines=shelf), first) < 58


def test_render__half_precision__is_pinned_and_far_enough_to_be_told_apart(shelf: Path) -> None:
    asked = dataclasses.replace(KINDS["text"](shelf), steps=2)
    full = render(asked, SEED, 1, SIGNALS, pipelines=shelf)
    half = dataclasses.replace(asked, precision="float16")
    found = render(half, SEED, 1, SIGNALS, pipelines=shelf)
    assert {part.dtype for part in load(shelf / "text", half.model, "float16", "cpu").unet.parameters()} == {
        torch.float16
    }
    assert squared_error(full, found) > 0


def test_render__same_noise_for_life__composition_outlives_a_band_and_with_another_it_does_not(shelf: Path) -> None:
    asked = KINDS["text"](shelf)
    kept = [render(asked, SEED, band, SIGNALS, pipelines=shelf) for band in (0, 1)]
    anew = dataclasses.replace(asked, noise="band")
    fresh = [render(anew, SEED, band, SIGNALS, pipelines=shelf) for band in (0, 1)]
    assert decibels(*kept) > decibels(*fresh) + 5


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("text", {"bands": textless(label=True)}, "StableDiffusionPipeline does not take .*class_labels"),
        ("label", {}, "DiTPipeline does not take prompt, negative_prompt"),
        ("plain", {"bands": textless(label=False)}, "DDPMPipeline does not take guidance_scale"),
        ("plain", {"bands": textless(label=False), "pipeline": {"guidance": None, "width": 64}}, r"drew \(32, 32, 3\)"),
        ("text", {"pipeline": {"width": SIDE + 2}}, "the pipeline failed: ValueError"),
        ("text", {"bands": textless(label=False)}, "the pipeline failed"),
        ("text", {"pipeline": {"digest": "00" * 32}}, "no pipeline with digest 0000"),
    ],
)
def test_render__recipe_that_the_pipeline_cannot_follow__refused_in_one_line(
    shelf: Path, kind: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RenderError, match=reason):
        render(recipe(shelf / kind, **changes), SEED, 1, SIGNALS, pipelines=shelf)


def test_render__seed_band_or_signals_of_another_shape__refused(shelf: Path) -> None:
    asked = KINDS["text"](shelf)
    for seed, band, signals in ((SEED[1:], 1, SIGNALS), (SEED, 3, SIGNALS), (SEED, 1, SIGNALS[1:])):
        with pytest.raises(RenderError):
            render(asked, seed, band, signals, pipelines=shelf)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({"_class_name": "AutoencoderKL"}, "has no pipeline AutoencoderKL"),
        ({"_class_name": "NoSuchPipeline"}, "has no pipeline NoSuchPipeline"),
        ({"unet": ["os", "system"]}, "unet comes from 'os', which is no part of diffusers"),
        ({"unet": ["antigravity", "UNet2DModel"]}, "unet comes from 'antigravity'"),
        ({"unet": ["diffusers", "NoSuchModel"]}, "cannot be loaded"),
    ],
)
def test_load__index_that_names_foreign_code__refused(
    shelf: Path, tmp_path: Path, index: dict[str, Any], reason: str
) -> None:
    folder = shutil.copytree(shelf / "plain", tmp_path / "odd")
    known = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(known | index))
    asked = recipe(folder, bands=textless(label=False), pipeline={"guidance": None})
    with pytest.raises(RenderError, match=reason):
        render(asked, SEED, 1, SIGNALS, pipelines=tmp_path)


def test_load__weights_that_are_no_safetensors__refused(shelf: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(shelf / "plain", tmp_path / "odd")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"\x80\x04not tensors")
    asked = recipe(folder, bands=textless(label=False), pipeline={"guidance": None})
    with pytest.raises(RenderError, match="cannot be loaded"):
        render(asked, SEED, 1, SIGNALS, pipelines=tmp_path)


def test_load__folder_changed_since_it_was_found__refused(shelf: Path) -> None:
    with pytest.raises(RenderError, match="not 0000"):
        load(shelf / "plain", bytes(32), "float32", "cpu")


def test_own_noise__randn_in_every_form__is_the_seeds_in_order_of_the_draws() -> None:
    import hashlib

    expected = [noise.normal(hashlib.sha256(SEED + bytes([0, 0, 0, draw])).digest(), 6) / 4096 for draw in range(5)]
    with OwnNoise(SEED):
        drawn = [
            torch.randn(2, 3),
            torch.randn((2, 3), generator=torch.Generator().manual_seed(5)),
            torch.randn(size=(2, 3)),
            torch.randn_like(torch.zeros(2, 3, dtype=torch.float64)),
            randn_tensor((2, 3), generator=torch.Generator(), dtype=torch.float16),
        ]
    assert [one.dtype for one in drawn] == [torch.float32] * 3 + [torch.float64, torch.float16]
    for one, numbers in zip(drawn, expected, strict=True):
        assert np.array_equal(one.double().numpy().ravel(), numbers.astype(one.numpy().dtype))


@pytest.mark.parametrize(
    "draws",
    [lambda: torch.rand(2), lambda: torch.zeros(2).normal_(), lambda: torch.randperm(5), lambda: random.random(),
     lambda: np.random.standard_normal(2), lambda: torch.nn.functional.dropout(torch.ones(9))],
    ids=["uniform", "in place", "permutation", "python", "numpy", "dropout"],
)  # fmt: skip
def test_own_noise__a_draw_that_no_seed_decides__refused(draws: Callable[[], object]) -> None:
    with pytest.raises(RenderError, match="no seed decides"), OwnNoise(SEED):
        draws()


def test_draw__dropout_left_on__is_found_out(shelf: Path) -> None:
    asked = KINDS["plain"](shelf)
    loaded = load(shelf / "plain", asked.model, "float32", "cpu")
    loaded.unet.register_forward_hook(lambda module, args, out: torch.nn.functional.dropout(out.sample) and None)
    try:
        with pytest.raises(RenderError):
            draw(loaded, asked, SEED, 1, SIGNALS)
    finally:
        load.cache_clear()


def test_draw__numbers_that_are_none__refused(shelf: Path) -> None:
    asked = KINDS["plain"](shelf)
    loaded = load(shelf / "plain", asked.model, "float32", "cpu")
    with torch.no_grad():
        next(loaded.unet.parameters()).fill_(float("nan"))
    try:
        with pytest.raises(RenderError, match="numbers that are none, in float32"):
            draw(loaded, asked, SEED, 1, SIGNALS)
    finally:
        load.cache_clear()


def test_noise_seed__token_or_band__as_the_recipe_says() -> None:
    seeds = {noise_seed(SEED, None), *(noise_seed(SEED, band) for band in range(16)), noise_seed(b"\x02" * 32, None)}
    assert len(seeds) == 18


def test_pinned__afterwards__settings_are_as_they_were() -> None:
    before = torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()
    with pinned():
        assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()) == before


def test_document__is_what_the_recipe_says(shelf: Path) -> None:
    assert json.loads(recipe(shelf / "text").canonical) == document(shelf / "text")
