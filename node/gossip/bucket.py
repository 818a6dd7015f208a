"""A token bucket in whole numbers: how much may pass, however unevenly it comes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` tokens in the long run, and at most `burst` of them at once."""

    per_second: int
    burst: int

    def __post_init__(self) -> None:
        if self.per_second < 1 or self.burst < 1:
            raise ValueError("a rate lets at least one token pass")


class TokenBucket:
    """Full at first. Times are whole milliseconds of any one clock; one that steps back counts as standing still.

    In any span of t ms at most `burst + per_second * t / 1000` tokens are taken.
    """

    def __init__(self, rate: Rate, now: int) -> None:
        self._rate = rate
        # In thousandths of a token, so that a millisecond adds exactly `per_second` of them.
        self._full = rate.burst * 1000
        self._level = self._full
        self._at = now

    def take(self, cost: int, now: int) -> bool:
        """Take `cost` tokens, all of them or none."""
        self._fill(now)
        if self._level < cost * 1000:
            return False
        self._level -= cost * 1000
        return True

    def charge(self, cost: int, now: int) -> None:
        """Take `cost` tokens whether they are there or not; the debt never passes one `burst`."""
        self._fill(now)
        self._level = max(self._level - cost * 1000, -self._full)

    def wait(self, cost: int, now: int) -> int:
        """The ms after which `take(cost)` succeeds if nothing else is taken: 0 for at once.

        A cost above `burst` is never there: the wait is that for `burst`.
        """
        self._fill(now)
        missing = min(cost * 1000, self._full) - self._level
        return max(0, -(-missing // self._rate.per_second))

    def _fill(self, now: int) -> None:
        if now > self._at:
            self._level = min(self._full, self._level + (now - self._at) * self._rate.per_second)
            self._at = now
