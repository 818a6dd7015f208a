"""Rounds of artworks that agree by tolerance: whose root is signed, when, and what a refusal leads to."""

from __future__ import annotations

import pytest

from node.agreement import reasons
from node.agreement.effects import (
    Attest,
    Broadcast,
    CancelCompare,
    Compare,
    Dropped,
    Render,
    RoundKey,
    Transmit,
    ViewChanged,
)
from node.agreement.messages import Artwork, Attestation, Commit, Observation, Prepare, Proposal, Timeout

KEY = RoundKey(1, 10)
BLOCK = b"\x0b" * 32
OWN, LEADERS, OTHER = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32


class Stage:
    """One member's machine, and the others' messages."""

    def __init__(self, members, seat: int, trigger, attested=None) -> None:
        committee = members.committee
        self.members, self.trigger = members, trigger
        self.leaders = [committee.leader(1, 10, view) for view in range(4)]
        self.me = self.leaders[seat]
        self.machine = members.machine(self.me)
        self.raws = [members.seal(index, Observation(1, 10, BLOCK, 100 + index, (1, 2))) for index in range(4)]
        self.begun = self.machine.begin(trigger, 0, attested or {})

    def propose(self, view: int = 0, now: int = 0):
        timeouts = tuple(self.members.seal(index, Timeout(1, 10, view - 1)) for index in range(3)) if view else ()
        message = Proposal(1, 10, view, tuple(self.raws), timeouts)
        return self.machine.receive(self.members.opened(self.leaders[view], message), now)

    def show(self, root: bytes, view: int = 0, now: int = 0, sender: int | None = None):
        sender = self.leaders[view] if sender is None else sender
        return self.machine.receive(self.members.opened(sender, Artwork(1, 10, view, root)), now)

    def rendered(self, root: bytes = OWN, now: int = 0, tolerant: bool = True):
        return self.machine.rendered(KEY, self.machine.rounds()[0].view, root, now, tolerant=tolerant)

    def locked(self, effects, now: int = 0):
        """A quorum prepares what this machine just prepared, and commits to it."""
        prepare = self.members.prepared(effects)
        others = [index for index in range(4) if index != self.me][:2]
        commit = Commit(1, 10, prepare.view, prepare.digest)
        said = [self.members.opened(index, message) for message in (prepare, commit) for index in others]
        return [effect for opened in said for effect in self.machine.receive(opened, now)]

    def compared(self, root: bytes, alike: bool, view: int = 0, now: int = 0):
        return self.machine.compared(KEY, view, root, alike, now)


@pytest.fixture
def follower(members_of, measured) -> Stage:
    return Stage(members_of(4), 3, measured())


@pytest.fixture
def leader(members_of, measured) -> Stage:
    return Stage(members_of(4), 0, measured())


def of(kind, effects):
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(kind, effects):
    return [effect.message for effect in of(Broadcast, effects) if isinstance(effect.message, kind)]


def test_follower__artwork_after_own_render__compares_and_signs_the_leaders_root(follower: Stage) -> None:
    assert of(Render, follower.propose())
    assert follower.rendered() == []
    assert follower.show(LEADERS) == [Compare(KEY, 0, OWN, LEADERS)]
    assert follower.machine.rounds()[0].phase == "comparing"
    effects = follower.compared(LEADERS, alike=True)
    assert not of(Attest, effects)
    [attest] = of(Attest, follower.locked(effects))
    assert attest.report.content_root == LEADERS
    effects = follower.machine.attested(KEY, 0, attest.digest, follower.members.sign(follower.me, attest.digest), 0)
    assert sent(Attestation, effects)
    assert not sent(Artwork, effects)


def test_follower__artwork_before_proposal_and_render__is_kept_until_then(follower: Stage) -> None:
    assert follower.show(LEADERS) == []
    assert not of(Compare, follower.propose())
    assert follower.rendered() == [Compare(KEY, 0, OWN, LEADERS)]


