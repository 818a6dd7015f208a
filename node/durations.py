"""Counts durations by size: what a histogram of seconds is made of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

REQUEST_S: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Seconds by which requests to an endpoint are sorted: from one on this machine to the usual time limit."""
PICTURE_S: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Seconds by which pictures are sorted: from a GPU's to a slow processor's."""
ROUND_S: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
"""Seconds by which rounds are sorted: from one on a test network to one that needed every sender's turn."""


class Durations:
    """How many observations took at most so many seconds; bounded by the number of `bounds`, which ascend."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.seconds = 0.0
        """The sum of all observations."""
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float, times: int = 1) -> None:
        """Count a duration, or several equal ones; a clock that was set back gives none below 0."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(self.bounds, seconds)] += times
        self.seconds += seconds * times

    def add(self, other: Durations) -> None:
        """Count all that another has counted within the same bounds."""
        if other.bounds != self.bounds:
            raise ValueError("durations of other bounds cannot be added")
        self._counts = [mine + its for mine, its in zip(self._counts, other._counts, strict=True)]
        self.seconds += other.seconds

    @property
    def count(self) -> int:
        """How many were observed."""
        return sum(self._counts)

    def cumulative(self) -> list[int]:
        """For each bound how many took at most that long, and last how many there were in all."""
        return list(accumulate(self._counts))
