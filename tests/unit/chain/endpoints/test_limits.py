"""The token bucket, and what Retry-After says."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.chain.endpoints.limits import TokenBucket, retry_after

DAY = 86_400.0
numbers = st.integers(min_value=0, max_value=10**12).map(str)
dates = st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,12} \d{1,3}:\d\d:\d\d [-+A-Z0-9]{0,6}\Z")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@settings(max_examples=300)
@given(st.one_of(st.text(), numbers, dates, st.text(alphabet="0123456789²٣ -:+,GMT")), st.one_of(st.text(), dates))
@example("²", "")
@example("9" * 5_000, "")
@example("Mon, 01 Jan 99999999999 00:00:00 GMT", "")
@example("Mon, 01 Jan 0001 00:00:00 +2359", "")
@example("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359")
@example("", "")
def test_retry_after__any_text__is_a_wait_of_at_most_a_day(text: str, date: str) -> None:
    wait = retry_after({"Retry-After": text, "Date": date})
    assert wait is None or 0.0 <= wait <= DAY


@pytest.mark.parametrize(
    ("text", "wait"), [("3", 3.0), (" 007 ", 7.0), ("86401", DAY), ("9" * 5_000, DAY), ("²", None), ("soon", None)]
)
def test_retry_after__number__is_seconds(text: str, wait: float | None) -> None:
    assert retry_after({"retry-after": text}) == wait


@pytest.mark.parametrize(
    ("until", "wait"),
    [
        ("Sun, 06 Nov 1994 08:50:00 GMT", 23.0),
        ("Sunday, 06-Nov-94 08:50:00 GMT", 23.0),  # RFC 850's form, which recipients must still read
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        ("Mon, 06 Nov 1995 08:49:00 GMT", DAY),
    ],
)
def test_retry_after__date__is_reckoned_by_the_servers_own_clock(until: str, wait: float) -> None:
    assert retry_after({"Retry-After": until, "date": "Sun, 06 Nov 1994 08:49:37 GMT"}) == wait


@settings(max_examples=100)
@given(
    st.sampled_from([0.5, 1.0, 7.0, 50.0]),
    st.sampled_from([1.0, 3.0, 20.0]),
    st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=60),
)
def test_bucket__any_arrivals__lets_at_most_burst_and_rate_through(
    rate: float, burst: float, gaps: list[float]
) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock)
    times = []
    for gap in gaps:
        clock.now += gap
        times.append(clock.now + bucket.take())
    assert times == sorted(times)  # first come, first served
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + rate * (times[last] - start) + 1e-6


def test_bucket__no_rate__never_waits() -> None:
    bucket = TokenBucket(None, 1.0, Clock())
    assert [bucket.take() for _ in range(100)] == [0.0] * 100


def test_bucket__after_a_pause__has_its_burst_again_and_no_more() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, 3.0, clock)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now += 1_000
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0.5, 1.0]


def test_close__holds_every_request_but_not_for_a_day() -> None:
    clock = Clock()
    bucket = TokenBucket(None, 1.0, clock)
    bucket.close(5)
    bucket.close(2)
    assert (bucket.wait, bucket.take()) == (5, 5)
    clock.now += 5
    assert bucket.wait == 0
    bucket.close(DAY)
    assert bucket.closed_for == 600
