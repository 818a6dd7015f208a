"""Fees of first offers and replacements: raised enough for mempools, never above the cap."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from node.chain.sending.fees import Fees, Offer

WEI = st.integers(0, 10**13)


def test_first__quiet_chain__is_twice_the_base_fee_and_the_tip() -> None:
    assert Fees(10**11, 10**9).first(7 * 10**9) == Offer(15 * 10**9, 10**9)
    assert Fees(10**10, 10**9).first(7 * 10**9) == Offer(10**10, 10**9)
    assert Fees(10, 10**9).first(0) == Offer(10, 10)


@given(st.integers(1, 10**13), WEI, WEI)
def test_first__any_market__stays_under_the_cap(cap: int, tip: int, base_fee: int) -> None:
    offer = Fees(cap, tip).first(base_fee)
    assert 0 <= offer.priority_fee <= offer.max_fee <= cap


@given(WEI, st.integers(0, 10**12), WEI, st.integers(1, 10**13), st.decimals("12.5", "100", places=2))
def test_replacement__any_market__is_at_least_12_5_percent_more_or_none(
    max_fee: int, tip: int, base_fee: int, cap: int, bump: Decimal
) -> None:
    old = Offer(max(max_fee, tip), tip)
    new = Fees(cap, 10**9, bump).replacement(old, base_fee)
    if new is None:
        assert max(old.max_fee, old.priority_fee) * (1 + bump / 100) > cap - 1
        return
    assert 1000 * new.max_fee >= 1125 * old.max_fee
    assert 1000 * new.priority_fee >= 1125 * old.priority_fee
    assert new.max_fee > old.max_fee
    assert new.priority_fee > old.priority_fee
    assert new.priority_fee <= new.max_fee <= cap


def test_replacement__repeated__ends() -> None:
    fees, offer, steps = Fees(10**11, 1), Offer(1, 0), 0
    while (following := fees.replacement(offer, 0)) is not None:
        offer, steps = following, steps + 1
    assert 200 < steps < 300
    assert offer.max_fee <= 10**11


def test_gas_limit__adds_the_margin() -> None:
    assert Fees(1, 1, gas_margin_percent=20).gas_limit(100_001) == 120_001
