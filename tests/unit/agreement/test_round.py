"""What a round refuses: proposals, observations and Timeouts that break the rules."""

from __future__ import annotations

import msgspec
import pytest

from node.agreement import reasons
from node.agreement.effects import Broadcast, CancelRender, Dropped, Remember, Render, RoundKey, Transmit, ViewChanged
from node.agreement.messages import MAX_VIEW, Attestation, Commit, Observation, Prepare, Proposal, Timeout
from node.agreement.report import statement_digest
from node.agreement.signature import recover

KEY = RoundKey(1, 10)
BLOCK = b"\x0b" * 32


@pytest.fixture
def stage(net_of, measured):
    """A follower of view 0, with four members' observations at hand."""
    members = net_of(4).members
    committee = members.committee
    leaders = [committee.leader(1, 10, view) for view in range(4)]
    follower = leaders[3]
    machine = members.machine(follower)
    machine.begin(measured(), 0)
    raws = [members.seal(index, Observation(1, 10, BLOCK, 100 + index, (1, 2))) for index in range(4)]
    return members, machine, leaders, follower, raws


def propose(members, leader, observations, view=0, timeouts=()):
    return members.opened(leader, Proposal(1, 10, view, tuple(observations), tuple(timeouts)))


def kinds(effects):
    return [type(effect) for effect in effects]


def test_proposal__valid__rendered(stage) -> None:
    members, machine, leaders, _, raws = stage
    effects = machine.receive(propose(members, leaders[0], raws[:3]), 0)
    assert [effect.answer for effect in effects if isinstance(effect, Render)] == [101]


def test_proposal__not_the_leader__dropped(stage) -> None:
    members, machine, leaders, _, raws = stage
    effects = machine.receive(propose(members, leaders[1], raws), 0)
    assert effects == [Dropped(leaders[1], reasons.NOT_LEADER)]


def other(members, index, **changes):
    message = msgspec.structs.replace(Observation(1, 10, BLOCK, 5, (1, 2)), **changes)
    return members.seal(index, message)


@pytest.mark.parametrize(
    "broken",
    [
        lambda members, raws: raws[:2],
        lambda members, raws: [raws[0], raws[0], raws[1]],
        lambda members, raws: [raws[1], raws[0], raws[2]],
        lambda members, raws: [raws[0], raws[1], raws[2][:-1] + bytes([raws[2][-1] ^ 1])],
        lambda members, raws: [raws[0], raws[1], b"junk"],
        lambda members, raws: [raws[0], raws[1], members.seal(2, Timeout(1, 10, 0))],
        lambda members, raws: [raws[0], raws[1], other(members, 2, feed=2)],
        lambda members, raws: [raws[0], raws[1], other(members, 2, checkpoint=9)],
        lambda members, raws: [raws[0], raws[1], other(members, 2, block_hash=bytes(32))],
        lambda members, raws: [raws[0], raws[1], other(members, 2, signals=(1, 2, 3))],
        lambda members, raws: [*raws, raws[3]],
    ],
)
def test_incident__proposal_over_unsound_observations__refused_and_its_leader_heard_no_more(stage, broken) -> None:
    members, machine, leaders, _, raws = stage
    effects = machine.receive(propose(members, leaders[0], broken(members, raws)), 0)
    assert effects == [Dropped(leaders[0], reasons.BAD_PROPOSAL)]
    assert machine.receive(propose(members, leaders[0], raws[:3]), 0) == effects


def test_incident__observation_of_another_committee_inside_a_proposal__refused(stage, members_of) -> None:
    members, machine, leaders, _, raws = stage
    foreign = members_of(5).seal(2, Observation(1, 10, BLOCK, 102, (1, 2)))
    effects = machine.receive(propose(members, leaders[0], [raws[0], raws[1], foreign]), 0)
    assert effects == [Dropped(leaders[0], reasons.BAD_PROPOSAL)]


def test_incident__leader_equivocates__view_left_at_once_and_both_proposals_passed_on(stage) -> None:
    members, machine, leaders, _, raws = stage
    first, second = propose(members, leaders[0], raws[:3]), propose(members, leaders[0], raws[1:])
    machine.receive(first, 0)
    effects = machine.receive(second, 0)
    assert effects[0] == Dropped(leaders[0], reasons.CONFLICTING)
    said = [effect for effect in effects if isinstance(effect, Broadcast)]
    assert [broadcast.raw for broadcast in said[:2]] == [first.raw, second.raw]
    assert [broadcast.message for broadcast in said[2:]] == [Timeout(1, 10, 0)]
    # Said once more: by the leader it moves nothing, by this node until the view ends.
    assert machine.receive(second, 0) == [Dropped(leaders[0], reasons.CONFLICTING)]
    assert machine.receive(first, 0) == [Dropped(leaders[0], reasons.REPEATED)]
    again = {broadcast.raw for broadcast in machine.tick(500)}
    assert again >= {first.raw, second.raw}
    machine.receive(propose(members, leaders[1], raws, 1, timeouts(members, [0, 1, 2], 0)), 600)
    assert not {effect.raw for effect in machine.tick(1_100) if isinstance(effect, Broadcast)} & {first.raw, second.raw}


