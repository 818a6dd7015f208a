"""Bindings, ledger and keeper against the real contracts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from keepers import staking as keeper_module
from keepers.staking import StakingKeeper
from node.journal import Journal
from node.staking import calldata
from node.staking import ledger as ledger_module
from node.staking.contract import find_staking
from node.staking.events import staking_events
from node.staking.ledger import Ledger, extend, seed

PARAMS = (100, 4, 3_600, 14 * 86_400, 1_000, 10**15, 2 * 10**15)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as journal:
        yield journal


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def names(scene: Any) -> list[str]:
    last = scene.world.chain.head.number
    return [event.name async for event in staking_events(scene.world.pool, scene.address, (0, last))]


async def test_keeper__bootstrap_reports_and_an_era__rotates_settles_and_pays(scene: Any, journal: Journal) -> None:
    staking, chain, clock = scene.staking, scene.chain(), Clock()
    assert await find_staking(scene.world.pool, scene.oracle.address) == scene.address
    before = await staking.overview()
    assert (before.obeyed, before.era, before.number, before.oracle) == (True, 0, 0, scene.oracle.address)
    assert before.settled == before.ledger == seed(await chain.chain_id(), scene.oracle.address)
    assert sorted(before.candidates) == [1, 2, 3, 4]
    # Nobody has a seat yet: candidates take turns, and the last of them waits three stages.
    keepers = [StakingKeeper(scene.context(journal, member), clock=clock) for member in scene.members]
    for _ in range(4):
        for keeper in keepers:
            await keeper.look()
        clock.now += 10.0
    first = await staking.overview()
    assert (first.era, first.settled_until >= before.settled_until) == (1, True)
    assert first.config_digest == (await scene.committee()).config_digest
    assert await staking.members(first.number) == (1, 2, 3, 4)
    assert (await names(scene)).count("Rotated") == 1

    scene.pay(calldata.fund_treasury(), 10**18)
    assert await staking.pays([1]) == {1: False}
    await scene.report(7)
    scene.pay(calldata.fund(1), 10**18)
    assert (await staking.pays([1]), await staking.funds([1])) == ({1: True}, {1: 10**18})
    for root in (8, 9):
        await scene.report(root)
    head = await chain.head()
    now = await staking.overview(head)
    records = await Ledger(scene.world.pool, scene.oracle.address, 31337, chunk=7).records(
        now.settled, now.cursor, head.number
    )
    assert [(record.number, record.observers, record.signers) for record in records] == [(1, 0b0111, 0b1011)] * 3
    # Three records wait: nobody settles before the era is over.
    for keeper in keepers:
        await keeper.look()
    assert (await staking.overview()).settled == now.settled
    scene.world.chain.increase_time(3_700)
    scene.world.chain.mine()
    for _ in range(4):
        for keeper in keepers:
            await keeper.look()
        clock.now += 10.0
    after = await staking.overview()
    assert (after.era, after.settled) == (2, after.ledger)
    found = await names(scene)
    assert (found.count("Rotated"), found.count("Paid")) == (2, 3)
    owed, stake = await staking.owed(scene.members[0].address)
    assert owed > 0
    assert stake == 0
    funds = await staking.funds([1])
    earned = [(await staking.account(number)).claimable for number in (1, 2, 3, 4)]
    fee, more = PARAMS[5], PARAMS[6]
    assert earned == [3 * (fee + more), 3 * (fee + more), 3 * fee, 3 * more]
    assert 0 < 10**18 - funds[1] - sum(earned) <= owed
    assert after.treasury < 10**18
    account = await staking.account(3)
    assert (account.node.signer, account.node.bond, account.node.seated) == (scene.members[2].address, 1_002, True)
    assert (account.claimable, account.pending, account.unbondings) == (3 * fee, 0, ())
    assert account.node == (await staking.nodes([3]))[0]


async def test_keeper__claim_configured__paid_out_once_an_era(scene: Any, journal: Journal) -> None:
    clock, member = Clock(), scene.members[1]
    scene.call(member, calldata.rotate())
    scene.pay(calldata.fund(1), 10**18)
    for root in (7, 8):
        await scene.report(root)
    scene.world.chain.increase_time(3_700)
    scene.world.chain.mine()
    keeper = StakingKeeper(scene.context(journal, member, claim=True), clock=clock)
    for _ in range(5):
        await keeper.look()
        clock.now += 10.0
    assert (await scene.staking.overview()).era == 2
    assert (await scene.staking.account(2)).claimable == 0
    found = await names(scene)
    # What the treasury did not reach for, and what would hardly be worth its gas, is left.
    assert (found.count("Claimed"), found.count("Collected")) == (1, 0)


async def test_keeper__more_than_one_call_takes__settled_early_in_batches(
    scene: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "MAX_BATCH", 2)
    clock = Clock()
    scene.call(scene.members[1], calldata.rotate())
    scene.pay(calldata.fund(1), 10**18)
    keepers = [StakingKeeper(scene.context(journal, member), clock=clock) for member in scene.members]
    for root in (7, 8):
        await scene.report(root)
    for keeper in keepers:
        await keeper.look()
    assert (await names(scene)).count("Settled") == 0
    for root in (9, 10, 11):
        await scene.report(root)
    for _ in range(9):
        for keeper in keepers:
            await keeper.look()
        clock.now += 10.0
    now = await scene.staking.overview()
    found = await names(scene)
    assert (now.settled, now.era) == (now.ledger, 1)
    assert (found.count("Settled"), found.count("Paid"), found.count("Rotated")) == (3, 5, 1)


async def test_keeper__reports_land_in_front_of_each_step__marks_and_rotates_all_the_same(
    scene: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is overtaken by a report: what leads to the ledger's head would be refused for ever."""
    scene.call(scene.members[1], calldata.rotate())
    await scene.report(7)
    scene.world.chain.increase_time(3_700)
    scene.world.chain.mine()
    context = scene.context(journal, scene.members[1])
    send, roots = context.sender.send, itertools.count(8)

    async def overtaken(*arguments: Any, **named: Any) -> bytes:
        await scene.report(next(roots))
        return bytes(await send(*arguments, **named))

    monkeypatch.setattr(context.sender, "send", overtaken)
    clock = Clock()
    keeper = StakingKeeper(context, clock=clock)
    for _ in range(16):
        clock.now += 12.0
        await keeper.final_head(await scene.chain().head(), [])
    assert (await scene.staking.overview()).era == 2


