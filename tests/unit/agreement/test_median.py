"""The lower median."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.agreement.median import median, medians


@given(st.lists(st.integers(), min_size=1, max_size=31))
def test_median__any_numbers__as_the_standard_library(values: list[int]) -> None:
    assert median(values) == statistics.median_low(values)


@given(st.integers(0, 10), st.data())
def test_incident__f_liars_among_2f_plus_1__median_stays_between_honest_values(f: int, data: st.DataObject) -> None:
    honest = data.draw(st.lists(st.integers(), min_size=f + 1, max_size=f + 1))
    lies = data.draw(st.lists(st.integers(), min_size=f, max_size=f))
    assert min(honest) <= median(honest + lies) <= max(honest)


def test_medians__rows__column_by_column() -> None:
    assert medians([(1, 30), (2, 10), (9, 20)]) == (2, 20)
    with pytest.raises(ValueError):
        medians([(1,), (1, 2)])
    with pytest.raises(ValueError):
        medians([])
    with pytest.raises(ValueError):
        median([])