def test_incident__leader_equivocates_after_a_quorum_prepared__view_goes_on_to_its_end(stage) -> None:
    members, machine, leaders, follower, raws = stage
    machine.receive(propose(members, leaders[0], raws[:3]), 0)
    prepare = members.prepared(machine.rendered(KEY, 0, b"\x0c" * 32, 0))
    others = [index for index in range(4) if index != follower][:2]
    for index in others:
        machine.receive(members.opened(index, prepare), 0)
    assert machine.rounds()[0].phase == "committing"
    effects = machine.receive(propose(members, leaders[0], raws[1:]), 0)
    assert effects == [Dropped(leaders[0], reasons.CONFLICTING)]
    for index in others:
        machine.receive(members.opened(index, Commit(1, 10, 0, prepare.digest)), 0)
    assert machine.rounds()[0].phase == "attesting"


def test_incident__leader_shows_each_half_another_proposal__nobody_waits_for_the_timer(net_of, measured) -> None:
    """Nobody was sent both: whoever meets a Prepare of another report says what it goes by."""
    net = net_of(4)
    members = net.members
    leader = members.committee.leader(1, 10, 0)
    honest = [index for index in range(4) if index != leader]
    del net.machines[leader]
    for index in honest:
        net.run(index, net.machines[index].begin(measured(100 + index), 0))
    raws = [members.seal(index, Observation(1, 10, BLOCK, 100 + index, (1, 2))) for index in range(4)]
    for index in honest:
        chosen = raws[:3] if index == honest[0] else raws[1:]
        net.run(index, net.machines[index].receive(propose(members, leader, chosen), 0))
    assert net.now == 0
    assert {effect.view for effect in net.of(ViewChanged)} == {1}
    net.tick(200)  # the grace of the next leader
    assert {effect.report.view for effect in net.of(Transmit)} == {1}
    assert len(net.of(Transmit)) == 3


def test_prepare__of_another_report__own_proposal_is_said_once_and_again_with_the_rest(stage) -> None:
    members, machine, leaders, follower, raws = stage
    proposal = propose(members, leaders[0], raws[:3])
    machine.receive(proposal, 0)
    machine.rendered(KEY, 0, b"\x0c" * 32, 0)
    liars = [index for index in range(4) if index != follower][:2]
    effects = machine.receive(members.opened(liars[0], Prepare(1, 10, 0, b"\x07" * 32)), 0)
    assert effects[0] == Dropped(liars[0], reasons.OTHER_REPORT)
    assert [effect.raw for effect in effects[1:]] == [proposal.raw]
    effects = machine.receive(members.opened(liars[1], Prepare(1, 10, 0, b"\x07" * 32)), 0)
    assert effects == [Dropped(liars[1], reasons.OTHER_REPORT)]
    assert proposal.raw in [effect.raw for effect in machine.tick(500)]
    assert machine.rounds()[0].view == 0


def timeouts(members, senders, view):
    return [members.seal(sender, Timeout(1, 10, view)) for sender in senders]


@pytest.mark.parametrize(
    "certificate",
    [
        lambda members: (),
        lambda members: timeouts(members, [0, 1], 1),
        lambda members: timeouts(members, [0, 1, 1], 1),
        lambda members: timeouts(members, [0, 1, 2], 0),
        lambda members: [*timeouts(members, [0, 1], 1), b"junk"],
        lambda members: [*timeouts(members, [0, 1], 1), members.seal(2, Timeout(1, 11, 1))],
        lambda members: [*timeouts(members, [0, 1], 1), members.seal(2, Timeout(2, 10, 1))],
    ],
)
def test_incident__leader_calls_everyone_into_a_later_view__refused_without_a_quorum_of_timeouts(
    stage, certificate
) -> None:
    members, machine, leaders, _, raws = stage
    effects = machine.receive(propose(members, leaders[2], raws, 2, certificate(members)), 0)
    assert effects == [Dropped(leaders[2], reasons.UNCERTIFIED)]
    assert machine.rounds()[0].view == 0


def test_proposal__later_view_with_its_certificate__node_catches_up(stage) -> None:
    members, machine, leaders, _, raws = stage
    effects = machine.receive(propose(members, leaders[2], raws, 2, timeouts(members, [0, 1, 2], 1)), 0)
    assert kinds(effects) == [ViewChanged, Render]
    assert machine.rounds()[0].view == 2
    stale = machine.receive(propose(members, leaders[0], raws), 0)
    assert stale == [Dropped(leaders[0], reasons.STALE)]


def test_timeouts__f_plus_1__joined__2f_plus_1__view_left(stage) -> None:
    members, machine, leaders, follower, _ = stage
    others = [index for index in range(4) if index != follower]
    assert machine.receive(members.opened(others[0], Timeout(1, 10, 0)), 0) == []
    effects = machine.receive(members.opened(others[1], Timeout(1, 10, 0)), 0)
    assert [effect.message for effect in effects if isinstance(effect, Broadcast)] == [Timeout(1, 10, 0)]
    assert ViewChanged(KEY, 1, leaders[1]) in effects


