"""The token bucket: what passes in any span of time, and when the next may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.gossip.bucket import Rate, TokenBucket
from node.gossip.limits import tokens

RATES = st.builds(Rate, st.integers(1, 5_000), st.integers(1, 5_000))
STEPS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 300)), max_size=60)


@given(RATES, STEPS)
def test_take__any_sequence__no_span_of_time_passes_more_than_burst_and_rate(
    rate: Rate, steps: list[tuple[int, int]]
) -> None:
    now, taken = 0, []
    bucket = TokenBucket(rate, now)
    for later, cost in steps:
        now += later
        if bucket.take(cost, now):
            taken.append((now, cost))
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last][0] - taken[first][0]
            assert sum(cost for _, cost in taken[first : last + 1]) * 1000 <= rate.burst * 1000 + rate.per_second * span


@given(RATES, STEPS)
def test_take__within_the_rate__never_refused(rate: Rate, steps: list[tuple[int, int]]) -> None:
    now, bucket = 0, TokenBucket(rate, 0)
    for _, cost in steps:
        cost = min(cost, rate.burst)
        now += -(-cost * 1000 // rate.per_second)
        assert bucket.take(cost, now)


@given(RATES, STEPS, st.integers(1, 300))
def test_wait__after_anything__the_very_millisecond_from_which_it_passes(
    rate: Rate, steps: list[tuple[int, int]], cost: int
) -> None:
    now, bucket = 0, TokenBucket(rate, 0)
    for later, charged in steps:
        now += later
        bucket.charge(charged, now)
    wait = bucket.wait(cost, now)
    cost = min(cost, rate.burst)
    if wait:
        assert not bucket.take(cost, now + wait - 1)
    assert bucket.take(cost, now + wait)


@given(RATES, STEPS)
def test_charge__whatever_is_owed__paid_back_within_two_bursts(rate: Rate, steps: list[tuple[int, int]]) -> None:
    bucket = TokenBucket(rate, 0)
    for _, cost in steps:
        bucket.charge(cost * 100, 0)
    assert bucket.wait(rate.burst, 0) <= -(-2 * rate.burst * 1000 // rate.per_second)


@given(RATES, STEPS)
def test_take__clock_steps_back__gives_nothing_twice(rate: Rate, steps: list[tuple[int, int]]) -> None:
    bucket = TokenBucket(rate, 10_000)
    assert bucket.take(rate.burst, 10_000)
    for back, _ in steps:
        assert not bucket.take(1, max(0, 10_000 - back))


@pytest.mark.parametrize(("size", "cost"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (64 * 1024, 64)])
def test_tokens__size__one_for_every_kib_begun(size: int, cost: int) -> None:
    assert tokens(size) == cost


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (1, 0), (-1, 5)])
def test_rate__that_lets_nothing_pass__refused(per_second: int, burst: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rate(per_second, burst)
