"""Amounts of a token as people write them: exact both ways, and refused where they are ambiguous."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PatinaError
from node.staking.amounts import MAX_UNITS, parse_amount, round_up, show_amount, show_ether

UNIT = 10**18


@given(st.integers(min_value=1, max_value=MAX_UNITS), st.integers(min_value=0, max_value=30))
def test_amount__shown_and_read_back__is_the_same(units: int, decimals: int) -> None:
    assert parse_amount(show_amount(units, decimals, "STK"), decimals, "STK") == units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("1,500.5", 15_005 * UNIT // 10),
        ("1500.5 STK", 15_005 * UNIT // 10),
        (" 7 ", 7 * UNIT),
        (".5", UNIT // 2),
        ("0.000000000000000001", 1),
        ("1.50000000000000000000000", 3 * UNIT // 2),
        ("1,234,567", 1_234_567 * UNIT),
    ],
)
def test_parse__what_people_write__exactly(text: str, units: int) -> None:
    assert parse_amount(text, 18, "STK") == units


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,5", "a comma separates thousands"),
        ("1.5.5", "write it like"),
        ("", "is not an amount"),
        (".", "is not an amount"),
        ("1e3", "is not an amount"),
        ("-1", "is not an amount"),
        ("0x10", "is not an amount"),
        ("\uff11", "is not an amount"),
        ("nan", "is not an amount"),
        ("0.00", "is nothing"),
        ("0.0000000000000000001", "more decimals than the token, which has 18"),
        ("1" * 61, "61 digits"),
        ("1" * 40, "more than any bond can be"),
        ("5 OTHER", "is not an amount"),
    ],
)
def test_parse__anything_else__refused_with_a_remedy(text: str, said: str) -> None:
    with pytest.raises(PatinaError) as refused:
        parse_amount(text, 18, "STK")
    assert said in str(refused.value)


def test_show__amounts_of_coin__to_nine_decimals_rounded_down() -> None:
    assert show_ether(0) == "0 ether"
    assert show_ether(999_999_999) == "999999999 wei"
    assert show_ether(UNIT + 1) == "1 ether"
    assert show_ether(12_345 * 10**15 + 999) == "12.345 ether"
    assert show_amount(-15 * UNIT // 10, 18) == "-1.5"


@given(st.integers(min_value=0, max_value=MAX_UNITS), st.integers(min_value=0, max_value=18))
def test_round_up__any__is_whole_and_no_more_than_one_above(units: int, decimals: int) -> None:
    found = round_up(units, decimals)
    assert found % 10**decimals == 0
    assert 0 <= found - units < 10**decimals
