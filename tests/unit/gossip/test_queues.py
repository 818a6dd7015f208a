"""Lanes and turns: bounded, fair, in order."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.gossip import queues
from node.gossip.queues import Lanes, Turns


async def test_get__empty__waits_for_the_next() -> None:
    lanes: Lanes[bytes] = Lanes(2, 10)
    waiting = asyncio.create_task(lanes.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    lanes.put(1, b"late")
    assert await waiting == b"late"


async def test_get__cancelled__nothing_lost() -> None:
    lanes: Lanes[bytes] = Lanes(1, 10)
    waiting = asyncio.create_task(lanes.get())
    await asyncio.sleep(0)
    lanes.put(0, b"kept")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert lanes.get_nowait() == b"kept" or waiting.result() == b"kept"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers()), max_size=200), st.integers(1, 8))
def test_put__any_sequence__newest_of_each_lane_in_order(puts: list[tuple[int, int]], limit: int) -> None:
    lanes: Lanes[tuple[int, int]] = Lanes(3, limit)
    kept = [lanes.put(lane, (lane, item)) for lane, item in puts]
    out = []
    while (item := lanes.get_nowait()) is not None:
        out.append(item)
    assert len(lanes) == 0
    assert len(out) == sum(kept)
    for lane in range(3):
        sent = [put for put in puts if put[0] == lane]
        assert [item for item in out if item[0] == lane] == sent[-limit:]


def test_get_nowait__one_lane_full__the_others_served_in_turn() -> None:
    lanes: Lanes[str] = Lanes(2, 100)
    for _ in range(100):
        lanes.put(0, "flood")
    lanes.put(1, "true")
    assert "true" in [lanes.get_nowait(), lanes.get_nowait()]


async def test_turns__said_once_each__come_in_order() -> None:
    turns: Turns[str] = Turns(9)
    assert all(turns.put(item) for item in "abcd")
    assert [await turns.get() for _ in range(4)] == list("abcd")
    assert len(turns) == 0


async def test_turns__said_again_while_it_waits__waits_once() -> None:
    turns: Turns[str] = Turns(2)
    for _ in range(5):
        assert turns.put("a")
        assert turns.put("b")
    assert [await turns.get(), await turns.get()] == ["a", "b"]
    assert turns.put("a")  # it went: said again, it goes again
    assert await turns.get() == "a"


async def test_turns__news_and_repetition__take_turns_the_longest_unread_first() -> None:
    turns: Turns[str] = Turns(9)
    for item in "abc":
        turns.put(item)
    assert [await turns.get() for _ in range(3)] == list("abc")
    for item in "cbaxyz":
        turns.put(item)
    found = [await turns.get() for _ in range(6)]
    assert [item for item in found if item in "abc"] == list("abc")
    assert [item for item in found if item in "xyz"] == list("xyz")
    assert {*found[:2]} == {"a", "x"}


async def test_turns__news_beyond_the_bounds__the_oldest_go() -> None:
    turns: Turns[bytes] = Turns(3, weigh=len, heaviest=10)
    assert [turns.put(bytes([number])) for number in range(5)] == [True] * 3 + [False] * 2
    assert not turns.put(b"x" * 9)  # 9 bytes and one more are 10
    assert [await turns.get(), await turns.get()] == [b"\x04", b"x" * 9]
    turns.put(b"y" * 99)  # alone it may be of any length
    assert await turns.get() == b"y" * 99


async def test_turns__a_thousand_rounds_said_in_one_order_to_a_slow_reader__none_is_starved() -> None:
    """However small the queue, and however little is read between two repetitions: each is read, and again."""
    turns: Turns[tuple[int, str]] = Turns(200)
    heard: Counter[tuple[int, str]] = Counter()
    for _ in range(90):
        for about in range(1_000):
            for kind in ("observation", "prepare"):
                turns.put((about, kind))
        assert len(turns) == 200
        heard.update([await turns.get() for _ in range(100)])
    assert len(heard) == 2_000
    assert max(heard.values()) - min(heard.values()) <= 4


async def test_turns__ever_new_items__what_is_remembered_of_them_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "REMEMBERED", 50)
    turns: Turns[int] = Turns(5)
    for number in range(500):
        turns.put(number)
        assert await turns.get() == number
    assert list(turns._read) == [hash(number) for number in range(450, 500)]


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 4), st.integers(0, 3))), max_size=80),
    limit=st.integers(1, 12),
)
def test_turns__any_order_of_putting_and_getting__bounds_hold_and_nothing_is_invented(
    steps: list[tuple[int, int] | None], limit: int
) -> None:
    async def play() -> None:
        turns: Turns[tuple[int, int]] = Turns(limit, weigh=lambda item: item[1], heaviest=10)
        waiting: set[tuple[int, int]] = set()
        for step in steps:
            if step is not None:
                waiting.add(step)
                assert turns.put(step) == (len(waiting) == len(turns))
                assert turns._waiting <= waiting
                waiting = set(turns._waiting)
            elif waiting:
                waiting.remove(await turns.get())
            assert {*turns._news, *(item for _, item in turns._again)} == waiting == turns._waiting
            assert len(turns) == len(turns._news) + len(turns._again) <= limit
            assert len(waiting) <= 1 or sum(weight for _, weight in waiting) <= 10

    asyncio.run(play())
