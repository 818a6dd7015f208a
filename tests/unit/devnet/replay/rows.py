"""Landed rows and tracks for the tests of a replay's outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from node.devnet.history import History, Row
from node.devnet.replay.outcome import LandedRow
from node.devnet.replay.track import WAD, Crossing, Track

PERCENT = WAD // 100


def make_track(
    prices: Sequence[int], thresholds: tuple[int, ...] = (PERCENT, 2 * PERCENT), title: str = "Tide"
) -> Track:
    """Prices in per cent of the first one."""
    rows = tuple(Row(line, f"day {line}", None, price * PERCENT) for line, price in enumerate(prices, 2))
    return Track(title, History("test", rows), thresholds, 1, 0)


def make_row(row: int, **changes: Any) -> LandedRow:
    """A report that landed and repainted."""
    known: dict[str, Any] = {
        "feed": 1,
        "title": "Tide",
        "row": row,
        "label": f"day {row + 2}",
        "checkpoint": 10 * row + 10,
        "block": 10 * row + 12,
        "answer": 0,
        "previous_band": 0,
        "band": 0,
        "config": "0x" + "cd" * 32,
        "signers": (0, 1, 2),
        "gas": 77_123,
        "transaction": "0x" + "ab" * 32,
        "token_uri_before": f"ipfs://before-{row}/1000001.json",
        "token_uri_after": f"ipfs://after-{row}/1000001.json",
    }
    return LandedRow(**(known | changes))


def faithful(expected: Sequence[Crossing]) -> list[LandedRow]:
    """What a perfect network lands: a first painting, then each crossing."""
    return [
        make_row(0),
        *(make_row(one.row, answer=one.answer, previous_band=one.previous_band, band=one.band) for one in expected),
    ]
