"""Durations: counted within their bounds, added up, never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.durations import Durations

SECONDS = st.lists(st.floats(min_value=0, max_value=100, allow_nan=False), max_size=30)


@given(SECONDS, SECONDS)
def test_cumulative__any_observations__counts_those_within_each_bound(some: list[float], more: list[float]) -> None:
    found, other = Durations((1.0, 10.0)), Durations((1.0, 10.0))
    for seconds in some:
        found.observe(seconds)
    for seconds in more:
        other.observe(seconds)
    found.add(other)
    both = some + more
    assert found.cumulative() == [sum(one <= bound for one in both) for bound in (1.0, 10.0)] + [len(both)]
    assert found.count == len(both)
    assert found.seconds == pytest.approx(sum(both))


def test_observe__several_equal_ones__are_as_many() -> None:
    found = Durations((1.0,))
    found.observe(0.5, 3)
    found.observe(-2.0)
    assert (found.cumulative(), found.seconds) == ([4, 4], 1.5)


def test_add__other_bounds__is_refused() -> None:
    with pytest.raises(ValueError, match="bounds"):
        Durations((1.0,)).add(Durations((2.0,)))