def test_follower__leader_rendered_the_very_same__signs_without_comparing(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    effects = follower.show(OWN)
    assert not of(Compare, effects)
    assert of(Attest, follower.locked(effects))[0].report.content_root == OWN


def test_follower__never_its_own_root__whatever_time_passes(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    effects = [effect for now in range(0, 100_000, 500) for effect in follower.machine.tick(now)]
    assert not of(Attest, effects)


def test_follower__unlike__nothing_is_signed_and_the_view_is_left_at_once(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    effects = follower.compared(LEADERS, alike=False)
    assert Dropped(follower.leaders[0], reasons.UNLIKE) in effects
    assert sent(Timeout, effects) == [Timeout(1, 10, 0)]
    assert not of(Attest, effects)
    assert follower.show(LEADERS) == [Dropped(follower.leaders[0], reasons.REPEATED)]


def test_follower__same_false_root_in_a_later_view__is_refused_without_another_look(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    follower.compared(LEADERS, alike=False)
    follower.propose(view=1)
    effects = follower.show(LEADERS, view=1)
    assert not of(Compare, effects)
    assert Dropped(follower.leaders[1], reasons.UNLIKE) in effects


def test_incident__leader_shows_two_artworks__only_the_first_counts(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    assert follower.compared(OTHER, alike=True) == []
    [attest] = of(Attest, follower.locked(follower.compared(LEADERS, alike=True)))
    assert attest.report.content_root == LEADERS
    assert follower.show(OTHER) == [Dropped(follower.leaders[0], reasons.CONFLICTING)]


def test_incident__leader_shows_two_artworks__before_either_is_borne_out__view_is_left_at_once(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    effects = follower.show(OTHER)
    assert effects[0] == Dropped(follower.leaders[0], reasons.CONFLICTING)
    assert sent(Artwork, effects) == [Artwork(1, 10, 0, LEADERS), Artwork(1, 10, 0, OTHER)]
    assert sent(Timeout, effects) == [Timeout(1, 10, 0)]
    assert follower.show(OTHER) == [Dropped(follower.leaders[0], reasons.CONFLICTING)]
    assert not sent(Prepare, follower.compared(LEADERS, alike=True))


def test_incident__honest_crash__signed_view_is_never_signed_for_another_artwork(members_of, measured) -> None:
    first = Stage(members_of(4), 3, measured())
    first.propose()
    first.rendered()
    first.show(LEADERS)
    [attest] = of(Attest, first.locked(first.compared(LEADERS, alike=True)))
    again = Stage(members_of(4), 3, measured(), {0: attest.digest})
    again.propose()
    again.rendered(root=b"\x09" * 32)  # another kernel than in its earlier life
    again.show(OTHER)
    effects = again.compared(OTHER, alike=True)
    assert not sent(Prepare, effects)
    assert Dropped(again.me, reasons.ALREADY_BOUND) in effects
    resumed = Stage(members_of(4), 3, measured(), {0: attest.digest})
    resumed.propose()
    resumed.rendered(root=b"\x09" * 32)
    resumed.show(LEADERS)
    effects = resumed.locked(resumed.compared(LEADERS, alike=True))
    assert [effect.digest for effect in of(Attest, effects)] == [attest.digest]


def test_artwork__not_from_the_leader_or_of_a_left_view__dropped(follower: Stage) -> None:
    stranger = follower.leaders[1]
    assert follower.show(LEADERS, sender=stranger) == [Dropped(stranger, reasons.NOT_LEADER)]
    follower.propose(view=1)
    assert follower.show(LEADERS, view=0) == [Dropped(follower.leaders[0], reasons.STALE)]


def test_artwork__of_a_later_view__waits_for_that_view(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    assert follower.show(OTHER, view=1) == []
    effects = follower.propose(view=1)
    assert of(Compare, effects) == [Compare(KEY, 1, OWN, OTHER)]


def test_view_left__comparison_under_way__is_cancelled_and_its_verdict_ignored(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    effects = follower.propose(view=1)
    assert [type(effect) for effect in effects][:2] == [CancelCompare, ViewChanged]
    assert follower.compared(LEADERS, alike=True) == []
    assert CancelCompare(KEY, 1) not in follower.machine.landed(1, 10, 0)


def test_landed__comparison_under_way__is_cancelled(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    assert CancelCompare(KEY, 0) in follower.machine.landed(1, 10, 0)


def lead(stage: Stage):
    effects = []
    for index in range(4):
        if index != stage.me:
            message = Observation(1, 10, BLOCK, 100 + index, (1, 2))
            effects += stage.machine.receive(stage.members.opened(index, message), 0)
    assert sent(Proposal, effects)


def test_leader__own_render__is_prepared_first_and_shown_after(leader: Stage) -> None:
    lead(leader)
    effects = leader.rendered()
    assert leader.members.prepared(effects).view == 0
    assert sent(Artwork, effects) == [Artwork(1, 10, 0, OWN)]
    assert sent(Artwork, leader.machine.tick(500)) == [Artwork(1, 10, 0, OWN)]


def test_incident__honest_crash__leader_with_another_render_shows_no_second_artwork(members_of, measured) -> None:
    leader = Stage(members_of(4), 0, measured(), {0: b"\x07" * 32})
    effects = [*leader.propose(), *leader.rendered()]
    assert not sent(Prepare, effects)
    assert not sent(Artwork, effects)
    assert Dropped(leader.me, reasons.ALREADY_BOUND) in effects


def test_exact_round__everyone__no_message_more_and_artworks_ignored(net_of) -> None:
    net = net_of(4)
    net.begin()
    net.tick(3_000)
    assert net.of(Transmit)
    kinds = {effect.kind for effect in net.of(Broadcast)}
    assert kinds == {"observation", "proposal", "prepare", "commit", "attestation"}
    assert not net.of(Compare)


def test_exact_render__leader_shows_another_root__own_is_signed(follower: Stage) -> None:
    follower.propose()
    follower.show(LEADERS)
    [attest] = of(Attest, follower.locked(follower.rendered(tolerant=False)))
    assert attest.report.content_root == OWN


def test_timers__own_render_took_long__leader_is_given_as_long_again(follower: Stage) -> None:
    follower.propose()
    for now in range(0, 40_000, 4_000):  # render_ms is 5,000
        assert not sent(Timeout, follower.machine.tick(now))
        follower.machine.progressed(KEY, 0, now)
    follower.rendered(now=40_000)
    assert not sent(Timeout, follower.machine.tick(80_000))
    assert Timeout(1, 10, 0) in sent(Timeout, follower.machine.tick(82_000))


def test_timers__comparison_gets_further__view_goes_on_and_without_it_does_not(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS, now=1_000)
    follower.machine.progressed(KEY, 0, 5_000)
    assert not sent(Timeout, follower.machine.tick(5_999))
    assert sent(Timeout, follower.machine.tick(10_000))


@pytest.mark.parametrize("took", [0, 20_000])
def test_incident__leader_trickles_its_pictures__is_given_what_ones_own_took_and_the_render_time(
    follower: Stage, took: int
) -> None:
    """Each picture came just before the view's time was up: as many of them as an edition has held it up."""
    follower.propose()
    for now in range(0, took, 4_000):
        follower.machine.progressed(KEY, 0, now)
    follower.rendered(now=took)
    shown = took + 500
    follower.show(LEADERS, now=shown)
    end = shown + took + 5_000  # render_ms
    for now in range(shown, end, 100):
        assert not sent(Timeout, follower.machine.tick(now))
        follower.machine.progressed(KEY, 0, now)
    follower.machine.progressed(KEY, 0, end - 1)
    assert not sent(Timeout, follower.machine.tick(end - 1))
    assert Timeout(1, 10, 0) in sent(Timeout, follower.machine.tick(end))


def test_timers__last_picture_passes_at_the_last_moment__signatures_get_their_time(follower: Stage) -> None:
    follower.propose()
    follower.rendered()
    follower.show(LEADERS)
    assert sent(Prepare, follower.compared(LEADERS, alike=True, now=4_999))
    assert not sent(Timeout, follower.machine.tick(5_998))
    assert sent(Timeout, follower.machine.tick(5_999))


def test_progressed__nothing_under_way__gives_no_time(follower: Stage) -> None:
    follower.machine.progressed(KEY, 0, 900)
    follower.machine.progressed(RoundKey(2, 10), 0, 900)
    assert Timeout(1, 10, 0) in sent(Timeout, follower.machine.tick(1_000))


def test_timeout__heard_with_an_artwork_at_hand__artwork_is_passed_on(follower: Stage) -> None:
    follower.propose()
    follower.show(LEADERS)
    assert not sent(Artwork, follower.machine.tick(500))
    follower.machine.receive(follower.members.opened(follower.leaders[1], Timeout(1, 10, 0)), 600)
    assert sent(Artwork, follower.machine.tick(1_000)) == [Artwork(1, 10, 0, LEADERS)]
    follower.propose(view=1, now=1_100)
    assert not sent(Artwork, follower.machine.tick(2_000))
