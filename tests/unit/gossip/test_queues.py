"""Lanes: bounded, fair, in order."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from node.gossip.queues import Lanes


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
