"""Times, spans and shares in words: UTC and a duration, reckoned from the chain's own clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
NEVER: Final = 2**64
"""A second that no block will have: the contract says its greatest number for "not before something happens"."""


def span(seconds: int) -> str:
    """A duration in its two largest units: "13 days 4 hours"; "no time" for none."""
    seconds = max(0, seconds)
    for place, (name, size) in enumerate(_UNITS):
        if seconds >= size:
            count, rest = divmod(seconds, size)
            words = _count(count, name)
            if place + 1 < len(_UNITS):
                smaller, its_size = _UNITS[place + 1]
                if rest // its_size:
                    words += f" {_count(rest // its_size, smaller)}"
            return words
    return "no time"


def stamp(second: int) -> str:
    """A Unix time in UTC, to the minute."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M UTC")


def moment(second: int, now: int) -> str:
    """When that is, seen from `now` (the block's time): "2026-11-23 10:00 UTC (in 9 hours 12 minutes)"."""
    if second >= NEVER:
        return "not before its seat is lost"
    if second == now:
        return f"{stamp(second)} (now)"
    distance = f"in {span(second - now)}" if second > now else f"{span(now - second)} ago"
    return f"{stamp(second)} ({distance})"


def era_end(ends: int, now: int) -> str:
    """What can be said of an era's end: when it is, or that anybody may end it."""
    if ends == 0:
        return "may be ended at once: it is the first"
    return f"ends {moment(ends, now)}" if ends > now else f"is over since {moment(ends, now)}: anyone may end it"


def rotation(ends: int, now: int) -> str:
    """What can be said of the next rotation, where an era's end is known."""
    return f"from {moment(ends, now)} on" if ends > now else "which anyone may bring about now"


def share(basis_points: int) -> str:
    """Basis points as percent: "66.67 %"."""
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02d} %" if part else f"{whole} %"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def times(number: int, name: str) -> str:
    """A number of things: "1 seat", "3 seats"."""
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"
