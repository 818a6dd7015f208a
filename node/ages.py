"""Spans of time as people say them, in one or two units."""

from __future__ import annotations


def age(seconds: float | None) -> str:
    """Return a span in its largest unit: "12 s", "5 min", "3 h", "4 d"; "?" for what is not known."""
    if seconds is None:
        return "?"
    whole = max(0, int(seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
