"""Watches the chain for reports that landed: at the head to end rounds early, final ones into the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.types import Block, Landed
    from node.journal import Journal

CURSOR = "landed"
"""The journal's name for the last final block whose reports are stored."""


class Landings:
    """What has landed, per feed. Final reports are stored once; those in the last blocks are looked up anew
    with every head, so that a reorganisation that drops one is noticed."""

    def __init__(self, chain: Chain, journal: Journal, start: int) -> None:
        self._chain = chain
        self._journal = journal
        self._start = start
        self._recent: list[Landed] = []
        self._told: set[tuple[int, bytes, int, int]] = set()
        self._listeners: list[Callable[[Landed], None]] = []

    def listen(self, listener: Callable[[Landed], None]) -> None:
        """Call `listener` once for each report that landed from now on, possibly before it is final.

        What it writes to the journal is stored together with the cursor, so it must not attest.
        """
        self._listeners.append(listener)

    def last(self, feed: int) -> Landed | None:
        """Return the newest report of the feed that stands on chain."""
        recent = [report for report in self._recent if report.feed == feed]
        final = self._journal.reports.of(feed, 1)
        return max(recent + final, key=lambda report: report.checkpoint, default=None)

    def of(self, feed: int) -> list[Landed]:
        """Return the feed's reports that stand on chain, oldest first."""
        known = {report.checkpoint: report for report in self._journal.reports.of(feed)}
        known.update({report.checkpoint: report for report in self._recent if report.feed == feed})
        return [known[checkpoint] for checkpoint in sorted(known)]

    def block_of_last(self, feed: int) -> int | None:
        """Return the block in which the feed's newest report landed."""
        newest = self.last(feed)
        return None if newest is None else newest.block_number

    async def update(self, final: Block, head: Block) -> None:
        """Bring the picture up to `head`; every block up to `final` is read once, for good.

        Raises:
            ChainError: an endpoint failed; nothing is skipped, the next call reads the same blocks again.
        """
        done = self._journal.cursors.get(CURSOR)
        start = self._start if done is None else done + 1
        settled = await self._chain.landed(start, final.number, final=True) if final.number >= start else []
        # A lagging endpoint may call less final than before: what is stored is not looked up anew.
        after = max(final.number + 1, start)
        recent = await self._chain.landed(after, head.number) if head.number >= after else []
        self._recent = recent
        with self._journal.transaction():
            for report in settled:
                self._journal.reports.add(report)
            for report in (*settled, *recent):
                if _identity(report) not in self._told:
                    for listener in self._listeners:
                        listener(report)
            if final.number >= start:
                self._journal.cursors.set(CURSOR, final.number)
        # Kept until it is final: an endpoint that lags behind the head must not make a report land twice.
        told = self._told.union(map(_identity, recent))
        self._told = {identity for identity in told if identity[0] >= after}


def _identity(report: Landed) -> tuple[int, bytes, int, int]:
    return report.block_number, report.block_hash, report.feed, report.checkpoint
