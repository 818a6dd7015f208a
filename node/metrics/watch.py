"""Watches what metrics need and nobody else measures: how late the event loop is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.durations import Durations

EVERY_S = 1.0


async def watch_loop(into: Durations, every: float = EVERY_S) -> None:
    """Sleep again and again, and count by how much each sleep was too long; until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        into.observe(loop.time() - due)
