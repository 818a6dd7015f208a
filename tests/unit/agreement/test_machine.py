"""The machine as its driver sees it: what goes in, which effects come out."""

from __future__ import annotations

import pytest

from node.agreement import reasons
from node.agreement.effects import (
    Attest,
    Broadcast,
    CancelRender,
    Dropped,
    Remember,
    Render,
    RoundDone,
    RoundKey,
    RoundStarted,
    Timing,
    Transmit,
    ViewChanged,
)
from node.agreement.machine import MAX_ROUNDS_PER_FEED, Machine
from node.agreement.median import median
from node.agreement.messages import Attestation, Observation, Proposal, Timeout
from node.agreement.report import report_digest
from node.agreement.signature import recover
from node.errors import AgreementError

KEY = RoundKey(1, 10)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 31])
def test_round__all_honest__everyone_holds_exactly_a_quorum_of_signatures(net_of, n) -> None:
    net = net_of(n)
    net.begin()
    net.tick(200)
    committee = net.members.committee
    transmits = net.of(Transmit)
    assert {at for at, _ in net.seen if isinstance(_, Transmit)} == set(range(n))
    for transmit in transmits:
        assert transmit.key == KEY
        assert transmit.digest == report_digest(committee.domain, transmit.report)
        assert transmit.report.observations == tuple(sorted(transmit.report.observations))
        members = committee.members(transmit.signers)
        assert len(members) == committee.quorum
        for place, member in enumerate(members):
            signature = transmit.signatures[64 * place : 64 * place + 64]
            assert recover(transmit.digest, signature) == committee.signers[member]


def test_round__answers_differ__report_holds_the_observers_and_median_signals(net_of) -> None:
    net = net_of(4)
    net.begin()
    report = net.of(Transmit)[0].report
    answers = [100 + index for index in net.members.committee.members(report.observers)]
    assert list(report.observations) == sorted(answers)
    assert report.signals == (median([a * 2 for a in answers]), median([-a for a in answers]))
    render = net.of(Render)[0]
    assert (render.answer, render.signals) == (median(answers), report.signals)


def test_grace__quorum_but_not_all__leader_waits_then_proposes(net_of) -> None:
    leader = net_of(4).members.committee.leader(1, 10, 0)
    absent = next(index for index in range(4) if index != leader)
    net = net_of(4, alive=[index for index in range(4) if index != absent])
    net.begin()
    assert not net.of(Render)
    assert min(machine.due() for machine in net.machines.values()) == 100
    net.tick(100)
    assert len(net.of(Transmit)) == 3
    assert not net.of(Transmit)[0].report.observers >> absent & 1


def test_view__leader_silent__the_next_leader_proposes(net_of) -> None:
    leader = net_of(4).members.committee.leader(1, 10, 0)
    net = net_of(4, alive=[index for index in range(4) if index != leader])
    net.begin()
    net.tick(900)
    assert not net.of(Transmit)
    net.tick(300)
    assert {effect.view for effect in net.of(ViewChanged)} == {1}
    assert {effect.report.view for effect in net.of(Transmit)} == {1}


def test_view__nobody_can_sign__patience_doubles_up_to_the_cap(net_of) -> None:
    net = net_of(4, alive=[0, 1, 2])
    net.root = lambda index: bytes([index]) * 32
    net.begin()
    net.carries = lambda sender, peer, message: not isinstance(message, Proposal)
    net.tick(40_000)
    entered = [effect.view for effect in net.of(ViewChanged, 0)]
    assert entered == list(range(1, len(entered) + 1))
    assert 4 <= len(entered) <= 7


def test_render__same_inputs_in_a_later_view__not_rendered_again(net_of) -> None:
    net = net_of(4)
    net.carries = lambda sender, peer, message: not isinstance(message, Attestation)
    net.begin()
    net.tick(7_000)
    assert {effect.view for effect in net.of(ViewChanged)} >= {1}
    assert len(net.of(Render)) == 4
    net.carries = lambda sender, peer, message: True
    net.tick(1_000)
    assert len(net.of(Transmit)) >= 4
    assert len(net.of(Render)) == 4


