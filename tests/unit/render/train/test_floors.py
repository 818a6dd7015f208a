"""Floors: which figures a model is held to, and when it misses them."""

from __future__ import annotations

from typing import Any

import pytest

from node.render.train.floors import missed, rows


def test_missed__every_floor_held__none(figures: dict[str, Any]) -> None:
    assert missed(figures) == []


@pytest.mark.parametrize(
    ("part", "key", "least"),
    [("fidelity", "worst", 35.0), ("classifier", "model", 0.95), ("composition", "found", 0.95)],
)
def test_missed__at_its_floor_and_just_below__held_and_missed(
    figures: dict[str, Any], part: str, key: str, least: float
) -> None:
    figures[part][key] = least
    assert missed(figures) == []
    figures[part][key] = least - 1e-4
    assert [row.value for row in missed(figures)] == [least - 1e-4]


@pytest.mark.parametrize("kind", ["pixels", "features"])
def test_missed__a_model_that_repeats_itself__missed(figures: dict[str, Any], kind: str) -> None:
    figures["diversity"][kind] = {"model": 1.5, "training": 12.0, "ratio": 0.125}
    assert [row.value for row in missed(figures)] == [0.125]


def test_missed__a_figure_with_a_floor_that_was_not_measured__missed(figures: dict[str, Any]) -> None:
    del figures["fidelity"]
    assert [row.shown(row.value) for row in missed(figures)] == ["not measured"]


def test_rows__units__shown_as_such(figures: dict[str, Any]) -> None:
    shown = {row.name: row.shown(row.value) for row in rows(figures)}
    assert shown["float against integer, median picture"] == "44.2 dB"
    assert shown["mood read by a small classifier"] == "97.5 %"
    assert shown["shapes of two tokens, correlation"] == "0.03"
