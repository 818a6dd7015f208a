"""Each test re-stages what really happened to an oracle, a vault or a compiler, and shows that it does not here."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import boa
import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
WAD = 10**18
ZERO = "0x" + "00" * 20
WICK = 23550003


# feed


def history() -> list[tuple[int, int]]:
    """Blocks and share prices (wad) of a real vault around 10 October 2025."""
    path = ROOT / "node/devnet/histories/yieldbasis-cbbtc-2025-10-10.csv"
    with path.open(encoding="utf-8") as file:
        return [(int(row["block"]), int(Decimal(row["share_price"]) * WAD)) for row in csv.DictReader(file)]


def test_incident__one_sample_wick_of_3_5_percent__changes_no_band(world: Any) -> None:
    """Every answer of the history goes on chain; the wick, believed as it was sampled, would cross two thresholds."""
    rows = history()
    prices = [price for _, price in rows]
    thresholds = [-3 * WAD // 100, -2 * WAD // 100, 2 * WAD // 100]
    feed, believer = world.open(thresholds=thresholds), world.open(thresholds=thresholds)
    bands, believed = [], []
    for i, (block, price) in enumerate(rows):
        median = sorted(prices[max(0, i - 2) : i + 1])[(min(i, 2)) // 2]
        world.land(feed, median * WAD // prices[0] - WAD)
        bands.append(world.oracle.band(feed))
        if block == WICK:
            world.transmit(world.report(believer, [price * WAD // prices[0] - WAD] * 3))
            believed.append(world.oracle.band(believer))
    assert WICK in dict(rows)
    assert set(bands) == {2}
    assert believed == [0]


def test_incident__price_inflated_by_donation__decides_no_band(world: Any, real_vault: Any) -> None:
    """Venus wUSDM and Resupply 2025: assets sent to a vault move its price at once, and nothing here."""
    token, vault = real_vault
    feed = world.oracle.open_feed(vault.address, world.policy(), ZERO, 0)
    basis = world.oracle.feed(feed).basis
    before = vault.convertToAssets(10 ** vault.decimals())
    token.mint(vault.address, token.balanceOf(vault.address))
    assert vault.convertToAssets(10 ** vault.decimals()) >= 2 * before - 1
    boa.env.time_travel(blocks=20)
    found = world.oracle.feed(feed)
    assert (found.basis, found.band, found.answer) == (basis, 0, 0)
    # one node that samples within the donation stands alone among honest ones
    world.transmit(world.report(feed, [0, 0, 0, WAD]))
    assert world.oracle.band(feed) == 0


def test_incident__price_moved_and_read_in_one_transaction__block_of_now_is_no_checkpoint(world: Any) -> None:
    """Inverse 2022, ParaSpace 2023: a report or vote can only speak of a block that is over."""
    feed = world.open()
    now = boa.env.evm.patch.block_number
    assert now % 10 == 0
    with boa.reverts("feeds: checkpoint not in the past"):
        world.transmit(world.report(feed, checkpoint=now))
    with boa.reverts("feeds: checkpoint not in the past"):
        world.vote(feed, 0, 1, checkpoint=now)


def test_feed__real_vault__basis_is_its_share_price(world: Any, real_vault: Any) -> None:
    token, vault = real_vault
    token.mint(vault.address, 123_456_789)
    feed = world.oracle.open_feed(vault.address, world.policy(), ZERO, 0)
    found = world.oracle.feed(feed)
    assert found.one_share == 10 ** vault.decimals()
    assert found.scale == 10 ** (18 - token.decimals())
    assert found.basis == vault.convertToAssets(found.one_share) * found.scale > WAD


# oracle


def test_incident__one_reporter_moves_the_price__less_than_a_quorum_changes_nothing(world: Any) -> None:
    """BonqDAO 2023: a single bonded reporter set the price that loans were made at."""
    feed = world.open()
    before = world.oracle.feed(feed)
    report = world.report(feed, [WAD] * 3)
    for seats in ([], [0], [0, 1]):
        with boa.reverts("oracle: not exactly a quorum"):
            world.oracle.transmit(report.abi, *world.seats.sign(report, seats))
    for seat in (0, 1):
        world.vote(feed, seat, WAD)
    assert world.oracle.feed(feed) == before


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    honest=st.lists(st.integers(-WAD, WAD), min_size=5, max_size=5),
    lies=st.lists(st.integers(-(2**127), 2**127 - 1), max_size=2),
)
def test_incident__one_reporter_moves_the_price__outliers_stay_within_honest_answers(
    make_world: Any, honest: list[int], lies: list[int]
) -> None:
    with boa.env.anchor():
        world = make_world(7)
        feed = world.open()
        world.transmit(world.report(feed, honest + lies))
        assert min(honest) <= world.oracle.feed(feed).answer <= max(honest)


@pytest.mark.parametrize(
    "garbage", [bytes(64), b"\xff" * 32 + bytes(32), bytes(31) + b"\1" + bytes(31) + b"\1", b"\1" * 64]
)
@pytest.mark.parametrize("seats", [0b111, 0b1000111, 0b111 << 4])
def test_incident__ecrecover_returns_zero__zero_never_counts(world: Any, garbage: bytes, seats: int) -> None:
    """LegendaryMoneyMon 2026: the absent seats of the roster hold zeros, which garbage recovers to."""
    feed = world.open()
    report = world.report(feed)
    before = world.oracle.feed(feed)
    for signatures in (garbage * 3, garbage * seats.bit_count()):
        with boa.reverts():
            world.oracle.transmit(report.abi, seats, signatures)
    assert world.oracle.feed(feed) == before


def test_incident__replay__report_of_another_chain_is_refused(world: Any) -> None:
    """The same committee, keys, oracle address and report, signed for a chain with another id."""
    feed = world.open()
    report = world.report(feed)
    home = boa.env.evm.patch.chain_id
    foreign = world.seats.sign(report)
    boa.env.evm.patch.chain_id = home + 1
    # a chain that split off keeps the roster, which is void there until it is set anew
    with boa.reverts("committee: of another chain"):
        world.oracle.transmit(report.abi, *foreign)
    world.seats.install()
    with boa.reverts("oracle: wrong signature"):
        world.oracle.transmit(report.abi, *foreign)
    world.seats.chain_id = home + 1
    assert world.oracle.config_digest() == world.seats.config_digest
    world.transmit(report)


def test_incident__replay__report_of_another_contract_is_refused(world: Any, deployers: Any) -> None:
    feed = world.open()
    report = world.report(feed)
    signed = world.seats.sign(report)
    twin = deployers["StrategyOracle"].deploy()
    twin.set_committee(world.seats.addresses, world.seats.transport)
    boa.env.evm.patch.block_number -= 20
    assert twin.open_feed(world.vault().address, world.policy(), ZERO, 0) == feed
    boa.env.evm.patch.block_number += 20
    with boa.reverts("oracle: wrong signature"):
        twin.transmit(report.abi, *signed)
    world.oracle.transmit(report.abi, *signed)


def test_incident__replay__report_of_another_committee_is_refused(world: Any) -> None:
    """Even one with the same members: a transport key changed, so the config digest did."""
    feed = world.open()
    report = world.report(feed)
    signed = world.seats.sign(report)
    world.seats.transport[3] = keccak(b"rotated")
    world.seats.install()
    with boa.reverts("oracle: wrong signature"):
        world.oracle.transmit(report.abi, *signed)
    world.transmit(report)


def test_incident__replay__signatures_of_another_committee_are_refused(world: Any) -> None:
    feed = world.open()
    signed = world.seats.sign(world.report(feed))
    world.seats = world.committee(4, b"successor")
    world.seats.install()
    with boa.reverts("oracle: wrong signature"):
        world.oracle.transmit(world.report(feed).abi, *signed)


def test_incident__replay__report_of_another_round_is_refused(world: Any) -> None:
    feed = world.open()
    first = world.report(feed)
    signed = world.seats.sign(first)
    world.oracle.transmit(first.abi, *signed)
    with boa.reverts("feeds: checkpoint not newer"):
        world.oracle.transmit(first.abi, *signed)
    boa.env.time_travel(blocks=10)
    with boa.reverts("oracle: wrong signature"):
        world.oracle.transmit(world.report(feed).abi, *signed)


@pytest.mark.parametrize(
    "change", [{"view": 1}, {"feed": 2}, {"content_root": keccak(b"x")}, {"signals": ()}, {"observers": 0b1110}]
)
def test_incident__replay__signatures_under_any_other_content_are_refused(world: Any, change: dict[str, Any]) -> None:
    feed = world.open()
    world.open()
    signed = world.seats.sign(world.report(feed))
    with boa.reverts("oracle: wrong signature"):
        world.oracle.transmit(world.report(**({"feed": feed} | change)).abi, *signed)


def test_incident__padded_calldata_inflates_a_refund__exact_length_is_demanded(world: Any) -> None:
    feed = world.open()
    data = world.calldata(world.report(feed))
    for padding in (1, 31, 32, 64, 10_000):
        assert not world.send(data + b"\xff" * padding)
        assert not world.send(data + bytes(padding))
    assert world.oracle.feed(feed).checkpoint == 0
    assert world.send(data)


# compiler


def test_incident__compiler_with_a_broken_lock__the_compiler_is_pinned() -> None:
    """Curve and Vyper 2023; the lock itself is tested where re-entry is."""
    sources = [*(ROOT / "contracts/oracle").glob("*.vy"), *(ROOT / "contracts/oracle/interfaces").glob("*.vyi")]
    assert len(sources) >= 9
    for source in sources:
        text = source.read_text(encoding="utf-8")
        assert re.match(r"# pragma version 0\.4\.3\n", text), source.name
        assert "SPDX-License-Identifier: AGPL-3.0-only" in text, source.name
    assert '"vyper==0.4.3"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
