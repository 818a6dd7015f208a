"""Fetches artworks that landed and that this node did not paint to their end, so that it can show and serve them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from node.backoff import Backoff
from node.content.cid import DAG_PB, Cid, raw_cid
from node.content.unixfs import links
from node.errors import ContentError

if TYPE_CHECKING:
    from node.artworks.peers import Peers
    from node.chain.types import Landed
    from node.journal import Journal

MAX_BLOCKS = 100_000
"""Blocks of one tree that are fetched; an edition has two a token, and its directories."""
RECENT = 200
"""Landed artworks that are looked after at once, and looked up at a start."""

log = structlog.get_logger("collect")


@dataclass
class Want:
    """A content root that is not known to be whole: how often it was tried in vain, and when it is tried next."""

    failures: int = 0
    at: float = 0.0


class Collector:
    """Looks after the content roots that landed last, until all their blocks are in the store."""

    def __init__(
        self,
        peers: Peers,
        journal: Journal,
        *,
        backoff: Backoff = Backoff(first=2.0, cap=600.0),  # noqa: B008 - immutable
        most: int = RECENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`backoff`: between attempts at what no peer has; beyond `most` roots the oldest are given up."""
        self._peers = peers
        self._backoff = backoff
        self._most = most
        self._clock = clock
        # In the order in which they landed.
        self._wanted: dict[bytes, Want] = {}
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[bytes], None]] = []
        for report in reversed(journal.reports.last(most)):
            self.landed(report)

    @property
    def missing(self) -> int:
        """How many landed artworks are not known to be whole."""
        return len(self._wanted)

    def landed(self, report: Landed) -> None:
        """Look after the artworks of a report that landed."""
        if not any(report.content_root) or report.content_root in self._wanted:
            return
        self._wanted[report.content_root] = Want()
        while len(self._wanted) > self._most:
            oldest = next(iter(self._wanted))
            del self._wanted[oldest]
            log.warning("artworks given up, too many are missing", root=oldest.hex())
        self._changed.set()

    def listen(self, listener: Callable[[bytes], None]) -> None:
        """Call `listener` with each content root once all of it is in the store."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Fetch what is missing until cancelled."""
        while True:
            self._changed.clear()
            again = await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if again is None else max(0.0, again - self._clock())):
                    await self._changed.wait()

    async def look(self) -> float | None:
        """Try once what is due; return when to try again, None while nothing is missing."""
        for root, want in list(self._wanted.items()):
            if want.at <= self._clock() and root in self._wanted:
                await self._try(root, want)
        return min((want.at for want in self._wanted.values()), default=None)

    async def _try(self, root: bytes, want: Want) -> None:
        try:
            fetched = await self.fetch(root)
        except ContentError as error:
            wait = self._backoff.delay(want.failures)
            want.failures += 1
            want.at = self._clock() + wait
            log.debug("artworks not whole yet", root=root.hex(), error=str(error), again_in_s=round(wait, 1))
        else:
            self._wanted.pop(root, None)
            if fetched:
                log.info("artworks fetched from peers", root=root.hex(), blocks=fetched)
            for listener in self._listeners:
                listener(root)

    async def fetch(self, root: bytes) -> int:
        """Bring every block under a directory's 32-byte digest into the store; return how many were not there.

        Raises:
            ContentError: a block is to be had nowhere, is malformed, or there are too many of them.
        """
        waiting, seen, fetched = [Cid(DAG_PB, root)], {root}, 0
        while waiting:
            cid = waiting.pop()
            fetched += not self._peers.has(cid.digest)
            block = await self._peers.block(cid.digest)
            if cid.codec != DAG_PB:
                continue
            fresh = [link.cid for link in links(block) if link.cid.digest not in seen]
            seen.update(one.digest for one in fresh)
            waiting += fresh
            if len(seen) > MAX_BLOCKS:
                raise ContentError(f"more than {MAX_BLOCKS} blocks under {raw_cid(root)}")
        return fetched
