"""PSNR in integers: the bound is the formula's, to the last unit."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import RenderError
from node.render.tolerance.distance import alike, largest_error, psnr, squared_error


@settings(max_examples=60)
@given(st.integers(3_000, 10_000), st.integers(192, 2_048 * 2_048 * 3))
def test_largest_error__any_floor_and_size__is_the_last_that_reaches_the_floor(floor: int, values: int) -> None:
    bound = largest_error(floor, values)
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(255**2 * values) / (Decimal(10) ** (Decimal(floor) / 1000))
    assert bound == int(exact)


def test_largest_error__whole_decades__are_plain_fractions() -> None:
    assert largest_error(4_000, 100) == 255**2 * 100 // 10**4
    assert largest_error(3_000, 1) == 65


def test_alike__at_the_bound_and_one_beyond__accepted_and_refused() -> None:
    one = np.zeros((8, 8, 3), np.uint8)
    bound = largest_error(5_000, one.size)  # 124.8: a hundred and twenty-four values off by one
    flat = np.arange(one.size)
    assert alike(one, (flat < bound).astype(np.uint8).reshape(one.shape), 5_000)
    assert not alike(one, (flat < bound + 1).astype(np.uint8).reshape(one.shape), 5_000)


def test_squared_error__extremes__no_overflow() -> None:
    black, white = np.zeros((512, 512, 3), np.uint8), np.full((512, 512, 3), 255, np.uint8)
    assert squared_error(black, white) == squared_error(white, black) == 255**2 * black.size
    assert psnr(squared_error(black, white), black.size) == 0
    assert psnr(0, black.size) == float("inf")


@pytest.mark.parametrize(
    "other",
    [np.zeros((8, 4, 3), np.uint8), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)],
    ids=["size", "grey", "floats"],
)
def test_squared_error__pictures_that_do_not_compare__refused(other: np.ndarray) -> None:
    with pytest.raises(RenderError, match="cannot be compared"):
        squared_error(np.zeros((8, 8, 3), np.uint8), other)
