"""What a report costs and how long funds last, in integers; against the contract in tests/integration/joining."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.chain.configurations import Worked
from node.staking.types import FeedFunds, Params
from node.staking.upkeep import Upkeep, dearest, price

PARAMS = Params(100, 4, 3_600, 14, 0, 10**15, 2 * 10**15, 50 * 10**9, 1_000, 0, 8, 3, 1)
ADDRESS = "0x" + "00" * 19 + "05"
REPORT = Worked(1, 40, 3, 0b0111, 0b1011, ADDRESS, 200_000, 10**9, 45, bytes(32), bytes(32), 0)
FUNDS = FeedFunds(1, ADDRESS, 10**18, 0, 0, True)
COST = 3 * 10**15 + 3 * 2 * 10**15 + 200_000 * 10**9 * 11 // 10


def test_price__of_a_report__fees_and_gas_with_the_premium_up_to_the_cap() -> None:
    assert price(REPORT, PARAMS) == COST
    capped = price(replace(REPORT, gas_price=51 * 10**9), PARAMS)
    assert capped == price(replace(REPORT, gas_price=50 * 10**9), PARAMS) == 9 * 10**15 + 200_000 * 55 * 10**9
    assert price(replace(REPORT, gas_used=0, gas_price=0), PARAMS) == 9 * 10**15


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**21 - 1), st.integers(0, 2_000_000), st.integers(0, 2**64))
@settings(max_examples=50)
def test_dearest__whatever_report__is_no_less(observers: int, signers: int, gas: int, gas_price: int) -> None:
    report = replace(REPORT, observers=observers, signers=signers, gas_used=gas, gas_price=gas_price)
    assert price(report, PARAMS) <= dearest(PARAMS)
    most = replace(REPORT, observers=2**31 - 1, signers=2**21 - 1, gas_used=2_000_000, gas_price=10**12)
    assert price(most, PARAMS) == dearest(PARAMS)


@pytest.mark.parametrize(
    ("prices", "between", "leaving", "reports", "seconds"),
    [
        ((), None, 0, None, None),
        ((10**17,), None, 0, 10, None),
        ((10**17, 2 * 10**17), 60.0, 0, 6, 360),
        ((10**17, 10**17), 60.0, 10**18, 0, 0),
        ((10**17, 10**17), 0.5, 10**17, 9, 4),
    ],
)
def test_upkeep__funds_and_latest_prices__how_many_more_and_how_long(
    prices: tuple[int, ...], between: float | None, leaving: int, reports: int | None, seconds: int | None
) -> None:
    found = Upkeep(replace(FUNDS, leaving=leaving), 10**17, prices, between, 0, None)
    assert (found.reports, found.seconds) == (reports, seconds)
