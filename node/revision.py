"""A number that grows with every change, for whoever waits to show the next one."""

from __future__ import annotations

import asyncio


class Revision:
    """Counts changes, and lets any number of readers wait for one that they have not seen."""

    def __init__(self) -> None:
        self.number = 0
        self._moved = asyncio.Event()

    def move(self) -> None:
        """Count a change, and wake all who wait for it."""
        self.number += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def changed(self, since: int) -> int:
        """Wait until `number` is above `since`, then return it."""
        while self.number <= since:
            await self._moved.wait()
        return self.number
