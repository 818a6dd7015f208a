"""Configurations in turn, reports under the one before, and the ledger of work, read from the real contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from node.agreement.report import Report
from node.chain.client import Chain
from node.chain.configurations import NO_DIGEST, OVERLAP
from node.chain.interface import interface
from node.chain.types import NOBODY
from node.errors import ChainError
from node.staking.ledger import replay, seed
from node.staking.types import Record
from node.verify.committees import committee_of
from node.verify.judge import NotProvenError
from tests.integration.chain.world import CADENCE, MEMBERS, OWNER, SETTINGS, WAD, Oracle, World


def next_report(oracle: Oracle) -> Report:
    """A report on a checkpoint that the next block may speak of."""
    chain = oracle.world.chain
    checkpoint = -(-(chain.head.number + 1) // CADENCE) * CADENCE
    chain.mine(checkpoint + 1 - chain.head.number)
    return oracle.report(checkpoint, 15 * WAD // 1000)


def land(oracle: Oracle, report: Report, *, previous: bool = False) -> None:
    calldata = oracle.reader().transmit_calldata(report, 0b1011, oracle.signatures(report), previous=previous)
    oracle.world.transact(OWNER, oracle.address, calldata)


def in_one_block(world: World, to: str, calls: Sequence[bytes]) -> None:
    """One transaction a call, all in the next block."""
    account = bytes.fromhex(OWNER.address[2:])
    nonce = world.chain.nonce(account, world.chain.head)
    world.chain.automine = False
    fields = {"type": 2, "chainId": SETTINGS.chain_id, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9,
              "gas": 2_000_000, "to": to, "value": 0}  # fmt: skip
    sent = [
        world.chain.send(OWNER.sign_transaction(fields | {"nonce": nonce + place, "data": call}).raw)
        for place, call in enumerate(calls)
    ]
    world.chain.mine()
    world.chain.automine = True
    receipts = [world.chain.receipt(one) for one in sent]
    assert all(receipt is not None and receipt.succeeded for receipt in receipts)


async def test_configuration__before_and_after_changes__tells_both_in_one_request(oracle: Oracle) -> None:
    reader = oracle.reader()
    assert await reader.configuration() == (oracle.committee.config_digest, 0, NO_DIGEST, 0)
    first = await reader.installed()
    assert (first.committee, first.previous) == (oracle.committee, None)
    assert not first.configuration.overlaps(0)
    assert await reader.staking() == NOBODY

    oracle.stake()
    assert await reader.staking() == OWNER.address
    unchanged = await reader.head()
    second = oracle.install(1)
    changed = await reader.head()
    requests = sum(one.requests for one in oracle.world.pool.endpoints)
    found = await reader.configuration(changed)
    assert sum(one.requests for one in oracle.world.pool.endpoints) == requests + 1
    until = changed.timestamp + OVERLAP
    assert found == (second.config_digest, 1, oracle.committee.config_digest, until)
    assert (found.overlaps(until - 1), found.overlaps(until)) == (True, False)
    both = await reader.installed(changed)
    assert (both.committee, both.previous, both.configuration) == (second, oracle.committee, found)
    assert both.of(oracle.committee.config_digest) == oracle.committee
    assert both.of(second.config_digest) == second
    assert both.of(NO_DIGEST) is None
    assert (await reader.installed(unchanged)).committee == oracle.committee


async def test_installed__nobody__has_no_committee_at_all(oracle: Oracle) -> None:
    oracle.stake()
    oracle.world.call(OWNER, "StrategyOracle", oracle.address, "install", [], [])
    found = await oracle.reader().installed()
    assert found.configuration == (NO_DIGEST, 0, NO_DIGEST, 0)
    assert (found.committee, found.previous) == (None, None)
    (event,) = (await oracle.reader().config_sets(0, oracle.world.chain.head.number))[1:]
    assert (event.n, event.number, event.config_digest) == (0, 1, NO_DIGEST)


async def test_installed__of_what_is_no_oracle__is_said(oracle: Oracle) -> None:
    with pytest.raises(ChainError, match="is it the oracle's address"):
        await Chain(oracle.world.pool, oracle.vault).installed()


async def test_events__of_changes__are_read_with_their_numbers(oracle: Oracle) -> None:
    oracle.stake()
    second = oracle.install(1)
    head = oracle.world.chain.head.number
    sets = await oracle.reader().config_sets(0, head, final=True)
    assert [(one.config_digest, one.n, one.quorum, one.number) for one in sets] == [
        (oracle.committee.config_digest, 4, 3, 0),
        (second.config_digest, 4, 3, 1),
    ]
    assert sets[1].block_number == head


async def test_transmit__under_the_previous_configuration__is_proven_and_its_work_recorded(oracle: Oracle) -> None:
    reader = oracle.reader()
    oracle.stake()
    oracle.committee = oracle.install(1)
    start = seed(SETTINGS.chain_id, oracle.address)
    assert await reader.ledger() == start
    reports = [next_report(oracle)]
    land(oracle, reports[0])
    reports.append(next_report(oracle))
    oracle.install(2)
    land(oracle, reports[1], previous=True)

    for report in reports:
        full = await reader.report(1, report.checkpoint)
        assert full.report == report
        assert full.landed.signers == 0b1011
        assert full.landed.config_digest == oracle.committee.config_digest
        assert full.signers == (MEMBERS[0].address, MEMBERS[1].address, MEMBERS[3].address)
    records = await reader.worked(0, oracle.world.chain.head.number, final=True)
    assert [(one.feed, one.checkpoint, one.number) for one in records] == [
        (1, reports[0].checkpoint, 1),
        (1, reports[1].checkpoint, 1),
    ]
    for one in records:
        assert (one.observers, one.signers, one.transmitter) == (0b0111, 0b1011, OWNER.address)
        receipt = oracle.world.chain.receipt(one.tx_hash)
        assert receipt is not None
        assert receipt.gas_used * 8 // 10 < one.gas_used < receipt.gas_used
        assert 10**9 < one.gas_price <= 10**10
    told = [Record(*worked.record) for worked in records]
    assert await reader.ledger() == replay(start, told)
    assert replay(start, told[::-1]) != replay(start, told)


async def test_committee_of__changed_twice_in_the_block_of_the_report__is_found_in_the_state_before(
    oracle: Oracle,
) -> None:
    """At that block's end neither of the committees that the oracle names is the one that signed."""
    reader, world = oracle.reader(), oracle.world
    report = next_report(oracle)
    members = [member.address for member in MEMBERS]
    contract = interface("StrategyOracle")
    changes = [
        contract.encode("set_committee", members, [bytes([base + index]) * 32 for index in range(4)])
        for base in (32, 48)
    ]
    transmission = reader.transmit_calldata(report, 0b1011, oracle.signatures(report))
    in_one_block(world, oracle.address, [transmission, *changes])
    now = await reader.head()
    (landed,) = await reader.landed(0, now.number)
    assert (await reader.installed(await reader.block(landed.block_number))).of(landed.config_digest) is None
    assert await committee_of(reader, now, landed) == oracle.committee


async def test_committee_of__digest_of_no_configuration__is_not_proven(oracle: Oracle) -> None:
    reader = oracle.reader()
    report = next_report(oracle)
    land(oracle, report)
    now = await reader.head()
    (landed,) = await reader.landed(0, now.number)
    assert await committee_of(reader, now, landed) == oracle.committee
    forged = replace(landed, config_digest=b"\1" * 32)
    with pytest.raises(NotProvenError, match="the committee then was that of"):
        await committee_of(reader, now, forged)