def test_incident__node_signs_garbage__dropped_counted_and_the_report_lands(net_of) -> None:
    net = net_of(4)
    net.signature = lambda index, digest: b"\x01" * 64 if index == 3 else net.members.sign(index, digest)
    net.begin()
    net.tick(500)
    assert {at for at, effect in net.seen if isinstance(effect, Transmit)} == {0, 1, 2, 3}
    assert all(not transmit.signers >> 3 & 1 for transmit in net.of(Transmit))
    assert Dropped(3, reasons.BAD_SIGNATURE) in net.of(Dropped, 0)


def test_incident__node_renders_another_root__the_others_land_the_true_one(net_of) -> None:
    net = net_of(4)
    net.root = lambda index: b"\x66" * 32 if index == 2 else b"\x0c" * 32
    net.begin()
    net.tick(500)
    assert {transmit.report.content_root for transmit in net.of(Transmit)} == {b"\x0c" * 32}
    assert not net.of(Transmit, 2)
    assert Dropped(2, reasons.OTHER_REPORT) in net.of(Dropped)


def test_incident__two_of_four_lie__nothing_is_certified(net_of) -> None:
    net = net_of(4)
    net.root = lambda index: b"\x66" * 32 if index >= 2 else b"\x0c" * 32
    net.begin()
    net.tick(3_000)
    assert not net.of(Transmit)


def test_incident__honest_crash_looks_like_equivocation__restarted_node_never_signs_another(net_of, measured) -> None:
    net = net_of(4)
    net.begin()
    attest = net.of(Attest, 0)[0]
    reborn = net.members.machine(0)
    effects = reborn.begin(measured(100), 0, {0: b"\x99" * 32})
    for effect in net.of(Broadcast):
        effects += reborn.receive(net.members.opened(*_said(net, effect)), 0)
    effects += reborn.rendered(KEY, 0, b"\x0c" * 32, 0)
    assert not [effect for effect in effects if isinstance(effect, Attest)]
    assert Dropped(0, reasons.ALREADY_BOUND) in effects
    # With the journal of this very round it signs the same digest again.
    again = net.members.machine(0)
    effects = again.begin(measured(100), 0, {0: attest.digest})
    for effect in net.of(Broadcast):
        effects += again.receive(net.members.opened(*_said(net, effect)), 0)
    effects += again.rendered(KEY, 0, b"\x0c" * 32, 0)
    assert [effect.digest for effect in effects if isinstance(effect, Attest)] == [attest.digest]


def _said(net, broadcast: Broadcast):
    from node.gossip.verifier import Verifier

    return Verifier(net.members.committee).open(broadcast.raw).sender, broadcast.message


def test_incident__restarted_leader__does_not_propose_again_where_it_attested(net_of, measured) -> None:
    net = net_of(4)
    leader = net.members.committee.leader(1, 10, 0)
    reborn = net.members.machine(leader)
    effects = reborn.begin(measured(100), 0, {0: b"\x99" * 32})
    for index in range(4):
        if index != leader:
            observation = Observation(1, 10, b"\x0b" * 32, 5, (1, 2))
            effects += reborn.receive(net.members.opened(index, observation), 0)
    effects += reborn.tick(150)
    kinds = {effect.kind for effect in effects if isinstance(effect, Broadcast)}
    assert kinds == {"observation"}


def test_begin__attested_in_view_2__resumes_there(net_of, measured) -> None:
    machine = net_of(4).members.machine(0)
    machine.begin(measured(), 0, {0: b"\x01" * 32, 2: b"\x02" * 32})
    assert machine.rounds()[0].view == 2


