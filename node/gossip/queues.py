"""Bounded queues that let the oldest go: a flood costs messages, never memory."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Lanes(Generic[T]):
    """One reader, several writers with a bounded lane each; lanes are read in turn.

    A writer that floods pushes out its own messages only, and delays the others' by one message each.
    """

    def __init__(self, lanes: int, limit: int) -> None:
        self._limit = limit
        self._lanes: list[deque[T]] = [deque() for _ in range(lanes)]
        self._next = 0
        self._filled = asyncio.Event()

    def put(self, lane: int, item: T) -> bool:
        """Add an item; False if the lane's oldest had to go for it."""
        queue = self._lanes[lane]
        full = len(queue) >= self._limit
        if full:
            queue.popleft()
        queue.append(item)
        self._filled.set()
        return not full

    async def get(self) -> T:
        """The next item, waited for."""
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
                return self._lanes[lane].popleft()
        return None

    def __len__(self) -> int:
        return sum(map(len, self._lanes))
