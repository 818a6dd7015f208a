"""`patina render`: what it draws, and what it refuses before it loads anything heavy."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image

from node.cli import main
from node.errors import RenderError
from node.render.contact import below, beside, halved
from node.render.recipe import Recipe
from node.verify import repaint

PERCENT = 10**16


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Draws flat pictures whose colour tells the band, in the place of the renderer; notes what was asked for."""
    asked: list[tuple[Any, ...]] = []

    def painter(engine: str, pipelines: Path | None) -> Any:
        def paint(recipe: Any, seed: bytes, band: int, signals: Sequence[int]) -> NDArray[np.uint8]:
            asked.append((engine, recipe, seed, band, tuple(signals)))
            return np.full((16, 16, 3), 10 * band, np.uint8)

        return paint

    monkeypatch.setattr(repaint, "painter", painter)
    return asked


def patina(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["render", *arguments])


def opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image)


def test_render__one_picture__is_drawn_as_it_was_asked_for(tmp_path: Path, drawn: list[tuple[Any, ...]]) -> None:
    recipe = Recipe.for_bands(5, "Tide")
    file = tmp_path / "tide.json"
    file.write_bytes(recipe.canonical)
    out = tmp_path / "out.png"
    seed = "0x" + "ab" * 32
    done = patina(str(file), "--seed", seed, "--band", "4", "--volatility", "1%", "--drawdown", "0.02",
                  "--flow", "-2.5%", "--engine", "numpy", "-o", str(out))  # fmt: skip
    assert done.exit_code == 0, done.output
    assert drawn == [("numpy", recipe, b"\xab" * 32, 3, (PERCENT, 2 * PERCENT, -5 * PERCENT // 2))]
    assert (opened(out) == 30).all()
    assert f"{out}: 16 x 16 pixels" in done.stdout
    assert recipe.digest.hex() in done.stdout


def test_render__nothing_said__draws_something(
    tmp_path: Path, drawn: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert patina().exit_code == 0
    [(_, recipe, seed, band, signals)] = drawn
    assert (seed, band, signals) == (hashlib.sha256(b"patina").digest(), len(recipe.classes) // 2, (0, 0, 0))
    assert opened(tmp_path / "patina.png").shape == (16, 16, 3)


def test_render__strip__all_bands_of_one_seed_beside_each_other(tmp_path: Path, drawn: list[tuple[Any, ...]]) -> None:
    out = tmp_path / "strip.png"
    done = patina("--strip", "-o", str(out))
    assert done.exit_code == 0, done.output
    assert [asked[3] for asked in drawn] == list(range(8))
    assert len({asked[2] for asked in drawn}) == 1
    assert opened(out)[0, :, 0].tolist() == [10 * band for band in range(8) for _ in range(16)]


def test_render__sheet__a_seed_a_row_at_half_size(tmp_path: Path, drawn: list[tuple[Any, ...]]) -> None:
    out = tmp_path / "sheet.png"
    assert patina("--sheet", "3", "--seed", "mine", "-o", str(out)).exit_code == 0
    assert opened(out).shape == (3 * 8, 8 * 8, 3)
    seeds = list(dict.fromkeys(asked[2] for asked in drawn))
    assert len(seeds) == 3
    assert seeds[0] == hashlib.sha256(b"mine").digest()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "0x12"], "64 hexadecimal digits"),
        (["--band", "9"], "bands 1 to 8"),
        (["--band", "0"], "--band"),
        (["--volatility", "much"], "no amount"),
        (["--volatility", "-1%"], "not from 0% to 100%"),
        (["--drawdown", "101%"], "not from 0% to 100%"),
        (["--flow", "1" * 400], "no amount"),
        (["--flow", "nan"], "no amount"),
        (["--strip", "--sheet", "2"], "choose one"),
        (["--strip", "--band", "1"], "show all bands"),
        (["--sheet", "9"], "--sheet"),
        (["--engine", "abacus"], "abacus"),
        (["-o", "no-such-folder/out.png"], "no-such-folder"),
        (["no-such-recipe.json"], "no-such-recipe.json"),
    ],
)
def test_render__impossible_wishes__usage_error_in_one_sentence(
    arguments: list[str], said: str, drawn: list[tuple[Any, ...]]
) -> None:
    done = patina(*arguments)
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert drawn == []


@pytest.mark.parametrize("document", [b"", b"{}", b"[1, 2", b"{" * 70_000, b"\xff\xfe"])
def test_render__file_that_is_no_recipe__one_message(tmp_path: Path, document: bytes) -> None:
    file = tmp_path / "recipe.json"
    file.write_bytes(document)
    done = patina(str(file), "-o", str(tmp_path / "out.png"))
    assert done.exit_code == 1
    assert done.stderr.startswith(f"patina: {file}: recipe: ")
    assert not (tmp_path / "out.png").exists()


def test_render__recipe_of_another_model__says_so(tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    known = Recipe.for_bands(2, "Tide")
    file.write_bytes(known.canonical.replace(known.model.hex().encode(), b"12" * 32))
    done = patina(str(file), "-o", str(tmp_path / "out.png"))
    assert done.exit_code == 1
    assert "12" * 32 in done.stderr


def test_render__a_name_of_another_kind_of_picture__usage_error(tmp_path: Path) -> None:
    done = patina("-o", str(tmp_path / "out.jpg"))
    assert done.exit_code == 2
    assert "is a PNG, not .jpg" in done.stderr
    assert not list(tmp_path.iterdir())


def test_halved__four_pixels__their_mean_rounded_half_up() -> None:
    picture = np.array([[[0], [1]], [[0], [1]]], np.uint8).repeat(3, 2)
    assert halved(picture).tolist() == [[[1, 1, 1]]]
    assert halved(np.full((5, 7, 3), 255, np.uint8)).shape == (2, 3, 3)


def test_beside__pictures_of_several_sizes__refused() -> None:
    with pytest.raises(RenderError, match="one size"):
        beside([np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)])
    with pytest.raises(RenderError, match="at least one"):
        below([])
