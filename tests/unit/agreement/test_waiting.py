"""The waiting room: order kept, memory bounded, nobody pushed out by another."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.effects import RoundKey
from node.agreement.messages import Observation, Opened, Timeout
from node.agreement.waiting import WaitingRoom


def timeout(sender: int, checkpoint: int, view: int = 0, feed: int = 1) -> Opened:
    return Opened(sender, Timeout(feed, checkpoint, view), bytes(100))


def test_take__several_senders__in_the_order_of_arrival_once() -> None:
    room = WaitingRoom(4)
    sent = [timeout(3, 10), timeout(0, 10), timeout(3, 10, view=1), timeout(1, 10)]
    for opened in [*sent, timeout(2, 20)]:
        assert room.put(opened) == 0
    assert room.take(RoundKey(1, 10)) == sent
    assert room.take(RoundKey(1, 10)) == []
    assert len(room) == 1


def test_put__same_place_again__the_first_is_kept() -> None:
    room = WaitingRoom(4)
    first = Opened(0, Observation(1, 10, bytes(32), 1, ()), b"first")
    room.put(first)
    assert room.put(Opened(0, Observation(1, 10, bytes(32), 2, ()), b"second")) == 0
    assert room.take(RoundKey(1, 10)) == [first]


def test_incident__member_floods_far_checkpoints__only_its_own_messages_go() -> None:
    room = WaitingRoom(4, budget=10 * 612)
    room.put(timeout(1, 5))
    pushed_out = sum(room.put(timeout(0, checkpoint)) for checkpoint in range(1_000))
    assert pushed_out == 990
    assert len(room) == 11
    assert room.take(RoundKey(1, 5)) == [timeout(1, 5)]


def test_put__larger_than_the_whole_budget__not_kept() -> None:
    room = WaitingRoom(1, budget=600)
    assert room.put(timeout(0, 1)) == 1
    assert len(room) == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(1, 3), st.integers(0, 9)), max_size=80))
@settings(max_examples=80)
def test_discard__landed_checkpoint__no_message_up_to_it_left(puts: list[tuple[int, int, int, int]]) -> None:
    room = WaitingRoom(4, budget=8 * 612)
    for sender, checkpoint, feed, view in puts:
        room.put(timeout(sender, checkpoint, view, feed))
    room.discard(1, 3)
    assert all(not room.take(RoundKey(1, checkpoint)) for checkpoint in range(4))
    for feed in (1, 2, 3):
        room.discard(feed, 100)
    assert len(room) == 0
    assert room._used == [0] * 4
