"""Bounded queues that let the oldest go: a flood costs messages, never memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
TURN: Final = 16
"""Items taken in a row before everything else on the event loop gets its turn."""


class Lanes(Generic[T]):
    """One reader, several writers with a bounded lane each; lanes are read in turn.

    A writer that floods pushes out its own messages only, and delays the others' by one message each.
    """

    def __init__(self, lanes: int, limit: int, *, weigh: Callable[[T], int] = lambda _: 0, heaviest: int = 1) -> None:
        """At most `limit` items a lane, and together at most `heaviest` of what `weigh` says (but for one item)."""
        self._limit = limit
        self._weigh = weigh
        self._heaviest = heaviest
        self._lanes: list[deque[T]] = [deque() for _ in range(lanes)]
        self._weights = [0] * lanes
        self._next = 0
        self._taken = 0
        self._filled = asyncio.Event()
        self.last = 0
        """The lane that the last item came from."""

    def put(self, lane: int, item: T) -> bool:
        """Add an item; False if older ones of the lane had to go for it."""
        queue = self._lanes[lane]
        queue.append(item)
        self._weights[lane] += self._weigh(item)
        kept = True
        while len(queue) > self._limit or (self._weights[lane] > self._heaviest and len(queue) > 1):
            self._pop(lane)
            kept = False
        self._filled.set()
        return kept

    async def get(self) -> T:
        """The next item, waited for. However many there are, the event loop is not kept from its other work."""
        self._taken += 1
        if self._taken % TURN == 0:
            await asyncio.sleep(0)
        while True:
            item = self.get_nowait()
            if item is not None:
                return item
            self._filled.clear()
            await self._filled.wait()

    def get_nowait(self) -> T | None:
        """The next item, or None."""
        for step in range(len(self._lanes)):
            lane = (self._next + step) % len(self._lanes)
            if self._lanes[lane]:
                self._next = lane + 1
                self.last = lane
                return self._pop(lane)
        return None

    def _pop(self, lane: int) -> T:
        item = self._lanes[lane].popleft()
        self._weights[lane] -= self._weigh(item)
        return item

    def __len__(self) -> int:
        return sum(map(len, self._lanes))
