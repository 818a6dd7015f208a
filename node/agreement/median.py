"""The lower median, of numbers and of rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence


def median(values: Sequence[int]) -> int:
    """The lower median, one of the values; ValueError if there are none.

    Of 2f+1 values or more with at most f false ones it lies between two true ones, or is one.
    """
    if not values:
        raise ValueError("the median of nothing")
    return sorted(values)[(len(values) - 1) // 2]


def medians(rows: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The lower median of each column; ValueError if there are no rows or they differ in length."""
    if not rows:
        raise ValueError("the medians of nothing")
    return tuple(median(column) for column in zip(*rows, strict=True))
