"""From two signatures of one key in real messages to a slashed node: what the daemon does by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.agreement.messages import Attestation
from node.agreement.report import Report, report_digest, statement_of
from node.gossip.envelope import sealer
from node.gossip.verifier import Verifier
from node.journal import Journal
from node.staking import calldata
from node.staking.accuser import Accuser
from node.staking.evidence import read_evidence
from node.staking.kept import evidence_of
from node.staking.locator import Locator
from node.staking.watch import Watch


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as journal:
        yield journal


class Node:
    """One node's eyes: what it opens, notices and accuses."""

    def __init__(self, scene: Any, journal: Journal, index: int, *, submit: bool) -> None:
        self.chain, self.journal = scene.chain(), journal
        self.locator = Locator(self.chain, scene.multicall, None)
        signer = scene.members[index]
        self.watch = Watch(
            journal,
            journal.path.parent,
            signer.address,
            open_rounds=lambda: (),
            staking=lambda: self.locator.known,
        )
        self.sender = scene.sender(journal, signer)
        self.accuser = Accuser(self.chain, journal, self.watch, self.locator, self.sender, submit=submit, stage=0.0)


def said(scene: Any, committee: Any, index: int, report: Report) -> bytes:
    """The envelope in which a member says that it signed a report."""
    signature = scene.members[index].sign_digest(report_digest(committee.domain, report))
    return sealer(scene.transport[index], committee, index)(Attestation(*statement_of(report), signature))


async def test_two_reports_signed_in_one_view__seen_in_gossip__slashed_once(scene: Any, journal: Journal) -> None:
    scene.call(scene.members[0], calldata.rotate())
    committee = await scene.committee()
    journal.bind(31337, scene.oracle.address)
    node = Node(scene, journal, 0, submit=True)
    await node.locator.find()
    hear = node.watch.noting(committee, Verifier(committee).open)
    first = await scene.report(7, signers=(0, 1, 3))
    second = replace(first, content_root=b"\x08" * 32)
    for index in range(4):
        hear(said(scene, committee, index, first))
    await node.accuser.look()
    assert journal.equivocations.all() == []
    hear(said(scene, committee, 2, second))

    [path] = (journal.path.parent / "evidence").iterdir()
    evidence = read_evidence(path)
    assert (evidence.signer, evidence.staking) == (scene.members[2].address, scene.address)
    await node.accuser.look()
    [row] = journal.equivocations.all()
    assert row.state == "sent"
    account = await scene.staking.account(3)
    assert (account.node.slashed, account.node.bond, account.node.seated) == (True, 0, False)
    assert await scene.staking.owed(scene.members[0].address) == (0, 100)
    # It lost its seat at once: the oracle has a committee without it.
    assert scene.members[2].address not in (await scene.committee()).signers

    # Who comes later, from its file or its own ears, finds nothing left to do, and sends nothing.
    with Journal(journal.path.parent / "other") as other:
        other.bind(31337, scene.oracle.address)
        late = Node(scene, other, 1, submit=True)
        hear = late.watch.noting(committee, Verifier(committee).open)
        hear(said(scene, committee, 2, second))
        hear(said(scene, committee, 2, first))
        blocks = scene.world.chain.head.number
        await late.accuser.look()
        [row] = other.equivocations.all()
        assert (row.state, row.note) == ("over", "the node is slashed already")
        assert scene.world.chain.head.number == blocks


async def test_own_key_signed_twice__alarm__never_submitted(scene: Any, journal: Journal) -> None:
    scene.call(scene.members[0], calldata.rotate())
    committee = await scene.committee()
    journal.bind(31337, scene.oracle.address)
    node = Node(scene, journal, 2, submit=True)
    hear = node.watch.noting(committee, Verifier(committee).open)
    first = await scene.report(7, signers=(0, 1, 3))
    hear(said(scene, committee, 2, first))
    hear(said(scene, committee, 2, replace(first, content_root=b"\x08" * 32)))
    await node.accuser.look()
    [row] = journal.equivocations.all()
    assert row.state == "found"
    assert not (await scene.staking.node(3)).slashed


async def test_landed_report_contradicts_what_was_heard__its_calldata_is_read_and_is_evidence(
    scene: Any, journal: Journal
) -> None:
    scene.call(scene.members[0], calldata.rotate())
    committee = await scene.committee()
    journal.bind(31337, scene.oracle.address)
    journal.configurations.know(committee)
    node = Node(scene, journal, 0, submit=False)
    hear = node.watch.noting(committee, Verifier(committee).open)
    report = await scene.report(7, signers=(0, 1, 3))
    [landed] = await node.chain.landed(0, scene.world.chain.head.number)
    node.watch.told(landed)
    hear(said(scene, committee, 0, report))
    await node.accuser.look()
    assert node.accuser.counters["reports read"] == 0
    hear(said(scene, committee, 3, replace(report, content_root=b"\x08" * 32)))
    await node.accuser.look()
    assert node.accuser.counters["reports read"] == 1
    assert [row.signer for row in journal.equivocations.all()] == [scene.members[3].address]
    assert not (await scene.staking.node(4)).slashed


async def test_many_views_signed_twice__one_transaction_is_under_way_at_a_time(scene: Any, journal: Journal) -> None:
    """Each further transaction would find the node slashed already, and cost its sender gas."""
    scene.call(scene.members[0], calldata.rotate())
    committee = await scene.committee()
    journal.bind(31337, scene.oracle.address)
    node = Node(scene, journal, 0, submit=True)
    await node.locator.find()
    hear = node.watch.noting(committee, Verifier(committee).open)
    report = await scene.report(7, signers=(0, 1, 3))
    for view in range(3):
        for root in (1, 2):
            hear(said(scene, committee, 2, replace(report, view=view, content_root=bytes([root]) * 32)))
    assert len(journal.equivocations.all()) == 3
    scene.world.chain.automine = False
    for _ in range(2):
        await node.accuser.look()
    assert node.accuser.counters["evidence sent"] == 1
    scene.world.chain.automine = True
    scene.world.chain.mine()
    assert (await scene.staking.node(3)).slashed
    await node.sender.step()
    await node.accuser.look()
    assert node.accuser.counters["evidence sent"] == 1
    assert sorted(row.state for row in journal.equivocations.all()) == ["over", "over", "sent"]
    # Whoever holds other evidence against the same signer takes its turn in the same order.
    turns = {node.accuser._turn(evidence_of(row, 31337, scene.oracle.address)) for row in journal.equivocations.all()}
    assert len(turns) == 1
