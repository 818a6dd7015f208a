"""Bands in words: between which thresholds they lie, what leads out of them, and how near that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.explain.numbers import percent, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.chain.types import Policy


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out of a band: the answer `at` which it is left (wad), upwards or downwards, and the band beyond."""

    at: int
    up: bool
    band: int
    distance: int


def exits(policy: Policy, band: int, answer: int) -> list[Exit]:
    """Return how a band is left, the nearest first: upwards at threshold + hysteresis, downwards below threshold -
    hysteresis (docs/architecture.md, "Numbers")."""
    found = []
    band = min(band, len(policy.thresholds))  # an oracle that is none of ours may claim any
    if band < len(policy.thresholds):
        at = policy.thresholds[band] + policy.hysteresis
        found.append(Exit(at, up=True, band=band + 1, distance=at - answer))
    if band > 0:
        at = policy.thresholds[band - 1] - policy.hysteresis
        found.append(Exit(at, up=False, band=band - 1, distance=answer - at))
    return sorted(found, key=lambda one: one.distance)


def raw(thresholds: Sequence[int], answer: int) -> int:
    """Return the band that an answer lies in, wherever it comes from."""
    return sum(answer >= one for one in thresholds)


def between(thresholds: Sequence[int], band: int) -> str:
    """Say between which thresholds a band lies."""
    if not thresholds:
        return "the only band there is"
    if band == 0:
        return f"everything below {signed(thresholds[0])}"
    if band >= len(thresholds):
        return f"everything from {signed(thresholds[-1])} up"
    return f"from {signed(thresholds[band - 1])} up to {signed(thresholds[band])}"


def number(policy: Policy, band: int) -> str:
    """Name a band by its place, the lowest being the first: "band 3 of 5"."""
    return f"band {band + 1} of {len(policy.thresholds) + 1}"


def mood(moods: Sequence[str], band: int) -> str:
    """The recipe's name of a band in quotes, empty where it is not known."""
    return f'"{moods[band]}"' if band < len(moods) else ""


def called(policy: Policy, moods: Sequence[str], band: int) -> str:
    """A band by its mood where that is known, else by its number."""
    return mood(moods, band) or number(policy, band)


def distance(wad: int) -> str:
    """A difference of two answers in percentage points."""
    return percent(wad).replace(" %", " points")
