"""Locks: what proves one, what a Timeout allows, and what a view change makes of them."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from node.agreement import reasons
from node.agreement.effects import Attest, Broadcast, Dropped, Remember, RoundKey, Transmit
from node.agreement.evidence import compose, gather
from node.agreement.lock import check_lock, justified
from node.agreement.memory import Memory
from node.agreement.messages import Attestation, Commit, Lock, Observation, Prepare, Proposal, Timeout, decode, encode
from node.agreement.report import report_digest
from node.errors import AgreementError

KEY = RoundKey(1, 10)
BLOCK, ROOT = b"\x0b" * 32, b"\x0c" * 32


class Forge:
    """Locks as members would make them together."""

    def __init__(self, members, measured) -> None:
        self.members, self.trigger = members, measured()
        self.verify = members.machine(0)._seat.verify
        self.observations = tuple(
            members.seal(index, Observation(1, 10, BLOCK, 100 + index, (1, 2))) for index in range(3)
        )

    def digest(self, origin: int = 0, root: bytes = ROOT) -> bytes:
        evidence = gather(self.observations, self.trigger, self.members.committee, self.verify)
        return report_digest(self.members.committee.domain, compose(self.trigger, evidence, origin, root))

    def prepares(self, view: int, digest: bytes, senders=(0, 1, 2)) -> tuple[bytes, ...]:
        return tuple(self.members.seal(sender, Prepare(1, 10, view, digest)) for sender in senders)

    def lock(self, view: int = 0, origin: int = 0, root: bytes = ROOT, senders=(0, 1, 2)) -> Lock:
        prepares = self.prepares(view, self.digest(origin, root), senders)
        return Lock(1, 10, view, origin, root, self.observations, prepares)

    def check(self, lock: Lock):
        return check_lock(lock, self.trigger, self.members.committee, self.verify)


@pytest.fixture
def forge(members_of, measured) -> Forge:
    return Forge(members_of(4), measured)


def test_check_lock__a_quorum_prepared__the_report_follows(forge: Forge) -> None:
    found = forge.check(forge.lock(2, 1))
    assert found is not None
    assert (found.view, found.report.view, found.report.content_root) == (2, 1, ROOT)
    assert found.digest == forge.digest(1)


BROKEN = {
    "too few": lambda forge, lock: {"prepares": lock.prepares[:2]},
    "one too many": lambda forge, lock: {"prepares": forge.prepares(2, forge.digest(), (0, 1, 2, 3))},
    "one twice": lambda forge, lock: {"prepares": (lock.prepares[0], *lock.prepares[:2])},
    "out of order": lambda forge, lock: {"prepares": lock.prepares[::-1]},
    "another view's": lambda forge, lock: {"prepares": forge.prepares(1, forge.digest())},
    "another report's": lambda forge, lock: {"prepares": forge.prepares(2, b"\x01" * 32)},
    "forged": lambda forge, lock: {
        "prepares": (*lock.prepares[:2], lock.prepares[2][:-1] + bytes([lock.prepares[2][-1] ^ 1]))
    },
    "no prepare": lambda forge, lock: {"prepares": (*lock.prepares[:2], forge.observations[0])},
    "another root": lambda forge, lock: {"root": b"\x0d" * 32},
    "another origin": lambda forge, lock: {"origin": 1},
    "from the future": lambda forge, lock: {"origin": 3},
    "fewer observations": lambda forge, lock: {"observations": lock.observations[:2]},
    "another feed": lambda forge, lock: {"feed": 2},
    "another checkpoint": lambda forge, lock: {"checkpoint": 11},
}


@pytest.mark.parametrize("what", BROKEN)
def test_check_lock__not_proven__refused(forge: Forge, what: str) -> None:
    lock = forge.lock(2)
    assert forge.check(lock) is not None
    assert forge.check(msgspec.structs.replace(lock, **BROKEN[what](forge, lock))) is None


def test_justified__a_timeout__lets_a_view_be_entered_only_with_a_lock_as_high_as_its_own(forge: Forge) -> None:
    low, high = forge.check(forge.lock(1)), forge.check(forge.lock(3))
    free, locked = Timeout(1, 10, 4), Timeout(1, 10, 4, 3, high.digest)
    assert justified(free, 5, None)
    assert justified(free, 5, high)
    assert not justified(free, 6, None)  # it did not ask to leave view 5
    assert justified(locked, 5, high)
    assert not justified(locked, 5, None)
    assert not justified(locked, 5, low)
    assert not justified(Timeout(1, 10, 4, 3, b"\x01" * 32), 5, high)
    assert not justified(locked, 3, high)  # the lock is of that very view


def follower(members):
    leaders = [members.committee.leader(1, 10, view) for view in range(4)]
    return leaders, leaders[3]


def timeouts(members, view: int, *claims) -> tuple[bytes, ...]:
    return tuple(members.seal(sender, Timeout(1, 10, view, *claim)) for sender, claim in claims)


def test_incident__leader_ignores_a_lock_that_its_timeouts_name__uncertified(forge: Forge, measured) -> None:
    members = forge.members
    leaders, me = follower(members)
    machine = members.machine(me)
    machine.begin(measured(), 0)
    named = timeouts(members, 0, (0, ()), (1, (0, forge.digest())), (2, ()))
    free = Proposal(1, 10, 1, forge.observations, named)
    assert machine.receive(members.opened(leaders[1], free), 0) == [Dropped(leaders[1], reasons.UNCERTIFIED)]
    machine = members.machine(me)
    machine.begin(measured(), 0)
    other = Proposal(1, 10, 1, (), named, forge.lock(0, root=b"\x0d" * 32))
    assert machine.receive(members.opened(leaders[1], other), 0) == [Dropped(leaders[1], reasons.UNCERTIFIED)]
    assert machine.rounds()[0].view == 0
    machine = members.machine(me)
    machine.begin(measured(), 0)
    right = Proposal(1, 10, 1, (), named, forge.lock(0))
    machine.receive(members.opened(leaders[1], right), 0)
    assert (machine.rounds()[0].view, machine.rounds()[0].phase) == (1, "rendering")


def test_proposal__lock_and_observations_at_once__refused(forge: Forge, measured) -> None:
    members = forge.members
    leaders, me = follower(members)
    machine = members.machine(me)
    machine.begin(measured(), 0)
    named = timeouts(members, 0, (0, ()), (1, ()), (2, ()))
    both = Proposal(1, 10, 1, forge.observations, named, forge.lock(0))
    assert Dropped(leaders[1], reasons.BAD_PROPOSAL) in machine.receive(members.opened(leaders[1], both), 0)


def test_lock__heard__carries_a_node_that_missed_the_view_to_its_signature(forge: Forge, measured) -> None:
    members = forge.members
    _, me = follower(members)
    machine = members.machine(me)
    machine.begin(measured(), 0)
    lock = forge.lock(2, 1, senders=[index for index in range(4) if index != me])
    effects = machine.receive(members.opened(0 if me else 1, lock), 0)
    [remember] = [effect for effect in effects if isinstance(effect, Remember)]
    assert decode(remember.memory.lock) == lock
    assert machine.rounds()[0].view == 2
    effects = machine.rendered(KEY, 2, ROOT, 0)
    [commit] = [effect.message for effect in effects if isinstance(effect, Broadcast) and effect.kind == "commit"]
    assert commit == Commit(1, 10, 2, forge.digest(1))
    others = [index for index in range(4) if index != me][:2]
    effects = [effect for index in others for effect in machine.receive(members.opened(index, commit), 0)]
    assert [effect.view for effect in effects if isinstance(effect, Attest)] == [1]


def test_incident__locks_that_prove_nothing__their_sender_is_heard_no_more(forge: Forge, measured) -> None:
    members = forge.members
    _, me = follower(members)
    peer = (me + 1) % 4
    machine = members.machine(me)
    machine.begin(measured(), 0)
    bad = msgspec.structs.replace(forge.lock(2), root=b"\x0d" * 32)
    assert machine.receive(members.opened(peer, bad), 0) == [Dropped(peer, reasons.UNCERTIFIED)]
    assert machine.receive(members.opened(peer, forge.lock(2)), 0) == [Dropped(peer, reasons.UNCERTIFIED)]
    assert machine.rounds()[0].view == 0
    machine.receive(members.opened((me + 2) % 4, forge.lock(2)), 0)
    assert machine.rounds()[0].view == 2


def test_incident__proposals_that_prove_nothing__none_of_their_view_is_checked_again(forge: Forge, measured) -> None:
    members = forge.members
    leaders, me = follower(members)
    checked: list[bytes] = []
    machine = members.machine(me)
    verify = machine._seat.verify

    def counting(raw: bytes):
        checked.append(raw)
        return verify(raw)

    machine._seat = dataclasses.replace(machine._seat, verify=counting)
    machine.begin(measured(), 0)
    free = timeouts(members, 0, (0, ()), (1, ()), (2, ()))
    unproven = msgspec.structs.replace(forge.lock(0), root=b"\x0d" * 32)
    for view, proposal in (
        (1, Proposal(1, 10, 1, forge.observations, free[:2])),
        (2, Proposal(1, 10, 2, (), free, unproven)),
    ):
        assert machine.receive(members.opened(leaders[view], proposal), 0) == [
            Dropped(leaders[view], reasons.UNCERTIFIED)
        ]
        assert checked
        checked.clear()
        for more in range(3):
            again = msgspec.structs.replace(proposal, observations=forge.observations[more:])
            dropped = [Dropped(leaders[view], reasons.UNCERTIFIED)]
            assert machine.receive(members.opened(leaders[view], again), 0) == dropped
        assert checked == []
    # It is one view's leader that has nothing to say any more: the others' proposals are heard.
    led = timeouts(members, 3, (0, ()), (1, ()), (2, ()))
    machine.receive(members.opened(leaders[0], Proposal(1, 10, 4, forge.observations, led)), 0)
    assert machine.rounds()[0].view == 4


def test_begin__memory_with_a_lock_of_another_measurement__refused(forge: Forge, measured) -> None:
    memory = Memory(lock_view=0, lock=encode(forge.lock(0)))
    machine = forge.members.machine(0)
    with pytest.raises(AgreementError, match="does not fit"):
        machine.begin(measured(block=b"\x0e" * 32), 0, {}, memory)
    assert machine.rounds() == []


def test_view_change__after_signatures_were_held_back__the_same_report_lands_and_no_other(net_of) -> None:
    net = net_of(4)
    net.carries = lambda sender, peer, message: sender == peer or not isinstance(message, Attestation)
    net.begin()
    net.tick(8_000)  # everyone is locked, has signed, and waits in vain
    assert not net.of(Transmit)
    [digest] = {effect.digest for effect in net.of(Attest)}
    net.carries = lambda sender, peer, message: True
    net.tick(20_000)
    assert {effect.digest for effect in net.of(Transmit)} == {digest}
    assert {effect.digest for effect in net.of(Attest)} == {digest}
    locked = [effect.message for effect in net.of(Broadcast) if isinstance(effect.message, Proposal)]
    assert {proposal.view for proposal in locked if proposal.lock is not None} >= {1}


def test_incident__two_quorums_in_two_views__a_signature_that_only_its_maker_saw_binds_the_next_leader(net_of) -> None:
    """Signatures of view 0 exist that nobody saw: later views may sign that report alone."""
    net = net_of(4)
    silent = net.members.committee.leader(1, 10, 0)

    def carries(sender: int, peer: int, message) -> bool:
        if sender == silent and net.now >= 100:
            return sender == peer
        return sender == peer or not isinstance(message, Attestation)

    net.carries = carries
    net.begin()
    signed = {effect.digest for effect in net.of(Attest)}
    net.tick(30_000)
    net.carries = lambda sender, peer, message: True
    net.tick(30_000)
    assert signed
    assert {effect.digest for effect in net.of(Transmit)} == signed
    assert {effect.digest for effect in net.of(Attest)} == signed


def commits(members, view: int, digest: bytes, senders):
    return [members.opened(sender, Commit(1, 10, view, digest)) for sender in senders]


def test_incident__commits_of_two_views__do_not_add_up_to_a_decision(forge: Forge, measured) -> None:
    """Else a signature of view 0 and one of view 2 could make a quorum, while view 1's report makes another."""
    members = forge.members
    _, me = follower(members)
    others = [index for index in range(4) if index != me]
    machine = members.machine(me)
    machine.begin(measured(), 0)
    machine.receive(members.opened(others[0], forge.lock(2, 0, senders=others)), 0)
    effects = machine.rendered(KEY, 2, ROOT, 0)
    for opened in commits(members, 0, forge.digest(), others[:2]):
        effects += machine.receive(opened, 0)
    assert not [effect for effect in effects if isinstance(effect, Attest)]
    for opened in commits(members, 2, forge.digest(), others[1:]):
        effects += machine.receive(opened, 0)
    assert [effect.digest for effect in effects if isinstance(effect, Attest)] == [forge.digest()]


