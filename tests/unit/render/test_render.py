"""The renderer: same bytes whatever the threads and company, same place in every band, nothing wrong accepted."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import node.render
from node.errors import RenderError
from node.render import MODEL_FILES, Recipe, model_digest, render
from node.render.exact import kernels, open_model, probe

Draw = Callable[[int, int], NDArray[np.uint8]]
SIGNALS = (5 * 10**15, 10**16, 2 * 10**16)
INT256 = (-(2**255), 2**255 - 1)

# Draws tokens of the shared recipe in the given order; prints each picture's digest, then our modules it loaded.
PROGRAM = """
import dataclasses, hashlib, sys
import torch
from node.render import Recipe, render
torch.set_num_threads(int(sys.argv[1]))
recipe = dataclasses.replace(Recipe.for_bands(8, "Quick"), steps=4)
for token in map(int, sys.argv[2:]):
    pixels = render(recipe, bytes([token]) * 32, 5, (5 * 10**15, 10**16, 2 * 10**16), threads=int(sys.argv[1]))
    print(token, hashlib.sha256(pixels.tobytes()).hexdigest())
assert torch.get_num_threads() == int(sys.argv[1])
"""

# Opens the model and draws one step by the reference; prints our modules that it took.
LOADED = """
import sys
from pathlib import Path
import node.render
from node.render import Recipe
from node.render.exact import open_model
from node.render.exact.inputs import inputs
recipe = Recipe.for_bands(8, "Quick")
found = open_model(Path(node.render.__file__).parent / "model", "numpy")
inputs(recipe, bytes(32), 5, (0, 0, 0))
assert "torch" not in sys.modules
print(*[module.__file__ for name, module in sys.modules.items() if name.startswith("node.render")])
"""


@pytest.mark.parametrize(
    ("threads", "environment", "tokens"),
    [("1", {"OMP_NUM_THREADS": "1"}, (2, 1)), ("2", {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}, (1, 2))],
)
def test_render__other_process_threads_and_company__same_bytes(
    threads: str, environment: dict[str, str], tokens: tuple[int, ...], drawn: Draw
) -> None:
    """Threads, and which and how many pictures are drawn before or after, change nothing."""
    command = [sys.executable, "-c", PROGRAM, threads, *map(str, tokens)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    digests = dict(line.split() for line in result.stdout.splitlines())
    for token in (1, 2):
        assert digests[str(token)] == hashlib.sha256(drawn(token, 5).tobytes()).hexdigest()


@pytest.mark.parametrize("threads", [1, 2])
def test_render__however_many_threads_torch_has__draws_with_its_own_and_gives_them_back(
    threads: int, quick: Recipe, drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's user has torch at its default, every core: layer by layer its threads would wait for a busy one."""
    seen, draw = list[int](), probe.Engine.draw

    def watched(engine: probe.Engine, pictures: Any, steps: int) -> Any:
        seen.append(torch.get_num_threads())
        with kernels.threads(1):  # on a crowded machine the others take minutes
            return draw(engine, pictures, steps)

    monkeypatch.setattr(probe.Engine, "draw", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert np.array_equal(render(quick, b"\x01" * 32, 5, SIGNALS, threads=threads), drawn(1, 5))
        assert torch.get_num_threads() == 3
        with pytest.raises(RenderError, match="0 threads"):
            render(quick, b"\x01" * 32, 5, SIGNALS, threads=0)
    finally:
        torch.set_num_threads(before)
    assert seen == [threads]


def test_model_files__every_module_that_the_reference_loads__in_the_digest() -> None:
    """Save the packages' own modules that only pass things on, errors, and the probe, which changes no pixel."""
    command = [sys.executable, "-c", LOADED]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    here = Path(node.render.__file__).parent
    loaded = {Path(path).relative_to(here).as_posix() for path in result.stdout.split()}
    assert loaded - set(MODEL_FILES) <= {"__init__.py", "exact/__init__.py"}


def test_render__twice__same_bytes(quick: Recipe, drawn: Draw) -> None:
    assert np.array_equal(render(quick, bytes([1]) * 32, 5, SIGNALS), drawn(1, 5))


def test_render__picture__shape_and_content(drawn: Draw) -> None:
    pixels = drawn(1, 5)
    assert (pixels.shape, pixels.dtype) == ((512, 512, 3), np.uint8)
    assert pixels.std() > 10


def edges(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Brightness slopes on a coarse grid: what a composition leaves when its colours are taken away."""
    grey = pixels.mean(2).reshape(32, 16, 32, 16).mean((1, 3))
    slope = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    return np.asarray(slope - slope.mean(), np.float64)


def likeness(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(edges(a).ravel(), edges(b).ravel())[0, 1])


def test_render__same_seed_other_band__other_picture_of_the_same_place(drawn: Draw) -> None:
    bands = (3, 4, 5, 6)
    same = [likeness(drawn(token, a), drawn(token, b)) for token in (1, 2) for a in bands for b in bands if a < b]
    other = [likeness(drawn(1, a), drawn(2, b)) for a in bands for b in bands]
    assert min(same) > max(other)
    assert float(np.mean(same)) > float(np.mean(other)) + 0.2
    for a in bands:
        for b in bands:
            if a < b:
                difference = np.abs(drawn(1, a).astype(int) - drawn(1, b)).mean()
                assert difference > 5, (a, b)


def test_render__worst_and_best_mood__dark_and_bright(drawn: Draw) -> None:
    assert drawn(1, 0).mean() + 50 < drawn(1, 7).mean()
    assert drawn(2, 0).mean() + 50 < drawn(2, 7).mean()


@pytest.mark.parametrize("signal", range(3))
def test_render__one_signal_at_full_scale__changes_the_picture(signal: int, quick: Recipe) -> None:
    calm = render(quick, bytes(32), 5, (0, 0, 0))
    loud = [0, 0, 0]
    loud[signal] = quick.full_scales[signal]
    assert np.abs(render(quick, bytes(32), 5, loud).astype(int) - calm).mean() > 1.5


@pytest.mark.parametrize("band", range(8))
@pytest.mark.parametrize("low", [0, 1])
def test_render__band_and_signal_extremes__accepted(band: int, low: int, quick: Recipe) -> None:
    one_step = dataclasses.replace(quick, steps=1)
    pixels = render(one_step, b"\xff" * 32, band, (INT256[low], INT256[1 - low], INT256[low]))
    assert pixels.shape == (512, 512, 3)


def test_render__recipe_of_another_model__refused(quick: Recipe) -> None:
    with pytest.raises(RenderError, match="asks for model 0000"):
        render(dataclasses.replace(quick, model=bytes(32)), bytes(32), 0, SIGNALS)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_render__seed_of_another_size__refused(seed: bytes, quick: Recipe) -> None:
    with pytest.raises(RenderError, match="instead of 32"):
        render(quick, seed, 0, SIGNALS)


@pytest.mark.parametrize(("band", "signals"), [(8, SIGNALS), (-1, SIGNALS), (0, (1, 2)), (0, (1, 2, 3, 4))])
def test_render__band_or_signals_the_recipe_lacks__refused(band: int, signals: tuple[int, ...], quick: Recipe) -> None:
    with pytest.raises(RenderError):
        render(quick, bytes(32), band, signals)


def copied(target: Path) -> Path:
    here = Path(node.render.__file__).parent
    for name in MODEL_FILES:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(here / name, target / name)
    return target


def test_model_digest__copy_elsewhere__same_digest(tmp_path: Path) -> None:
    assert model_digest(copied(tmp_path)) == model_digest() == node.render.MODEL_DIGEST


@pytest.mark.parametrize("name", MODEL_FILES)
def test_model_digest__one_byte_of_any_file_changed__another_digest(name: str, tmp_path: Path) -> None:
    copied(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    assert model_digest(tmp_path) != model_digest()


def test_model_digest__file_missing__says_which(tmp_path: Path) -> None:
    copied(tmp_path)
    (tmp_path / "model" / "normal.bin").unlink()
    with pytest.raises(RenderError, match=r"normal\.bin"):
        model_digest(tmp_path)


def test_weights__size__at_most_12_megabytes() -> None:
    folder = Path(node.render.__file__).parent / "model"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 12_000_000


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing", "config"])
def test_open_model__damaged_model__refused(damage: str, tmp_path: Path) -> None:
    folder = copied(tmp_path) / "model"
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:100_000])
    elif damage == "empty":
        weights.write_bytes(b"")
    elif damage == "missing":
        weights.unlink()
    else:
        (folder / "unet" / "config.json").write_text("{}")
    with pytest.raises(RenderError, match="cannot be loaded"):
        open_model(folder, "numpy")


def test_import__of_the_whole_seam__loads_no_torch() -> None:
    program = "import sys, node.render, node.render.pool, node.render.png; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
