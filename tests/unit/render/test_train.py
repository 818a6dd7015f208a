"""Making the model: the generator is repeatable, training resumes, and what is exported can be drawn with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from node.render import Recipe
from node.render.noise import table
from node.render.painter import Painter
from node.render.png import encode
from node.render.scene import conditions, layout, scene
from node.render.train import autoencoder, dataset, decoder, diffusion, export
from node.render.train.textures import Bank
from node.render.train.world import paint


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank.make(3, each=1)


@pytest.fixture(scope="module")
def pictures(bank: Bank) -> list[NDArray[np.uint8]]:
    return [paint(scene(bytes(32), 80, 150), mood, 120, 80, bank, 7) for mood in range(8)]


def test_paint__same_inputs__same_picture(bank: Bank, pictures: list[NDArray[np.uint8]]) -> None:
    for mood in (0, 5):
        assert np.array_equal(paint(scene(bytes(32), 80, 150), mood, 120, 80, bank, 7), pictures[mood])


def test_paint__moods__eight_different_pictures_from_dark_to_bright(pictures: list[NDArray[np.uint8]]) -> None:
    assert len({picture.tobytes() for picture in pictures}) == 8
    assert pictures[0].mean() + 50 < pictures[7].mean()


def test_encode__painted_picture__within_a_third_of_pillows_size(pictures: list[NDArray[np.uint8]]) -> None:
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        assert len(encode(picture)) <= 1.3 * len(buffer.getvalue())


def test_make_part__stopped_and_run_again__keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "PART", 2)
    monkeypatch.setattr("os.nice", lambda _: 0)
    dataset.make_part(tmp_path, 0)
    written = (tmp_path / "part-000.npz").stat().st_mtime_ns
    dataset.make_part(tmp_path, 0)
    assert (tmp_path / "part-000.npz").stat().st_mtime_ns == written
    assert dataset.load(tmp_path, "pictures").shape == (2, 256, 256, 3)
    assert not list(tmp_path.glob("*.tmp"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: list[NDArray[np.uint8]]) -> Path:
    """All steps of the training, each cut short, on eight pictures."""
    work = tmp_path_factory.mktemp("training")
    place = scene(bytes(32), 80, 150)
    (work / "set").mkdir()
    np.savez(
        work / "set" / "part-000.npz",
        pictures=np.stack(pictures),
        maps=np.stack([layout(place)] * 8),
        vectors=np.stack([conditions(place, mood, 120, 80, 150) for mood in range(8)]),
    )
    autoencoder.train(work / "set", work / "autoencoder.pt", 2, batch=2)
    autoencoder.encode(work / "set", work / "autoencoder.pt", work / "latents.pt")
    diffusion.train(work / "set", work / "latents.pt", work / "diffusion.pt", 2, batch=2)
    decoder.train(work / "set", work, work / "decoder.pt", 2, batch=2)
    return work


def test_train__longer_after_a_stop__continues_at_the_step(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    diffusion.train(trained / "set", trained / "latents.pt", trained / "diffusion.pt", 3, batch=2)
    assert torch.load(trained / "diffusion.pt")["step"] == 3
    capsys.readouterr()
    autoencoder.train(trained / "set", trained / "autoencoder.pt", 2, batch=2)
    assert capsys.readouterr().out == ""  # nothing left to do


def test_train__decoder__starts_from_the_autoencoders_and_learns_to_use_the_scene(trained: Path) -> None:
    before, after = (torch.load(trained / name)["decoder"] for name in ("autoencoder.pt", "decoder.pt"))
    shift = {name: (after[name] - value).abs() for name, value in before.items()}
    assert 0 < max(float(change.max()) for change in shift.values()) < 0.05
    assert float(shift["layers.0.weight"][:, 8:].max()) > 0


def test_export__trained_checkpoints__a_model_that_draws(trained: Path, tmp_path: Path) -> None:
    files = [trained / name for name in ("decoder.pt", "latents.pt", "diffusion.pt")]
    export.export(*files, target=tmp_path / "model")
    recipe = Recipe.for_bands(8, "Export")
    pixels = Painter(tmp_path / "model").paint(recipe, bytes(32), 0, (0, 0, 0))
    assert (pixels.shape, pixels.dtype) == ((256, 256, 3), np.uint8)
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert len(card["latent_mean"]) == len(card["latent_deviation"]) == 8
    assert np.array_equal(np.frombuffer((tmp_path / "model" / "normal.bin").read_bytes(), "<u2"), table())
