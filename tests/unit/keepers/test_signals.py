"""Signals against exact rational and floating references."""

from __future__ import annotations

import itertools
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers import signals
from keepers.policy import WAD

price_lists = st.lists(st.integers(10**15, 10**21), min_size=1, max_size=40)


@given(price_lists)
def test_volatility__any_history__is_the_population_deviation_of_returns(prices: list[int]) -> None:
    returns = [new * WAD // old - WAD for old, new in itertools.pairwise(prices)]
    if len(returns) < 2:
        assert signals.volatility(prices) == 0
        return
    variance = statistics.pvariance([Fraction(r) for r in returns])
    got = signals.volatility(prices)
    assert got * got <= variance
    assert variance < (got + 2) ** 2


@given(price_lists)
def test_drawdown__any_history__lies_between_zero_and_one(prices: list[int]) -> None:
    assert 0 <= signals.drawdown(prices) <= WAD
    assert (signals.drawdown(prices) == 0) == (prices[-1] == max(prices))


@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=30))
def test_flow__any_supplies__has_the_sign_of_the_change(supplies: list[int]) -> None:
    change = signals.flow(supplies)
    if supplies[0] == 0 or supplies[-1] == supplies[0]:
        assert change == 0
    elif supplies[-1] < supplies[0]:
        assert -WAD <= change < 0
    else:
        assert change >= 0


@given(price_lists, price_lists)
def test_measure__older_samples_than_the_horizon__do_not_matter(old: list[int], recent: list[int]) -> None:
    recent = (recent * signals.HORIZON)[: signals.HORIZON]
    assert signals.measure(old + recent, old + recent) == signals.measure(recent, recent)


def test_measure__no_sample_or_negative_price__is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        signals.measure([], [])
    with pytest.raises(ValueError, match="not negative"):
        signals.measure([WAD, -1], [1, 1])


def test_measure__a_vault_that_lost_everything__is_measured_all_the_same() -> None:
    # Steps with a return: 0 % and -100 %, whose deviation is 50 %; those out of a worthless share have none.
    assert signals.measure([WAD, WAD, 0, 0, WAD], [1] * 5) == (WAD // 2, 0, 0)
    assert signals.measure([WAD, 0], [1, 1])[1] == WAD
    assert signals.measure([0, 0], [1, 1]) == (0, WAD, 0)
