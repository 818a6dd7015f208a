"""Histories with a policy: what is accepted, and what a faithful network must do with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers import policy
from node.devnet.history import History, Row, read_history
from node.devnet.replay.track import WAD, Crossing, Track, expected_crossings, percentage, percentages
from node.errors import ReplayError

DATA = Path(__file__).parents[4] / "node" / "devnet" / "histories"
PERCENT = WAD // 100


def track(prices: list[int], thresholds: tuple[int, ...], window: int = 3, hysteresis: int = 0) -> Track:
    rows = tuple(Row(line, str(line), None, price) for line, price in enumerate(prices, 2))
    return Track("test", History("test", rows), thresholds, window, hysteresis)


@given(
    st.lists(st.integers(80, 120), min_size=3, max_size=40),
    st.lists(st.integers(-15, 15), min_size=1, max_size=6, unique=True).map(sorted),
    st.sampled_from([1, 3, 5]),
    st.integers(0, 2),
)
def test_expected_crossings__any_history__equals_the_keepers_policy(
    prices: list[int], thresholds: list[int], window: int, hysteresis: int
) -> None:
    window = min(window, len(prices) - 1 | 1, len(prices) if len(prices) % 2 else len(prices) - 1)
    wads, limits = [price * WAD // 100 for price in prices], tuple(limit * PERCENT for limit in thresholds)
    band, expected = policy.opening_band(limits), []
    for row in range(len(wads)):
        answer = policy.answer(wads[: row + 1], window, 0, wads[0])
        if answer is not None and (after := policy.next_band(answer, band, limits, hysteresis * PERCENT)) != band:
            expected.append(Crossing(row, answer, band, after))
            band = after
    assert expected_crossings(track(wads, limits, window, hysteresis * PERCENT)) == expected


def test_falconx__growth_thresholds__are_crossed_one_after_another() -> None:
    history = read_history(DATA / "pareto-falconx-2025-2026.csv")
    found = expected_crossings(Track("falconx", history, percentages("1%,2%,3%,4%,5%"), 3, percentage("0.1%")))
    assert [(one.previous_band, one.band) for one in found] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    for one in found:
        # One row earlier the middle of three still stood below the threshold and its hysteresis.
        middle = sorted(row.price for row in history.rows[one.row - 3 : one.row])[1]
        assert middle < WAD + one.band * PERCENT + PERCENT // 10


def test_cbbtc__wick_of_one_row__crosses_nothing_through_a_median_and_much_without() -> None:
    history = read_history(DATA / "yieldbasis-cbbtc-2025-10-10.csv")
    thresholds = percentages("-3%,-2%,-1%,1%")
    assert expected_crossings(Track("cbbtc", history, thresholds, 3, percentage("0.1%"))) == []
    believed = expected_crossings(Track("cbbtc", history, thresholds, 1, percentage("0.1%")))
    assert [history.rows[one.row].block for one in believed] == [23550003, 23550300]


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "x%",
        "",
        "-100%",
        "1001%",
        "nan%",
        "0.00000000000000001%",
        "1%,,2%",
        "1%,1%",
        "1E-999999999%",
        "1" * 50 + "%",
    ],
)
def test_percentages__what_is_none__is_refused(text: str) -> None:
    with pytest.raises(ReplayError):
        percentages(text)


def test_percentages__in_any_order__ascend_as_wads() -> None:
    assert percentages("2%, -1%,0.5%") == (-PERCENT, PERCENT // 2, 2 * PERCENT)


@pytest.mark.parametrize("window", [0, 2, 65, -1])
def test_track__impossible_window__is_refused(window: int) -> None:
    with pytest.raises(ReplayError, match="odd number"):
        track([WAD] * 70, (PERCENT,), window)


def test_track__fewer_rows_than_the_window__is_refused() -> None:
    with pytest.raises(ReplayError, match="fewer than a window"):
        track([WAD] * 4, (PERCENT,), 5)


@pytest.mark.parametrize("hysteresis", [-1, 1 << 64])
def test_track__hysteresis_that_the_oracle_would_refuse__is_refused_before_anything_starts(hysteresis: int) -> None:
    with pytest.raises(ReplayError, match="hysteresis"):
        track([WAD] * 5, (PERCENT,), 3, hysteresis)
