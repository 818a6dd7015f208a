"""The gas targets of `transmit`, from receipts, with the real collection repainting an edition."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


def test_transmit__second_and_later_reports__stay_within_their_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))
    rows = importlib.import_module("benchmarks.gas").rows()
    aimed = [row for row in rows if row["target"] is not None]
    assert {row["n"] for row in aimed} == {4, 7, 13, 31}
    assert [row for row in aimed if row["gas"] > row["target"]] == []
