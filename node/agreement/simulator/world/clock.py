"""Virtual time: events in their order, and each node's own clock, which runs fast or slow."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Events:
    """Events in order of time, then of scheduling; `now` is in virtual milliseconds."""

    def __init__(self) -> None:
        self.now = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, time: int, event: Callable[..., None], *arguments: object) -> None:
        """Let something happen at a time, not before now."""
        self._count += 1
        heapq.heappush(self._heap, (time if time > self.now else self.now, self._count, event, arguments))

    def after(self, delay: int, event: Callable[..., None], *arguments: object) -> None:
        """Let something happen in a while."""
        self.at(self.now + delay, event, *arguments)

    def step(self) -> bool:
        """Let the next event happen; False if there is none."""
        if not self._heap:
            return False
        self.now, _, event, arguments = heapq.heappop(self._heap)
        event(*arguments)
        return True


class NodeClock:
    """A node's monotonic clock: it starts anywhere, and gains or loses `parts_per_million` against true time."""

    def __init__(self, events: Events, start: int, parts_per_million: int) -> None:
        self._events = events
        self._born = events.now
        self._start = start
        self._rate = 1_000_000 + parts_per_million

    def now(self) -> int:
        """What it shows, in milliseconds."""
        return self._start + (self._events.now - self._born) * self._rate // 1_000_000

    def when(self, shown: int) -> int:
        """The first true time at which it shows as much."""
        return self._born + -((shown - self._start) * -1_000_000 // self._rate)
