"""When a round is called for: after a silence, after going in circles for long, or with others; and how often."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.committee import Committee
from node.agreement.effects import RoundKey, Timing
from node.config.schema import TransmitConfig
from node.gossip.hearing import Hearing
from node.voting.patience import MAX_REST, STUCK, Patience

AFTER = 60.0
FIRST, NEXT = RoundKey(1, 10), RoundKey(1, 20)


def committee(n: int) -> Committee:
    signers = ["0x" + bytes([number] * 20).hex() for number in range(1, n + 1)]
    return Committee(31337, "0x" + "99" * 20, signers, [bytes([number] * 32) for number in range(1, n + 1)])


class Desk:
    def __init__(self, n: int = 4) -> None:
        self.now, self.gone = 0.0, 0.0
        self.committee = committee(n)
        self.hearing = Hearing(self.committee, 0, clock=lambda: self.now)
        self.patience = Patience(
            lambda: self.gone, self.hearing, f=self.committee.f, after=AFTER, clock=lambda: self.now
        )
        self.due: dict[RoundKey, float] = {}

    def wait(self, seconds: float, *heard: int, at_work: tuple[RoundKey, ...] = ()) -> None:
        """Let time pass, hearing members at the end of it."""
        self.patience.keep_time(self.due, at_work)
        self.now += seconds
        self.patience.keep_time(self.due, at_work)
        for member in heard:
            self.hearing.heard(member)


def test_rounds__that_land_nothing_though_all_are_heard__are_called_for_in_the_end() -> None:
    """A broker and a minority together deliver just enough, or replay it, and let no round come to its end."""
    desk = Desk()
    desk.due[FIRST] = 0.0
    for _ in range(2 * STUCK - 1):
        desk.wait(AFTER / 2, 1, 2, 3)
        assert not desk.patience.called_for(FIRST)
    desk.due[NEXT] = desk.now  # a feed begins newer rounds meanwhile; they get no further
    desk.wait(AFTER / 2, 1, 2, 3)
    assert desk.patience.called_for(NEXT)
    desk.patience.landed(1)
    desk.due = {RoundKey(1, 30): desk.now}
    desk.wait(AFTER, 1, 2, 3)
    assert not desk.patience.called_for(RoundKey(1, 30))


def test_round__that_this_node_paints_or_sends_for_hours__is_not_called_for() -> None:
    desk = Desk()
    desk.due[FIRST] = 0.0
    for _ in range(100):
        desk.wait(AFTER, 1, 2, at_work=(FIRST,))
    assert not desk.patience.called_for(FIRST)
    for _ in range(STUCK):
        desk.wait(AFTER, 1, 2)
    assert desk.patience.called_for(FIRST)


def test_round__begun_late__is_not_charged_with_the_time_before() -> None:
    desk = Desk()
    desk.patience.keep_time({}, ())
    desk.now = 100 * AFTER
    desk.due[FIRST] = desk.now - 1
    desk.patience.keep_time(desk.due, ())
    assert not desk.patience.called_for(FIRST)


@pytest.mark.parametrize("n", range(1, 32))
def test_defaults__minority_that_leads_first_and_wastes_every_view__is_outlasted(n: int) -> None:
    """As long as honest messages arrive, f Byzantine leaders cannot make honest nodes vote: a round lasts no longer
    than the views until they are long enough, the leaders' own and one more, each with a proposal that came to
    nothing."""
    timing, transmit = Timing(), TransmitConfig()
    views = [
        timing.view_ms << step for step in range(committee(n).f + 8) if timing.view_ms << step < timing.view_max_ms
    ]
    worst = sum(views) + (committee(n).f + 1) * (timing.view_max_ms + timing.render_ms)
    assert worst < STUCK * transmit.vote_after_ms


def test_votes_in_vain__come_ever_more_rarely_until_something_lands() -> None:
    desk = Desk()
    desk.gone = 10 * AFTER
    checkpoints, rests = count(10), []
    for _ in range(8):
        desk.patience.cast(RoundKey(1, next(checkpoints)))
        since = desk.now
        key = RoundKey(1, next(checkpoints))
        while not desk.patience.rested(key):
            desk.now += AFTER / 2
        rests.append((desk.now - since) / AFTER)
    assert rests == [1, 2, 4, 8, MAX_REST, MAX_REST, MAX_REST, MAX_REST]
    desk.patience.cast(FIRST)
    assert desk.patience.rested(FIRST)  # the same again: a reorganisation took it
    assert desk.patience.rested(RoundKey(2, 10))  # another feed
    assert not desk.patience.rested(NEXT)
    desk.patience.voted = {(1, 20): {"a", "b"}}
    assert desk.patience.rested(NEXT)  # others are there: one honest at least
    desk.patience.voted = {}
    desk.patience.landed(1)
    assert desk.patience.rested(NEXT)


def test_votes_of_others__more_than_f__call_for_the_round() -> None:
    desk = Desk()
    desk.patience.voted = {(1, 10): {"a"}}
    assert not desk.patience.called_for(FIRST)
    desk.patience.voted = {(1, 10): {"a", "b"}}
    assert desk.patience.called_for(FIRST)
    assert not desk.patience.called_for(NEXT)


@given(st.integers(1, 31), st.data())
@settings(max_examples=60)
def test_hearing__any_members_heard_at_any_time__is_silent_only_while_with_this_node_they_are_no_quorum(
    n: int, data: st.DataObject
) -> None:
    desk = Desk(n)
    desk.due[FIRST] = 0.0
    steps = data.draw(st.lists(st.tuples(st.integers(0, 40), st.sets(st.integers(0, n - 1))), max_size=12))
    last = [0.0] * n
    for seconds, heard in steps:
        desk.wait(seconds, *heard)
        for member in heard:
            last[member] = desk.now
    recent = sum(desk.now - at < AFTER for member, at in enumerate(last) if member)
    assert (desk.hearing.silent_for() >= AFTER) == (1 + recent < desk.committee.quorum)


@pytest.mark.parametrize("n", range(4, 32))
def test_hearing__minority_alone__neither_ends_a_silence_nor_makes_one(n: int) -> None:
    """f members that say whatever they like are not enough; n - f that say what is theirs are."""
    desk = Desk(n)
    f = desk.committee.f
    desk.due[FIRST] = 0.0
    for _ in range(10):
        desk.wait(AFTER / 5, *range(n - f, n))
    assert desk.hearing.silent_for() >= AFTER
    for _ in range(10):
        desk.wait(AFTER / 5, *range(n - f))
        assert desk.hearing.silent_for() == 0
