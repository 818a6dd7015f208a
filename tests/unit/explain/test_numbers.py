"""Percentages are exact, never mislead about a threshold, and read as people write them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.explain.numbers import above, count, date, exact, listed, percent, plus, sentence, signed

WAD = 10**18
PERCENT = WAD // 100


def read(text: str) -> Fraction:
    return Fraction(text.removesuffix(" %").replace(",", ""))


@pytest.mark.parametrize(
    ("wad", "said"),
    [
        (0, "0.00 %"),
        (PERCENT, "1.00 %"),
        (-PERCENT * 35 // 10, "-3.50 %"),
        (PERCENT * 1_234 // 100, "12.3 %"),
        (PERCENT * 123_456, "123,456 %"),
        (PERCENT // 1_000, "0.001 %"),
        (-1, "-0.0000000000000001 %"),
        (PERCENT * 5 // 1_000, "0.01 %"),
    ],
)
def test_percent__size_of_the_number__decides_its_digits(wad: int, said: str) -> None:
    assert percent(wad) == said


@given(st.integers(-(10**24), 10**24))
def test_percent__any_wad__is_rounded_to_what_it_shows(wad: int) -> None:
    text = percent(wad)
    places = len(text.removesuffix(" %").partition(".")[2])
    assert abs(read(text) - Fraction(wad * 100, WAD)) <= Fraction(1, 2 * 10**places)
    assert (read(text) == 0) == (wad == 0)


@given(st.integers(-(10**19), 10**19), st.lists(st.integers(-(10**19), 10**19), max_size=4))
def test_percent__beside_thresholds__shows_on_which_side_it_is(wad: int, edges: list[int]) -> None:
    shown = read(percent(wad, edges))
    for edge in edges:
        exactly = Fraction(edge * 100, WAD)
        if wad < edge:
            assert shown < exactly or shown == 0
        elif wad > edge:
            assert shown > exactly or shown == 0


@given(st.integers(-(10**22), 10**22))
def test_exact__any_wad__loses_nothing(wad: int) -> None:
    assert read(exact(wad)) == Fraction(wad * 100, WAD)
    assert signed(wad).startswith("+") == (wad > 0)


def test_words__as_people_say_them() -> None:
    assert [above(one) for one in (PERCENT, -PERCENT, 0)] == ["1.00 % above", "1.00 % below", "level with"]
    assert plus(PERCENT) == "+1.00 %"
    assert [count(many, "boat") for many in (0, 1, 2, 40)] == ["no boats", "one boat", "two boats", "40 boats"]
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert sentence("done.") == "Done."


@pytest.mark.parametrize("seconds", [None, 0, -5, 10**12, 2**63])
def test_date__what_no_block_can_be__is_left_out(seconds: int | None) -> None:
    assert date(seconds) == ""


def test_date__moment__is_written_out() -> None:
    assert date(1_772_546_700) == "3 March 2026, 14:05 UTC"
