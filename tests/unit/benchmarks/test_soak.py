"""The verdict on a soak: who grew, and who did nothing."""

from __future__ import annotations

import os

import pytest

from benchmarks.soak.day import Soak
from benchmarks.soak.memory import Curve, resident, table


def curve(*medians: float) -> Curve:
    found = Curve("node-1")
    for hour, mebibytes in enumerate(medians):
        for noise in (-1.0, 0.0, 40.0):  # a peak is no growth
            found.add(hour, mebibytes + noise)
    return found


@pytest.mark.parametrize(
    ("medians", "steady"), [((100, 102, 104.9), True), ((100, 130, 100), True), ((100, 101, 105.2), False)]
)
def test_steady__last_hour_against_the_first__decides(medians: tuple[float, ...], steady: bool) -> None:
    assert curve(*medians).steady is steady
    assert Soak([curve(100, 100), curve(*medians)], {0: 2, 1: 4}).steady is steady


def test_steady__hour_without_a_report__is_no_success() -> None:
    assert not Soak([curve(100, 100)], {0: 2, 1: 2}).steady
    assert not Soak([curve(100, 100)], {0: 0, 1: 2}).steady


def test_table__hours__show_medians_and_growth() -> None:
    lines = table([curve(100, 103)], {0: 2, 1: 4})
    assert lines[1].split() == ["1", "100.0", "2"]
    assert lines[-1].split() == ["growth", "3.0%"]


def test_resident__this_process__is_what_the_system_says() -> None:
    assert 5 < resident(os.getpid()) < 100_000
