"""Watches the chain for reports that landed: at the head to end rounds early, final ones into the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import structlog

from node.errors import ChainError

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.types import Block, Landed
    from node.journal import Journal

CURSOR = "landed"
"""The journal's name for the last final block whose reports are stored."""
STEP: Final = 10_000
"""Blocks whose reports are stored together: what a long absence has to read is not read again after a failure."""

log = structlog.get_logger("landings")


class Landings:
    """What has landed, per feed. Final reports are stored once; those in the last blocks are looked up anew
    with every head, so that a reorganisation that drops one is noticed. One endpoint is asked for them, and others
    only where it says something new, or nothing any more of what was told of: no endpoint alone can end a round by
    inventing a report, or begin one again by hiding it. One that hides a report from the start delays its news until
    others are asked, when its block is final."""

    def __init__(self, chain: Chain, journal: Journal, start: int, *, step: int = STEP) -> None:
        self._chain = chain
        self._journal = journal
        self._start = start
        self._step = step
        self._recent: list[Landed] = []
        self._told: set[tuple[int, bytes, int, int]] = set()
        self._listeners: list[Callable[[Landed], None]] = []
        self._settlers: list[Callable[[Landed], None]] = []
        self._observers: list[Callable[[Sequence[Landed]], None]] = []
        self._undoers: list[Callable[[Landed], None]] = []
        self.counters: Counter[str] = Counter()
        """Reports told of since the start, by whether the band changed: `yes`, `no`."""
        self.unsure = False
        """Whether the last look found or missed a report that others could not be asked about: look again soon."""

    def listen(self, listener: Callable[[Landed], None]) -> None:
        """Call `listener` once for each report that landed from now on, possibly before it is final.

        It must not write to the journal: what is not final may be taken back, and is told again when it lands again.
        """
        self._listeners.append(listener)

    def settle(self, settler: Callable[[Landed], None]) -> None:
        """Call `settler` for each report once its block is final, after those that `listen`.

        What it writes to the journal is stored together with the cursor, so it must not attest.
        """
        self._settlers.append(settler)

    def observe(self, observer: Callable[[Sequence[Landed]], None]) -> None:
        """Call `observer` with every report in blocks that are not final, at each look; those that one endpoint alone
        has told of so far among them."""
        self._observers.append(observer)

    def undo(self, undoer: Callable[[Landed], None]) -> None:
        """Call `undoer` for each report that was told of and that a reorganisation has dropped: its rounds may have to
        be begun again."""
        self._undoers.append(undoer)

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

    def pending(self) -> list[Landed]:
        """Return the reports that stand in blocks which are not final, oldest first."""
        return list(self._recent)

    def block_of_last(self, feed: int) -> int | None:
        """Return the block in which the feed's newest report landed."""
        newest = self.last(feed)
        return None if newest is None else newest.block_number

    async def update(self, final: Block, head: Block) -> None:
        """Bring the picture up to `head`; every block up to `final` is read once, for good.

        Raises:
            ChainError: an endpoint failed; nothing is skipped, the next call goes on with the blocks that are left.
        """
        done = self._journal.cursors.get(CURSOR)
        start = self._start if done is None else done + 1
        over: set[int] = set()
        while start <= final.number:
            end = min(final.number, start + self._step - 1)
            settled = await self._chain.landed(start, end, final=True)
            self._replace([one for one in self._recent if start <= one.block_number <= end], settled)
            with self._journal.transaction():
                for report in settled:
                    self._journal.reports.add(report)
                    self._tell(report)
                    for settler in self._settlers:
                        settler(report)
                self._journal.cursors.set(CURSOR, end)
            # From here on the journal answers for these blocks.
            self._recent = [one for one in self._recent if one.block_number > end]
            self._told |= {_identity(report) for report in settled}
            over |= {report.feed for report in settled}
            start = end + 1
        # A lagging endpoint may call less final than before: what is stored is not looked up anew.
        after = max(final.number + 1, start)
        recent = await self._chain.landed(after, head.number) if head.number >= after else []
        known = [one for one in self._recent if after <= one.block_number <= head.number]
        recent, pending = await self._witnessed(known, recent)
        self._replace(known, recent)
        # One that lags behind the head does not make a report land twice: what it does not reach still stands.
        self._recent = recent + [one for one in self._recent if one.block_number > head.number]
        for report in recent:
            self._tell(report)
        for observer in self._observers:
            observer(self._recent + pending)
        if over:
            # Last: what was read cast its doubt on the journal, if any, before the journal lets go of anything.
            self._journal.retention.settle(sorted(over), start - 1)
            self._journal.retention.transactions()
        self._told = {identity for identity in self._told if identity[0] >= after} | set(map(_identity, self._recent))

    async def _witnessed(self, known: list[Landed], said: list[Landed]) -> tuple[list[Landed], list[Landed]]:
        """Return what is believed of what one endpoint says, and what nobody else could be asked about yet."""
        fresh = [report for report in said if _identity(report) not in self._told]
        standing = set(map(_identity, said))
        gone = [report for report in known if _identity(report) not in standing]
        self.unsure = False
        if not fresh and not gone:
            return said, []
        blocks = [report.block_number for report in fresh + gone]
        try:
            agreed = await self._chain.landed(min(blocks), max(blocks), final=True)
        except ChainError as error:
            log.info("not believed yet", new=len(fresh), gone=len(gone), blocks=sorted(set(blocks)), why=str(error))
            self.unsure = True
            return _in_order([report for report in said if report not in fresh] + gone), fresh
        outside = [report for report in said if not min(blocks) <= report.block_number <= max(blocks)]
        return _in_order(outside + agreed), []

    def _tell(self, report: Landed) -> None:
        if _identity(report) not in self._told:
            self.counters["yes" if report.band != report.previous_band else "no"] += 1
            for listener in self._listeners:
                listener(report)

    def _replace(self, before: Sequence[Landed], now: Sequence[Landed]) -> None:
        """Take back what stood in a range of blocks and does not any more."""
        stands = set(map(_identity, now))
        gone = [report for report in before if _identity(report) not in stands]
        self._recent = [report for report in self._recent if report not in gone]
        for report in gone:
            self._told.discard(_identity(report))
            for undoer in self._undoers:
                undoer(report)


def _in_order(reports: Sequence[Landed]) -> list[Landed]:
    return sorted(reports, key=lambda report: (report.block_number, report.log_index))


def _identity(report: Landed) -> tuple[int, bytes, int, int]:
    return report.block_number, report.block_hash, report.feed, report.checkpoint