def test_begin__late__messages_waited_for_it(net_of, measured) -> None:
    net = net_of(4)
    late = net.machines.pop(3)
    net.machines[3] = late
    for index in range(3):
        net.run(index, net.machines[index].begin(measured(100 + index), 0))
    net.tick(200)
    assert not net.of(Attest, 3)
    net.run(3, late.begin(measured(103), net.now))
    assert net.of(Transmit, 3)


def test_begin__other_block_than_the_rest__does_not_attest(net_of, measured) -> None:
    net = net_of(4)
    for index, machine in net.machines.items():
        block = b"\x77" * 32 if index == 1 else b"\x0b" * 32
        net.run(index, machine.begin(measured(100 + index, block=block), 0))
    net.tick(3_000)
    assert not net.of(Attest, 1)
    assert Dropped(0, reasons.OTHER_BLOCK) in net.of(Dropped, 1)
    assert {at for at, effect in net.seen if isinstance(effect, Transmit)} == {0, 2, 3}


def test_begin__own_answer_far_off__still_attests_to_the_medians(net_of, measured) -> None:
    net = net_of(4)
    for index, machine in net.machines.items():
        net.run(index, machine.begin(measured(10**30 if index == 1 else 100), 0))
    net.tick(200)
    assert net.of(Attest, 1)
    assert median(net.of(Transmit)[0].report.observations) == 100


def test_begin__twice__nothing__with_other_values__refused(net_of, measured) -> None:
    machine = net_of(4).members.machine(0)
    machine.begin(measured(), 0)
    assert machine.begin(measured(), 0) == []
    with pytest.raises(AgreementError):
        machine.begin(measured(answer=101), 0)


def test_begin__more_rounds_than_kept__the_oldest_is_given_up(net_of, measured) -> None:
    machine = net_of(4).members.machine(0)
    for number in range(MAX_ROUNDS_PER_FEED):
        machine.begin(measured(checkpoint=10 + number), 0)
    effects = machine.begin(measured(checkpoint=100), 0)
    assert effects[0] == RoundDone(RoundKey(1, 10), landed=False)
    assert len(machine.rounds()) == MAX_ROUNDS_PER_FEED


def test_begin__older_than_all_that_are_kept__is_given_up_itself(net_of, measured) -> None:
    """After a reorganisation: the rounds that a landed report had ended begin again beside newer ones."""
    machine = net_of(1).machines[0]
    newer = [20 + number for number in range(MAX_ROUNDS_PER_FEED)]
    for checkpoint in newer:
        machine.begin(measured(checkpoint=checkpoint), 0)
    assert machine.begin(measured(checkpoint=10), 0) == [RoundDone(RoundKey(1, 10), landed=False)]
    assert [status.key.checkpoint for status in machine.rounds()] == newer


def test_landed__newer_checkpoint__ends_older_rounds_and_cancels_their_render(net_of, measured) -> None:
    machine = net_of(1).members.machine(0)
    machine.begin(measured(checkpoint=10), 0)
    machine.begin(measured(checkpoint=30), 0)
    machine.begin(measured(checkpoint=10, feed=2), 0)
    effects = machine.landed(1, 20, 0)
    assert effects == [CancelRender(RoundKey(1, 10), 0), RoundDone(RoundKey(1, 10), landed=True)]
    assert [status.key for status in machine.rounds()] == [RoundKey(1, 30), RoundKey(2, 10)]
    assert machine.begin(measured(checkpoint=20), 0) == []
    assert machine.rendered(RoundKey(1, 10), 0, b"\x0c" * 32, 0) == []
    assert machine.landed(1, 20, 0) == []


def test_receive__landed_round__stale(net_of) -> None:
    machine = net_of(4).members.machine(0)
    machine.landed(1, 10, 0)
    opened = net_of(4).members.opened(1, Timeout(1, 10, 0))
    assert machine.receive(opened, 0) == [Dropped(1, reasons.STALE)]