def test_commit__equivocating__counted_once_and_reported(forge: Forge, measured) -> None:
    members = forge.members
    _, me = follower(members)
    peer = (me + 1) % 4
    machine = members.machine(me)
    machine.begin(measured(), 0)
    first, second = (members.opened(peer, Commit(1, 10, 0, digest)) for digest in (ROOT, BLOCK))
    assert machine.receive(first, 0) == []
    assert machine.receive(first, 0) == [Dropped(peer, reasons.REPEATED)]
    assert machine.receive(second, 0) == [Dropped(peer, reasons.CONFLICTING)]


def test_decision__learnt_after_the_view_was_given_up__is_signed_all_the_same(forge: Forge, measured) -> None:
    """What is decided stays so: a late signature is as good as an early one."""
    members = forge.members
    _, me = follower(members)
    others = [index for index in range(4) if index != me]
    machine = members.machine(me)
    machine.begin(measured(), 0)
    machine.receive(members.opened(others[0], forge.lock(0, 0, senders=others)), 0)
    machine.rendered(KEY, 0, ROOT, 0)
    effects = machine.tick(100_000)
    assert Timeout(1, 10, 0, 0, forge.digest()) in [
        effect.message for effect in effects if isinstance(effect, Broadcast)
    ]
    effects = [
        effect for opened in commits(members, 0, forge.digest(), others) for effect in machine.receive(opened, 0)
    ]
    assert [effect.digest for effect in effects if isinstance(effect, Attest)] == [forge.digest()]
