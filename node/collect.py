"""Fetches artworks that landed and that this node did not paint to their end, so that it can show and serve them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from node.content.cid import DAG_PB, Cid, raw_cid
from node.content.unixfs import links
from node.errors import ContentError

if TYPE_CHECKING:
    from node.chain.types import Landed
    from node.journal import Journal
    from node.peers import Peers

MAX_BLOCKS = 100_000
"""Blocks of one tree that are fetched; an edition has two a token, and its directories."""
RECENT = 200
"""Landed reports whose artworks are looked after at a start."""

log = structlog.get_logger("collect")


class Collector:
    """Looks after every content root that landed, until all its blocks are in the store."""

    def __init__(self, peers: Peers, journal: Journal, *, pause: float = 2.0) -> None:
        """`pause`: seconds between attempts at what no peer had yet."""
        self._peers = peers
        self._pause = pause
        self._missing = {report.content_root for report in journal.reports.last(RECENT) if any(report.content_root)}
        self._wanted = asyncio.Event()
        self._wanted.set()

    @property
    def missing(self) -> int:
        """How many landed artworks are not known to be whole."""
        return len(self._missing)

    def landed(self, report: Landed) -> None:
        """Look after the artworks of a report that landed."""
        if any(report.content_root):
            self._missing.add(report.content_root)
            self._wanted.set()

    async def run(self) -> None:
        """Fetch what is missing until cancelled."""
        while True:
            await self._wanted.wait()
            for root in sorted(self._missing):
                try:
                    fetched = await self.fetch(root)
                except ContentError as error:
                    log.debug("artworks not whole yet", root=root.hex(), error=str(error))
                else:
                    self._missing.discard(root)
                    if fetched:
                        log.info("artworks fetched from peers", root=root.hex(), blocks=fetched)
            if not self._missing:
                self._wanted.clear()
            else:
                await asyncio.sleep(self._pause)

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
