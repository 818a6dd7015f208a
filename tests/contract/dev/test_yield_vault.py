"""The vault's profits and losses are real transfers, and reach any price of a history to its last decimal."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Bank

HISTORIES = Path(__file__).parents[3] / "node" / "devnet" / "histories"


@pytest.fixture(scope="module")
def banks(make_bank: Callable[..., Bank]) -> Iterator[dict[tuple[int, int], Bank]]:
    """Vaults that already have depositors, for all examples of a property."""
    with boa.env.anchor():
        made = {(d, o): make_bank(d, o) for d, o in ((6, 0), (6, 12), (8, 10), (18, 0), (18, 6))}
        for bank in made.values():
            bank.deposit(10 ** int(bank.asset.decimals()))
        yield made


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shape=st.sampled_from([(6, 0), (6, 12), (8, 10), (18, 0), (18, 6)]))
def test_gap__any_prices_and_deposits__are_hit_exactly(
    banks: dict[tuple[int, int], Bank], data: st.DataObject, shape: tuple[int, int]
) -> None:
    bank = banks[shape]
    unit = 10 ** shape[0]
    with boa.env.anchor():
        for _ in range(data.draw(st.integers(1, 3))):
            bank.deposit(data.draw(st.integers(1, 10**6 * unit)))
            price = data.draw(st.integers(1, 50 * unit))
            bank.reach(price)
            assert bank.price() == price
            # The rule as the NatSpec has it, computed here.
            shares = bank.vault.totalSupply() + 10 ** shape[1]
            assert bank.vault.totalAssets() == -(-price * shares // bank.one_share()) - 1


@pytest.mark.parametrize(
    ("name", "decimals"), [("pareto-falconx-2025-2026.csv", 6), ("yieldbasis-cbbtc-2025-10-10.csv", 8)]
)
def test_gap__real_history__is_replayed_to_the_last_decimal(
    make_bank: Callable[..., Bank], name: str, decimals: int
) -> None:
    bank = make_bank(decimals, 18 - decimals)
    bank.deposit(1_000 * 10**decimals)
    with (HISTORIES / name).open(encoding="ascii") as file:
        prices = [Decimal(row["share_price"]) for row in csv.DictReader(file)]
    for price in prices[:: max(1, len(prices) // 60)]:
        wanted = int(price * 10**decimals)
        bank.reach(wanted)
        assert bank.price() == wanted


def test_gap__less_than_one_share__is_refused(bank: Bank) -> None:
    with boa.reverts("vault: less than one share"):
        bank.vault.gap(10**6)
    bank.deposit(10**6)
    with boa.reverts("vault: price is zero"):
        bank.vault.assets_at(0)


def test_report_profit__real_transfer__raises_the_price_for_holders(bank: Bank) -> None:
    holder = bank.deposit(100 * 10**6)
    bank.asset.mint(bank.strategy, 10 * 10**6)
    bank.asset.approve(bank.vault, 10 * 10**6)
    bank.vault.report_profit(10 * 10**6)
    (log,) = (entry for entry in bank.vault.get_logs() if type(entry).__name__ == "ProfitReported")
    assert (log.strategy, log.assets, log.total_assets) == (bank.strategy, 10 * 10**6, 110 * 10**6)
    assert bank.asset.balanceOf(bank.strategy) == 0
    assert bank.price() == 1_100_000 - 1
    bank.vault.redeem(bank.vault.balanceOf(holder), holder, holder, sender=holder)
    assert 110 * 10**6 - 2 <= bank.asset.balanceOf(holder) <= 110 * 10**6


def test_report_profit__without_tokens__changes_nothing(bank: Bank) -> None:
    bank.deposit(10**6)
    bank.asset.approve(bank.vault, 5)
    with boa.reverts():
        bank.vault.report_profit(5)
    assert bank.vault.totalAssets() == 10**6


def test_report_loss__real_transfer__lowers_the_price(bank: Bank) -> None:
    bank.deposit(100 * 10**6)
    bank.vault.report_loss(25 * 10**6)
    (log,) = (entry for entry in bank.vault.get_logs() if type(entry).__name__ == "LossReported")
    assert (log.strategy, log.assets, log.total_assets) == (bank.strategy, 25 * 10**6, 75 * 10**6)
    assert bank.asset.balanceOf(bank.strategy) == 25 * 10**6
    assert bank.price() == 750_000
    with boa.reverts("vault: loss above assets"):
        bank.vault.report_loss(75 * 10**6 + 1)
    bank.vault.report_loss(75 * 10**6)
    assert bank.price() == 0


def test_report__by_a_stranger_or_of_nothing__is_refused(bank: Bank) -> None:
    bank.deposit(10**6)
    stranger = boa.env.generate_address()
    for report in (bank.vault.report_profit, bank.vault.report_loss):
        with boa.reverts("vault: caller is not the strategy"):
            report(1, sender=stranger)
        with boa.reverts("vault: nothing to report"):
            report(0)


def test_set_strategy__by_the_strategy__hands_the_role_over(bank: Bank) -> None:
    bank.deposit(10**6)
    heir = boa.env.generate_address()
    with boa.reverts("vault: caller is not the strategy"):
        bank.vault.set_strategy(heir, sender=heir)
    with boa.reverts("vault: strategy is the zero address"):
        bank.vault.set_strategy("0x" + "00" * 20)
    bank.vault.set_strategy(heir)
    (log,) = bank.vault.get_logs()
    assert (log.previous_strategy, log.strategy) == (bank.strategy, heir)
    with boa.reverts("vault: caller is not the strategy"):
        bank.vault.report_loss(1)
    bank.vault.report_loss(1, sender=heir)


def test_deploy__strategy_zero__is_refused(bank: Bank, deployers: dict[str, object]) -> None:
    with boa.reverts("vault: strategy is the zero address"):
        deployers["YieldVault"].deploy(bank.asset, "Y", "Y", 0, "0x" + "00" * 20)  # type: ignore[attr-defined]


def test_donation__venus_wusdm_2025__moves_the_price_at_once(bank: Bank) -> None:
    # Pricing by balance is how the real vaults behaved: the vault does not hide a donation, the oracle's median does.
    bank.deposit(100 * 10**6)
    bank.asset.mint(bank.strategy, 50 * 10**6)
    bank.asset.transfer(bank.vault, 50 * 10**6)
    assert bank.price() == 1_500_000 - 1
    bank.reach(10**6)
    assert bank.price() == 10**6


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(1, 10**6), donation=st.integers(0, 10**13), victim=st.integers(1, 10**12))
def test_first_depositor__inflation__never_pays(
    make_bank: Callable[..., Bank], seed: int, donation: int, victim: int
) -> None:
    # Resupply and the sonne-type attacks (2025): a tiny first deposit, a donation, and the next depositor's rounding.
    with boa.env.anchor():
        bank = make_bank(6, 0)
        attacker = bank.deposit(seed)
        bank.asset.mint(attacker, donation)
        bank.asset.transfer(bank.vault, donation, sender=attacker)
        bank.deposit(victim)
        bank.vault.redeem(bank.vault.balanceOf(attacker), attacker, attacker, sender=attacker)
        assert bank.asset.balanceOf(attacker) <= seed + donation


def test_interface__of_the_vault__is_erc_4626_and_erc_20(bank: Bank) -> None:
    holder = bank.deposit(5 * 10**6)
    assert bank.vault.asset() == bank.asset.address
    assert bank.vault.totalSupply() == bank.vault.balanceOf(holder) == 5 * 10**6
    assert bank.vault.previewRedeem(10**6) == bank.vault.convertToAssets(10**6) == 10**6
    assert bank.vault.maxWithdraw(holder) == 5 * 10**6
    bank.vault.withdraw(2 * 10**6, holder, holder, sender=holder)
    assert bank.asset.balanceOf(holder) == 2 * 10**6
