"""What an endpoint's headers and headers' numbers may say: anything at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.chain import parse
from node.chain.endpoint import _retry_after
from node.chain.failures import UnavailableError

DAY = 86_400.0
numbers = st.integers(min_value=0, max_value=10**12).map(str)
dates = st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,12} \d{1,3}:\d\d:\d\d [-+A-Z0-9]{0,6}\Z")


@settings(max_examples=300)
@given(st.one_of(st.text(), numbers, dates, st.text(alphabet="0123456789²٣ -:+,GMT")))
@example("²")
@example("9" * 5_000)
@example("Mon, 01 Jan 99999999999 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("")
def test_retry_after__any_text__is_a_wait_of_at_most_a_day(text: str) -> None:
    assert 0.0 <= _retry_after({"Retry-After": text}) <= DAY


@pytest.mark.parametrize(("text", "wait"), [("3", 3.0), (" 007 ", 7.0), ("86401", DAY), ("9" * 5_000, DAY), ("²", 1.0)])
def test_retry_after__number__is_seconds(text: str, wait: float) -> None:
    assert _retry_after({"retry-after": text}) == wait


@pytest.mark.parametrize("field", ["number", "timestamp"])
def test_block__number_that_no_journal_stores__is_refused(field: str) -> None:
    header = {"number": "0x1", "timestamp": "0x1", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32}
    assert parse.block(header | {field: hex(2**63 - 1)})
    with pytest.raises(UnavailableError, match="beyond 63 bits"):
        parse.block(header | {field: hex(2**63)})
