"""Follows the final head by polling, and counts out the checkpoints that became final."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import structlog

from node.errors import ChainError

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.types import Block

log = structlog.get_logger("follower")


def checkpoints_between(after: int, until: int, cadence: int) -> range:
    """The checkpoints (multiples of `cadence`) above `after` up to and including `until`."""
    return range((after // cadence + 1) * cadence, until + 1, cadence)


class Follower:
    """Polls one chain. A subscription that delivers nothing looks like a quiet chain; a poll cannot."""

    def __init__(self, chain: Chain, interval: float) -> None:
        """`interval`: seconds between polls."""
        self._chain = chain
        self._interval = interval

    async def heads(self) -> AsyncIterator[Block]:
        """Yield each new final head, ascending; the chain's failures are logged and polled over."""
        last: Block | None = None
        while True:
            try:
                head = await self._chain.finalized()
            except ChainError as error:
                log.warning("no final block seen, trying again", error=str(error))
            else:
                # An endpoint behind the others may name an older one: what was final stays so.
                if last is None or head.number > last.number:
                    last = head
                    yield head
            await asyncio.sleep(self._interval)

    async def checkpoints(self, cadence: int, after: int) -> AsyncIterator[int]:
        """Yield every checkpoint above block `after` once it is final, each exactly once and in order.

        Start with the stored cursor, and store the yielded one together with what was done about it: then
        none is missed and none handled twice over any restart.
        """
        async for head in self.heads():
            for checkpoint in checkpoints_between(after, head.number, cadence):
                yield checkpoint
                after = checkpoint
