"""Takes turns at a few things that are lent out one at a time: first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from node.errors import RenderError

Thing = TypeVar("Thing")


class Turns(Generic[Thing]):
    """What is free to be taken. The warm one given back last goes out first."""

    def __init__(self, things: Sequence[Thing]) -> None:
        self._free = list(reversed(things))
        self._waiting: deque[asyncio.Future[Thing]] = deque()
        self._why: str | None = None

    async def take(self) -> Thing:
        """Wait for one that is free. Raises RenderError with the reason that `stop` was given."""
        if self._why is not None:
            raise RenderError(self._why)
        if self._free:
            return self._free.pop()
        turn: asyncio.Future[Thing] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give(turn.result())  # its turn came as it left
            raise

    def give(self, thing: Thing, *, warm: bool = True) -> None:
        """Hand one back, or on to whoever has waited longest. One that is not warm goes out after all others."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(thing)
                return
        self._free.insert(len(self._free) if warm else 0, thing)

    def stop(self, why: str) -> None:
        """Nothing is lent any more until `resume`: whoever waits, or comes, is told why."""
        self._why = why
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(RenderError(why))

    def resume(self) -> None:
        """Lend again."""
        self._why = None