def test_incident__f_members_ask_for_the_last_view__nobody_follows(stage) -> None:
    members, machine, _, follower, _ = stage
    liar = (follower + 1) % 4
    assert machine.receive(members.opened(liar, Timeout(1, 10, MAX_VIEW)), 0) == []
    assert machine.rounds()[0].view == 0
    honest = (follower + 2) % 4
    machine.receive(members.opened(honest, Timeout(1, 10, 0)), 0)
    assert machine.rounds()[0].view == 1


def test_timeouts__quorum_for_the_last_view__stays_in_it_for_ever(stage) -> None:
    members, machine, _, follower, _ = stage
    for index in range(4):
        if index != follower:
            machine.receive(members.opened(index, Timeout(1, 10, MAX_VIEW)), 0)
    assert machine.rounds()[0].view == MAX_VIEW
    asked = [e for e in machine.tick(10**9) if isinstance(e, Broadcast) and isinstance(e.message, Timeout)]
    assert {broadcast.message.view for broadcast in asked} <= {MAX_VIEW}
    assert machine.rounds()[0].view == MAX_VIEW


def test_timeouts__heard_after_a_proposal__proposal_passed_on_to_whoever_missed_it(stage) -> None:
    members, machine, leaders, follower, raws = stage
    proposal = propose(members, leaders[0], raws)
    machine.receive(proposal, 0)
    assert proposal.raw not in [e.raw for e in machine.tick(500) if isinstance(e, Broadcast)]
    machine.receive(members.opened((follower + 1) % 4, Timeout(1, 10, 0)), 600)
    assert proposal.raw in [e.raw for e in machine.tick(1_000) if isinstance(e, Broadcast)]


def test_render__inputs_known_from_an_earlier_view__the_running_one_is_cancelled(stage) -> None:
    members, machine, leaders, _, raws = stage
    machine.receive(propose(members, leaders[0], raws[:3]), 0)
    machine.rendered(KEY, 0, b"\x0c" * 32, 0)
    later = propose(members, leaders[1], raws[1:], 1, timeouts(members, [0, 1, 2], 0))
    assert kinds(machine.receive(later, 0)) == [ViewChanged, Render]
    again = propose(members, leaders[2], raws[:3], 2, timeouts(members, [0, 1, 2], 1))
    effects = machine.receive(again, 0)
    assert kinds(effects) == [ViewChanged, CancelRender, Remember, Broadcast]
    assert members.prepared(effects).view == 2
    assert machine.rendered(KEY, 1, b"\x0d" * 32, 0) == []


def test_observation__other_block_or_shape__dropped(stage) -> None:
    members, machine, _, follower, _ = stage
    peer = (follower + 1) % 4
    for changes in ({"block_hash": bytes(32)}, {"signals": (1,)}):
        message = msgspec.structs.replace(Observation(1, 10, BLOCK, 5, (1, 2)), **changes)
        assert machine.receive(members.opened(peer, message), 0) == [Dropped(peer, reasons.OTHER_BLOCK)]


def test_observation__second_and_different__conflicting(stage) -> None:
    members, machine, _, follower, _ = stage
    peer = (follower + 1) % 4
    first = members.opened(peer, Observation(1, 10, BLOCK, 5, (1, 2)))
    assert machine.receive(first, 0) == []
    assert machine.receive(first, 0) == [Dropped(peer, reasons.REPEATED)]
    second = members.opened(peer, Observation(1, 10, BLOCK, 6, (1, 2)))
    assert machine.receive(second, 0) == [Dropped(peer, reasons.CONFLICTING)]


def test_incident__honest_crash__own_old_observation_comes_back__no_noise(stage, measured) -> None:
    members, machine, _, follower, _ = stage
    trigger = measured()
    own = Observation(1, 10, BLOCK, trigger.answer, trigger.signals)
    assert machine.receive(members.opened(follower, own), 0) == []


def test_attestation__before_any_proposal__kept_quietly(stage) -> None:
    members, machine, _, follower, _ = stage
    peer = (follower + 1) % 4
    attestation = Attestation(1, 10, BLOCK, 0, 7, *[bytes(32)] * 3, bytes(64))
    assert machine.receive(members.opened(peer, attestation), 0) == []
    double = Attestation(1, 10, BLOCK, 0, 7, *[bytes(32)] * 2, b"\x01" * 32, bytes(64))
    assert machine.receive(members.opened(peer, double), 0) == [Dropped(peer, reasons.CONFLICTING)]


def test_attestation__as_sent__says_what_its_signature_is_over(net_of) -> None:
    net = net_of(4)
    net.begin()
    net.tick(200)
    sent = [effect.message for effect in net.of(Broadcast) if isinstance(effect.message, Attestation)]
    [digest] = {effect.digest for effect in net.of(Transmit)}
    domain = net.members.committee.domain
    assert {statement_digest(domain, attestation.statement) for attestation in sent} == {digest}
    signers = {recover(digest, attestation.signature) for attestation in sent}
    assert signers == set(net.members.committee.signers)
