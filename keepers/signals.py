"""Style signals of a vault, in integers: how restless, how far below its height, filling or emptying.

Each is a wad. They steer how an artwork looks inside its band and never decide the band.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import isqrt

from keepers.policy import WAD

HORIZON = 24
"""Checkpoints that signals look back on, at the most."""

NAMES = ("volatility", "drawdown", "flow")
"""The order in which signals travel in observations and reports."""


def volatility(prices: Sequence[int]) -> int:
    """Return the population standard deviation (wad) of one-checkpoint returns; 0 for fewer than two returns.

    A step from a worthless share has no return and is left out.
    """
    returns = [new * WAD // old - WAD for old, new in itertools.pairwise(prices) if old > 0]
    count = len(returns)
    if count < 2:
        return 0
    total = sum(returns)
    # n * sum(r^2) - (sum r)^2 is n^2 times the variance, without an inexact mean.
    return isqrt(count * sum(r * r for r in returns) - total * total) // count


def drawdown(prices: Sequence[int]) -> int:
    """Return how far (wad, 0 to 1) the last price stands below the highest one; 1 if all are worthless."""
    highest = max(prices)
    return WAD - prices[-1] * WAD // highest if highest > 0 else WAD


def flow(supplies: Sequence[int]) -> int:
    """Return the relative change (signed wad) of the vault's share supply over the horizon; 0 from an empty vault."""
    first = supplies[0]
    return 0 if first == 0 else supplies[-1] * WAD // first - WAD


def measure(prices: Sequence[int], supplies: Sequence[int]) -> tuple[int, int, int]:
    """Return (volatility, drawdown, flow) at the last of up to HORIZON consecutive samples.

    Raises:
        ValueError: no sample, or a negative price.
    """
    if not prices or min(prices) < 0:
        raise ValueError("signals need at least one sample, and share prices that are not negative")
    recent, shares = prices[-HORIZON:], supplies[-HORIZON:]
    return volatility(recent), drawdown(recent), flow(shares)