def test_tick__round_open__own_messages_announced_again(net_of, measured) -> None:
    machine = net_of(4).members.machine(0)
    first = [effect for effect in machine.begin(measured(), 0) if isinstance(effect, Broadcast)]
    assert machine.tick(499) == []
    assert machine.tick(500) == first
    assert machine.tick(501) == []
    assert machine.due() == 1_000


def test_tick__clock_goes_back__waits_until_it_has_caught_up(net_of, measured) -> None:
    machine = net_of(4).members.machine(0)
    machine.begin(measured(), 1_000)
    assert machine.tick(0) == []
    assert machine.tick(1_400) == []
    assert machine.tick(1_500) != []


def test_render_failed__later_view__asked_for_again(net_of, measured) -> None:
    machine = net_of(1).members.machine(0, Timing(view_ms=100, view_max_ms=100, render_ms=200, grace_ms=0))
    effects = machine.begin(measured(), 0)
    assert [effect.view for effect in effects if isinstance(effect, Render)] == [0]
    assert machine.render_failed(KEY, 0, 10) == []
    assert [effect.view for effect in machine.tick(200) if isinstance(effect, Render)] == [1]


def test_rendered__view_changed_meanwhile__serves_the_new_view(net_of, measured) -> None:
    machine = net_of(1).members.machine(0, Timing(view_ms=100, view_max_ms=100, render_ms=200, grace_ms=0))
    machine.begin(measured(), 0)
    effects = machine.tick(200)
    assert not [effect for effect in effects if isinstance(effect, Render | CancelRender)]
    attests = [e for e in machine.rendered(KEY, 0, b"\x0c" * 32, 250) if isinstance(e, Attest)]
    assert [(effect.view, effect.report.view) for effect in attests] == [(1, 1)]


def test_attested__another_digest_than_asked__not_released(net_of, measured) -> None:
    machine = net_of(1).members.machine(0)
    machine.begin(measured(), 0)
    machine.rendered(KEY, 0, b"\x0c" * 32, 0)
    assert machine.attested(KEY, 0, b"\x01" * 32, bytes(64), 0) == []


def test_attested__nothing_released_before__the_journal_has_it(net_of, measured) -> None:
    machine = net_of(1).members.machine(0)
    effects = machine.begin(measured(), 0) + machine.rendered(KEY, 0, b"\x0c" * 32, 0) + machine.tick(10_000)
    assert not [e for e in effects if isinstance(e, Broadcast) and e.kind == "attestation"]


def test_rounds__phases__as_the_round_goes_on(net_of, measured) -> None:
    members = net_of(1).members
    machine = members.machine(0)
    assert machine.rounds() == []
    assert machine.due() is None
    effects = machine.begin(measured(), 0)
    assert effects[0] == RoundStarted(KEY)
    assert machine.rounds()[0].phase == "rendering"
    remembered, prepare, locked, commit, attest = machine.rendered(KEY, 0, b"\x0c" * 32, 0)
    assert isinstance(remembered, Remember)
    assert isinstance(locked, Remember)
    assert (prepare.kind, commit.kind) == ("prepare", "commit")
    assert (remembered.memory.lock_view, locked.memory.lock_view) == (-1, 0)
    assert machine.rounds()[0].phase == "attesting"
    machine.attested(KEY, 0, attest.digest, members.sign(0, attest.digest), 0)
    status = machine.rounds()[0]
    assert (status.phase, status.observations, status.attestations) == ("transmitting", 1, 1)


def test_machine__index_outside_the_committee__refused(net_of) -> None:
    members = net_of(4).members
    with pytest.raises(AgreementError):
        Machine(members.committee, 4, lambda raw: None, Timing(), lambda message: b"")


@pytest.mark.parametrize("durations", [{"view_ms": 0}, {"repeat_ms": -1}, {"render_ms": 0}, {"grace_ms": -1}])
def test_timing__not_positive__refused(durations) -> None:
    with pytest.raises(AgreementError):
        Timing(**durations)
