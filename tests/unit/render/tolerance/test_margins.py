"""Margins: every row against the plain render, and a floor only where one separates them."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
import torch

from node.render.tolerance.margins import AIR, Margin, decibels, disturbed, measure, ordered, recommend
from node.render.tolerance.painter import load, render
from tests.pipelines import recipe, textless

SEED = b"\x01" + bytes(31)


def test_measure__tiny_pipeline__honest_rows_pass_and_cheats_do_not(shelf: Path) -> None:
    asked = recipe(
        shelf / "plain", bands=textless(label=False), pipeline={"guidance": None, "noise": "band", "steps": 3}
    )
    before, told = render(asked, SEED, 1, (0, 0, 0), pipelines=shelf), list[Margin]()
    rows = measure(asked, shelf, [SEED], on_row=told.append)
    assert rows == told
    honest = [row for row in rows if row.honest]
    cheats = {row.name: row for row in rows if row.honest is False}
    assert len(honest) == 5
    assert min(row.lowest for row in honest) > max(row.highest for row in cheats.values())
    assert set(cheats) == {"hue + 1/256", "2 steps for 3", "next band", "other seed", "weights + 1 % noise"}
    assert [row.name for row in rows if row.honest is None] == ["float16"]  # DDPMPipeline hands bfloat16 to numpy
    floor = recommend(rows)
    assert floor is not None
    assert max(row.highest for row in cheats.values()) < floor / 100 < min(row.lowest for row in honest)
    # What was disturbed to measure it is not what is drawn with afterwards.
    load.cache_clear()
    assert (render(asked, SEED, 1, (0, 0, 0), pipelines=shelf) == before).all()
    assert torch.backends.mkldnn.enabled


def test_disturbed__and_ordered__off_for_a_while_and_then_as_before() -> None:
    part = torch.nn.Conv2d(2, 3, 3)
    before, strides = part.weight.detach().clone(), part.weight.stride()
    with disturbed([part], 0.01), ordered([part], torch.channels_last, torch.contiguous_format):
        off = (part.weight / before - 1).abs()
        assert 0 < off.max() < 0.06
        assert part.weight.stride() != strides
    assert torch.equal(part.weight, before)
    assert part.weight.stride() == strides
    with pytest.raises(ZeroDivisionError), disturbed([part], 0.5):
        raise ZeroDivisionError
    assert torch.equal(part.weight, before)


def margins(honest: float, cheat: float) -> list[Margin]:
    return [Margin("a", True, honest, inf), Margin("b", None, 10, 20), Margin("c", False, 5, cheat)]


@pytest.mark.parametrize(
    ("honest", "cheat", "floor"),
    [(84.6, 54.2, 6_900), (inf, 54.0, 7_700), (62.0, 54.0, 5_600), (60.0, 54.0, None), (50.0, 54.0, None)],
)
def test_recommend__midway_with_air_to_the_honest__or_none(honest: float, cheat: float, floor: int | None) -> None:
    assert recommend(margins(honest, cheat)) == floor
    if floor is not None:
        assert floor / 100 <= honest - AIR


def test_decibels__for_eyes() -> None:
    assert (decibels(inf), decibels(58.049)) == ("equal", "58.0")
