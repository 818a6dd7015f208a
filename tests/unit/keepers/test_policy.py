"""Answers, bands and triggers against independent computations."""

from __future__ import annotations

import statistics
from collections import Counter
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from keepers import policy
from keepers.policy import WAD, Trigger

prices = st.integers(10**12, 10**24)
thresholds_lists = st.lists(st.integers(-WAD, WAD), min_size=1, max_size=15, unique=True).map(sorted)


@given(st.lists(prices, min_size=1, max_size=12), st.sampled_from([1, 3, 5]), prices)
def test_answer__fixed_basis__is_the_floored_growth_of_the_window_median(
    history: list[int], window: int, basis: int
) -> None:
    got = policy.answer(history, window, 0, basis)
    if len(history) < window:
        assert got is None
    else:
        middle = statistics.median_low(history[-window:])
        assert got == floor(Fraction(middle, basis) * WAD) - WAD


@given(st.lists(prices, min_size=1, max_size=14), st.sampled_from([1, 3]), st.integers(1, 6))
def test_answer__trailing_basis__is_the_median_one_lookback_earlier(
    history: list[int], window: int, lookback: int
) -> None:
    got = policy.answer(history, window, lookback, 1)
    if len(history) < window + lookback:
        assert got is None
    else:
        then = statistics.median_low(history[: len(history) - lookback][-window:])
        now = statistics.median_low(history[-window:])
        assert got == floor(Fraction(now, then) * WAD) - WAD


def test_answer__growth_since_a_worthless_share__is_undefined() -> None:
    assert policy.answer([0, WAD], 1, 1, WAD) is None
    assert policy.answer([WAD, 0], 1, 1, WAD) == -WAD


def band_by_walking(value: int, band: int, thresholds: list[int], hysteresis: int) -> int:
    """Move one band at a time for as long as the next threshold is passed by the hysteresis."""
    while band < len(thresholds) and value - thresholds[band] >= hysteresis:
        band += 1
    while band > 0 and thresholds[band - 1] - value > hysteresis:
        band -= 1
    return band


@given(
    st.integers(-2 * WAD, 2 * WAD),
    st.integers(0, 15),
    thresholds_lists,
    st.integers(0, WAD // 10),
)
def test_next_band__any_answer__equals_walking_one_threshold_at_a_time(
    value: int, band: int, thresholds: list[int], hysteresis: int
) -> None:
    band = min(band, len(thresholds))
    got = policy.next_band(value, band, thresholds, hysteresis)
    assert got == band_by_walking(value, band, thresholds, hysteresis)


@given(st.integers(-2 * WAD, 2 * WAD), thresholds_lists, st.integers(0, WAD // 10), st.integers(0, 15))
def test_next_band__same_answer_again__changes_nothing(
    value: int, thresholds: list[int], hysteresis: int, band: int
) -> None:
    once = policy.next_band(value, min(band, len(thresholds)), thresholds, hysteresis)
    assert policy.next_band(value, once, thresholds, hysteresis) == once


def test_next_band__trembling_on_a_threshold__stays() -> None:
    one, tenth = WAD // 100, WAD // 1000
    band = policy.next_band(one + tenth, 0, [one], tenth)
    assert band == 1
    for value in (one, one - tenth, one + tenth // 2, one):
        band = policy.next_band(value, band, [one], tenth)
    assert band == 1
    assert policy.next_band(one - tenth - 1, band, [one], tenth) == 0


def test_opening_band__thresholds_around_zero__counts_those_not_above_it() -> None:
    assert policy.opening_band([-2, -1, 0, 1]) == 3
    assert policy.opening_band([1, 2]) == 0


def decide(**changes: int | bool) -> Trigger | None:
    """Call trigger() with a quiet default and some changes."""
    quiet = {
        "checkpoint": 100,
        "band": 2,
        "new_band": 2,
        "reported_checkpoint": 90,
        "opened_at": 10,
        "heartbeat": 0,
        "painted": True,
    }
    return policy.trigger(**(quiet | changes))  # type: ignore[arg-type]


def test_trigger__nothing_changed__is_silence() -> None:
    assert decide() is None
    assert decide(heartbeat=11) is None


def test_trigger__each_reason__is_named() -> None:
    assert decide(new_band=3) is Trigger.CROSSING
    assert decide(painted=False) is Trigger.FIRST_PAINT
    assert decide(heartbeat=10) is Trigger.HEARTBEAT
    assert decide(heartbeat=80, reported_checkpoint=0) is Trigger.HEARTBEAT
    assert decide(heartbeat=91, reported_checkpoint=0) is None


def test_wick__one_sample_of_a_real_vault__changes_no_band() -> None:
    """Incident: a 3.5 % one-sample wick, yieldbasis-cbbtc, block 23550003."""
    around = [100631693, 100676907, 97141942, 100655426, 100535005]
    history = [price * 10**10 for price in around]
    basis, thresholds = 100754517 * 10**10, [-3 * WAD // 100, -2 * WAD // 100]
    believed = policy.answer(history[:3], 1, 0, basis)
    assert believed is not None
    assert policy.next_band(believed, 2, thresholds, 0) == 0
    for end in range(3, len(history) + 1):
        value = policy.answer(history[:end], 3, 0, basis)
        assert value is not None
        assert policy.next_band(value, 2, thresholds, 0) == 2


def test_donation__jump_inside_one_checkpoint__does_not_decide_a_band() -> None:
    """Incident: share price inflated by a donation (Venus wUSDM 2025, Resupply 2025)."""
    history = [WAD, WAD, 50 * WAD]
    value = policy.answer(history, 3, 0, WAD)
    assert value == 0
    assert policy.next_band(value, 0, [WAD // 100], 0) == 0


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(1, 500))
def test_heartbeat_after__any_feed__never_later_and_at_most_an_eighth_earlier(feed, beats, cadence) -> None:
    heartbeat = beats * cadence
    after = policy.heartbeat_after(feed, heartbeat, cadence)
    assert heartbeat - heartbeat // 8 <= after <= heartbeat
    assert (heartbeat - after) % cadence == 0
    assert policy.heartbeat_after(feed, 0, cadence) == 0


def test_incident__heartbeat_stampede__a_thousand_feeds_opened_together_take_turns() -> None:
    due = Counter(policy.heartbeat_after(feed, 7_200, 10) for feed in range(1, 1_001))
    assert len(due) == 91
    assert max(due.values()) <= 11


@given(st.sets(st.integers(1, 5_000), min_size=1, max_size=200), st.integers(0, 10**6))
def test_heartbeats__all_overdue_at_once__a_few_at_a_time_and_everyone_in_turn(feeds, start) -> None:
    due, seen = sorted(feeds), set()
    for step in range(-(-len(due) // policy.MAX_HEARTBEATS)):
        chosen = policy.heartbeats(due, (start + step) * 10, 10)
        assert len(chosen) == min(len(due), policy.MAX_HEARTBEATS)
        seen |= chosen
    assert seen == feeds
