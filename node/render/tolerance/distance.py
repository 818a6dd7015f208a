"""How far two pictures are apart: PSNR, decided in integers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from node.errors import RenderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PEAK: Final = 255
_POWER: Final = 1_000


def squared_error(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """The sum of squared differences of two uint8 pictures (H, W, 3); RenderError if their shapes differ."""
    import numpy as np

    if one.shape != other.shape or one.dtype != np.uint8 or other.dtype != np.uint8:
        raise RenderError(f"pictures of {one.dtype} {one.shape} and {other.dtype} {other.shape} cannot be compared")
    difference = one.astype(np.int64) - other.astype(np.int64)
    return int((difference * difference).sum())


@cache
def largest_error(floor: int, values: int) -> int:
    """The largest sum of squared differences over `values` numbers whose PSNR is `floor` hundredths of a dB or more.

    PSNR = 10 log10(255**2 / (error / values)) (Huynh-Thu and Ghanbari, Electronics Letters 44 (13), 2008). So PSNR >=
    floor / 100 exactly when error * 10**(floor / 1000) <= 255**2 * values, and, both sides raised to the 1000th power,
    when error**1000 * 10**floor <= (255**2 * values)**1000: integers on both sides, no logarithm and no root.
    """
    right = (PEAK * PEAK * values) ** _POWER
    scale = 10**floor
    low, high = 0, PEAK * PEAK * values
    while low < high:
        middle = (low + high + 1) // 2
        if middle**_POWER * scale <= right:
            low = middle
        else:
            high = middle - 1
    return low


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8], floor: int) -> bool:
    """Whether the PSNR of two pictures is at least `floor` hundredths of a decibel; RenderError for unequal shapes."""
    return squared_error(one, other) <= largest_error(floor, one.size)


def psnr(error: int, values: int) -> float:
    """Decibels for eyes: nothing is decided by them. Infinite for equal pictures."""
    from math import inf, log10

    return 10 * log10(PEAK * PEAK * values / error) if error else inf
