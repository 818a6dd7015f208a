"""Bounded queues: a flood costs messages, never memory, and keeps nobody out for ever."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Callable
from operator import itemgetter
from typing import Final, Generic, TypeVar

T = TypeVar("T")
REMEMBERED: Final = 65_536
"""Items of which is known when they were read last: more than 1,000 feeds' rounds say at a time, in 8 MiB at most."""
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


class Turns(Generic[T]):
    """One writer that says the same things again and again: each is read as often as every other.

    What waits already is not queued twice, so that repetition costs nothing while the reader is slow. News and what was
    read before are read in turns: news in their order, of the rest what was read longest ago. Beyond the bounds what
    was read last goes first, then the oldest news. So whatever is said again often enough is read in the end, in
    whatever order it is said, however little is read between.
    """

    def __init__(self, limit: int, *, weigh: Callable[[T], int] = lambda _: 0, heaviest: int = 1) -> None:
        """At most `limit` items, and together at most `heaviest` of what `weigh` says (but for one item)."""
        self._limit = limit
        self._weigh = weigh
        self._heaviest = heaviest
        self._news: OrderedDict[T, None] = OrderedDict()
        self._again: list[tuple[int, T]] = []
        """By when they were read last, a number of its own for each."""
        self._waiting: set[T] = set()
        self._weight = 0
        # When an item, by its hash alone, was read last; the longest ago are forgotten, and are news again.
        self._read: OrderedDict[int, int] = OrderedDict()
        self._taken = 0
        self._filled = asyncio.Event()

    def put(self, item: T) -> bool:
        """Add an item, which must be hashable, unless it waits already; False if any had to go for it."""
        if item in self._waiting:
            return True
        self._waiting.add(item)
        self._weight += self._weigh(item)
        last = self._read.get(hash(item))
        if last is None:
            self._news[item] = None
        else:
            insort(self._again, (last, item), key=itemgetter(0))
        kept = True
        while len(self) > self._limit or (self._weight > self._heaviest and len(self) > 1):
            self._gone(self._again.pop()[1] if self._again else self._news.popitem(last=False)[0])
            kept = False
        self._filled.set()
        return kept

    async def get(self) -> T:
        """The next item, waited for. However many there are, the event loop is not kept from its other work."""
        self._taken += 1
        if self._taken % TURN == 0:
            await asyncio.sleep(0)
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        # By turns, so that neither much news nor much repetition keeps the other waiting.
        news = self._news and (self._taken % 2 or not self._again)
        item = self._news.popitem(last=False)[0] if news else self._again.pop(0)[1]
        self._gone(item)
        self._read[hash(item)] = self._taken
        self._read.move_to_end(hash(item))
        if len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return item

    def _gone(self, item: T) -> None:
        self._waiting.remove(item)
        self._weight -= self._weigh(item)

    def __len__(self) -> int:
        return len(self._waiting)