async def test_ledger__backlog_of_thousands__is_found_behind_its_mark_in_one_pass(
    scene: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the mark each record would be tried as the first one: minutes in which the node answers nobody."""
    scene.call(scene.members[1], calldata.rotate())
    for root in (7, 8):
        await scene.report(root)
    overview = await scene.staking.overview()
    whole = Ledger(scene.world.pool, scene.oracle.address, 31337)
    early = await whole.records(overview.settled, overview.cursor, scene.world.chain.head.number)
    scene.call(scene.members[1], calldata.settle(early))
    for root in (9, 10, 11):
        await scene.report(root)
    overview = await scene.staking.overview()
    head = scene.world.chain.head.number
    late = await whole.records(overview.settled, overview.cursor, head)
    assert len(late) == 3

    hashed = []
    monkeypatch.setattr(ledger_module, "extend", lambda link, record: hashed.append(record) or extend(link, record))
    marked = Ledger(scene.world.pool, scene.oracle.address, 31337, staking=scene.address, chunk=5)
    assert await marked.records(overview.settled, overview.cursor, head) == late
    monkeypatch.setattr(ledger_module, "TRIED", 1)
    hashed.clear()
    marked = Ledger(scene.world.pool, scene.oracle.address, 31337, staking=scene.address)
    assert await marked.records(overview.settled, overview.cursor, head) == late
    assert hashed == late
    # Whatever an endpoint tells of marks, it makes no records up and hides none.
    for told in (None, (0, 0), (head, 0)):
        lying = Ledger(scene.world.pool, scene.oracle.address, 31337, staking=scene.address)
        monkeypatch.setattr(lying, "_marked", AsyncMock(return_value=told))
        assert await lying.records(overview.settled, overview.cursor, head) == late


async def test_keeper__payee_that_refuses_to_be_paid__rotates_all_the_same(scene: Any, journal: Journal) -> None:
    clock, member = Clock(), scene.members[1]
    scene.call(member, calldata.rotate())
    scene.call(member, calldata.set_payee(scene.oracle.address))
    scene.pay(calldata.fund(1), 10**18)
    for root in (7, 8):
        await scene.report(root)
    keeper = StakingKeeper(scene.context(journal, member, claim=True), clock=clock)
    for era in (1, 2):
        assert (await scene.staking.overview()).era == era
        scene.world.chain.increase_time(3_700)
        scene.world.chain.mine()
        for _ in range(5):
            clock.now += 12.0
            await keeper.final_head(await scene.chain().head(), [])
    assert (await scene.staking.overview()).era == 3
    assert (await scene.staking.account(2)).claimable > 0
