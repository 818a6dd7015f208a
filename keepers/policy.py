"""From share-price samples to an answer and a band: pure integer functions that every node computes alike.

Prices, bases, answers, thresholds and hysteresis are *wads*: integers scaled by 10**18.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from node.agreement.median import median

WAD = 10**18


MAX_HEARTBEATS: Final = 16
"""Heartbeats that begin at one checkpoint: nothing has happened, so they may wait for each other."""


class Trigger(Enum):
    """Why a checkpoint deserves a report."""

    FIRST_PAINT = "first paint"
    CROSSING = "crossing"
    HEARTBEAT = "heartbeat"


def samples_needed(window: int, lookback: int) -> int:
    """Return how many consecutive checkpoints an answer looks at: the window, moved back by `lookback` checkpoints."""
    return window + lookback


def answer(prices: Sequence[int], window: int, lookback: int, basis: int) -> int | None:
    """Return growth since the basis as a signed wad, or None where the history is too short to say.

    `prices` are share prices (wad) of consecutive checkpoints, oldest first, the last one being the checkpoint that
    is judged. With `lookback` 0 the basis is the given share price (wad); otherwise it is the median of the window
    that ended `lookback` checkpoints earlier; growth since a worthless share is undefined, hence None too.
    """
    if len(prices) < samples_needed(window, lookback):
        return None
    if lookback:
        basis = median(prices[-window - lookback : -lookback])
    if basis <= 0:
        return None
    return median(prices[-window:]) * WAD // basis - WAD


def opening_band(thresholds: Sequence[int]) -> int:
    """Return the band in which a feed opens: that of no growth at all."""
    return sum(threshold <= 0 for threshold in thresholds)


def next_band(answer: int, band: int, thresholds: Sequence[int], hysteresis: int) -> int:
    """Return the band after `answer`, coming from `band`; thresholds ascend strictly.

    A threshold is passed upwards at `threshold + hysteresis` and downwards below `threshold - hysteresis`, so that
    an answer that trembles on a threshold changes nothing. Several bands may be crossed at once.
    """
    up = sum(answer >= threshold + hysteresis for threshold in thresholds)
    down = sum(answer >= threshold - hysteresis for threshold in thresholds)
    if up > band:
        return up
    return min(band, down)


def heartbeat_after(feed: int, heartbeat: int, cadence: int) -> int:
    """Return how many blocks after its last report a feed's heartbeat is due; 0 for none.

    Feeds that were opened or reported together take turns over the last eighth of the heartbeat, never after it.
    """
    return heartbeat - feed % (heartbeat // (8 * cadence) + 1) * cadence


def heartbeats(due: Sequence[int], checkpoint: int, cadence: int) -> set[int]:
    """Return which feeds' heartbeats begin at a checkpoint where these are due, as after an outage all of them are.

    At most MAX_HEARTBEATS, and others at the next checkpoint, so that no feed waits for one that never lands.
    """
    feeds = sorted(due)
    if len(feeds) <= MAX_HEARTBEATS:
        return set(feeds)
    first = checkpoint // cadence * MAX_HEARTBEATS
    return {feeds[(first + place) % len(feeds)] for place in range(MAX_HEARTBEATS)}


def trigger(
    *,
    checkpoint: int,
    band: int,
    new_band: int,
    reported_checkpoint: int,
    opened_at: int,
    heartbeat: int,
    painted: bool,
) -> Trigger | None:
    """Return why `checkpoint` needs a report, or None for silence.

    `reported_checkpoint` is the last one that a report landed for, 0 if none did; `heartbeat` counts blocks from
    there (see `heartbeat_after`), 0 for none. `painted` says that the edition needs no first paint: it has one, or is
    not revealed yet.
    """
    if new_band != band:
        return Trigger.CROSSING
    if not painted:
        return Trigger.FIRST_PAINT
    if heartbeat and checkpoint - (reported_checkpoint or opened_at) >= heartbeat:
        return Trigger.HEARTBEAT
    return None
