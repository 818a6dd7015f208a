"""Margins of the float networks, here untrained ones of the real shapes."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
import torch

from node.errors import RenderError
from node.render.network import Decoder, Denoiser
from node.render.tolerance.margins import Margin
from node.render.train import margins


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Checkpoints whose pictures are not one grey: the last layer's weights are larger than untrained ones."""
    torch.manual_seed(1)
    denoiser, decoder = Denoiser(), Decoder()
    with torch.no_grad():
        decoder.last[4].weight.mul_(30)
    torch.save({"average": denoiser.state_dict()}, tmp_path / "diffusion.pt")
    torch.save({"decoder": decoder.state_dict()}, tmp_path / "decoder.pt")
    torch.save({"mean": torch.zeros(8), "deviation": torch.ones(8)}, tmp_path / "latents.pt")
    return tmp_path


def test_measure__untrained_networks__every_row_told_and_honest_ones_nearer_than_another_seed(work: Path) -> None:
    told: list[Margin] = []
    rows = {row.name: row for row in margins.measure(work, 1, 2, "", told.append)}
    assert list(rows.values()) == told
    honest = {name: row.lowest for name, row in rows.items() if row.honest}
    cheats = {name: row.highest for name, row in rows.items() if row.honest is False}
    assert set(honest) == {
        "one picture at a time", "oneDNN off", "memory format contiguous", "weights + 1e-6 noise"
    }  # fmt: skip
    assert set(cheats) == {"hue + 1/256", "1 steps for 2", "weights + 1 % noise", "next band", "other seed"}
    assert [row.name for row in told if row.honest is None] == ["bfloat16"]
    assert min(honest.values()) > 60
    assert cheats["other seed"] < cheats["weights + 1 % noise"] < min(honest.values())
    assert all(0 < row.lowest <= row.highest <= inf for row in told)
    assert rows["one picture at a time"].lowest == inf  # a batch of one is what was drawn


def test_measure__no_checkpoints__says_which(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"diffusion\.pt cannot be read"):
        margins.measure(tmp_path, 1, 2, "", lambda _: None)
