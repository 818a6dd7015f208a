"""What an export refuses: too large, not what was quantised, sums that could overflow, no known picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from node.errors import RenderError
from node.render.train import card, release


def convolution(path: Path, weight: int, bias: int, take: int = 0) -> Path:
    """A file with one convolution of 64 channels, 3 x 3, all its weights equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        "conv.weight": np.full((2, 64, 3, 3), weight, np.int8),
        "conv.bias": np.array([0, bias], np.int32),
        "conv.shift": np.zeros(2, np.uint8),
        "conv.range": np.array([take, 0, 255], np.int32),
        "norm.table": np.zeros((1, 8), np.int16),
    }
    save_file(arrays, path)
    return path


ALL = 64 * 9 * 255
"""The sum of inputs that are all at their most."""


def test_bounds__the_largest_sum_that_fits__accepted(tmp_path: Path) -> None:
    release.bounds(convolution(tmp_path / "unet" / "a.safetensors", 114, 2**24 - 1 - 114 * ALL))


@pytest.mark.parametrize(("weight", "bias"), [(114, 2**24 - 114 * ALL), (-114, 114 * ALL - 2**24), (127, 0)])
def test_bounds__one_more__refused_with_the_layers_name(tmp_path: Path, weight: int, bias: int) -> None:
    with pytest.raises(RenderError, match="unet: sums of conv may reach"):
        release.bounds(convolution(tmp_path / "unet" / "a.safetensors", weight, bias))


def test_bounds__inputs_of_both_signs__half_the_reach(tmp_path: Path) -> None:
    release.bounds(convolution(tmp_path / "unet" / "a.safetensors", 127, 0, take=-128))


def test_check__too_many_bytes__refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "LARGEST", 256)
    with pytest.raises(RenderError, match="273 bytes, a model may have 256"):
        release.check(folder)


def test_check__sums_that_could_overflow__refused_before_anything_is_drawn(folder: Path) -> None:
    convolution(folder / "unet" / "a.safetensors", 127, 0)
    with pytest.raises(RenderError, match="sums of conv"):
        release.check(folder)


def test_export__a_model_that_cannot_draw__refused_and_the_old_one_stays(
    tmp_path: Path, folder: Path, facts: dict[str, Any]
) -> None:
    release.put(folder, release.quantised(tmp_path), facts)
    old = tmp_path / "shipped"
    old.mkdir()
    (old / "old.bin").write_bytes(b"old")
    with pytest.raises(RenderError, match="cannot"):
        release.export(tmp_path, old)
    assert [path.name for path in old.iterdir()] == ["old.bin"]


def test_export__files_that_are_not_what_was_quantised__refused(
    tmp_path: Path, folder: Path, facts: dict[str, Any]
) -> None:
    release.put(folder, release.quantised(tmp_path), facts)
    (release.quantised(tmp_path) / "normal.bin").write_bytes(b"other")
    with pytest.raises(RenderError, match="is not what was quantised"):
        release.export(tmp_path, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def test_quantise__nothing_trained__says_what_is_missing_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"diffusion\.pt cannot be read"):
        release.quantise(tmp_path)
    assert not list(tmp_path.iterdir())


def test_files__of_a_placed_model__known_to_its_card(tmp_path: Path, folder: Path, facts: dict[str, Any]) -> None:
    release.put(folder, tmp_path / "model", facts)
    assert card.facts(tmp_path / "model")["files"] == card.files(tmp_path / "model")
