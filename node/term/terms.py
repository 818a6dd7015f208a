"""How one term follows another: begun at final blocks, gone on with side by side for a while, ended in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import structlog

from node.chain.configurations import Configuration
from node.errors import ConfigError
from node.journal.configurations import VACANT
from node.term.record import record
from node.term.standby import why_no_seat
from node.term.tally import Tally

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.agreement.effects import Trigger
    from node.artworks.paint import Paint
    from node.chain.client import Chain
    from node.chain.types import Block, Landed
    from node.journal import Journal
    from node.term.term import Term

ASK_AGAIN: Final = 300
"""Seconds of block time after which whoever decides on seats is asked again why there is none."""

log = structlog.get_logger("term")


class Terms:
    """The terms under way: of the configuration in force, and of the one before it while its reports land.

    A round belongs to the configuration that was in force at its checkpoint, so that all nodes begin it in the same
    one, whenever each learns of a change. Where this node has no seat in that, it takes no part in the round. Without
    a seat in what is in force it stands by.
    """

    def __init__(
        self,
        chain: Chain,
        journal: Journal,
        chain_id: int,
        signer: str,
        opening: Callable[[Committee, int], Term],
        why: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """`signer`: this node's address (EIP-55); `opening`: makes the term of a seat, which does not run yet; `why`:
        asks whoever decides on seats why this node has none, in words, empty where that is not known."""
        self._chain = chain
        self._journal = journal
        self._chain_id = chain_id
        self._signer = signer
        self._opening = opening
        self._ask = why
        self._told = ""
        self._asked_at: int | None = None
        self._terms: dict[bytes, Term] = {}
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._found = Configuration(VACANT, 0, VACANT, 0)
        self._looked: int | None = None
        self._over: set[bytes] = set()
        self._fault = ""
        self._said: str | None = None
        self._ended = Tally()
        self.standby: str | None = "the chain has not been read yet"
        """Why this node has no term in force, in words; None when it has."""

    @property
    def current(self) -> Term | None:
        """The term of the configuration in force, if this node has a seat in it."""
        return self._terms.get(self._found.config_digest)

    @property
    def all(self) -> list[Term]:
        """Every term under way, the one in force first."""
        return sorted(self._terms.values(), key=lambda term: not term.in_force)

    @property
    def until(self) -> int:
        """The block time (s) from which reports under the configuration before the one in force are refused."""
        return self._found.until

    @property
    def fault(self) -> str:
        """Why a seat could not be taken; empty when nothing is wrong."""
        return self._fault

    def tally(self) -> Tally:
        """Return what was counted in all terms, those that have ended too."""
        found = Tally()
        found.add(self._ended)
        for term in self._terms.values():
            found.take(term)
        return found

    def committee(self) -> Committee | None:
        """Return the committee in force, this node among it or not."""
        return self._committee(self._found.config_digest)

    async def run(self) -> None:
        """Let every term work, those that are opened later too, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for term in self._terms.values():
                self._start(term)
            await asyncio.Event().wait()

    async def look(self, final: Block) -> None:
        """Open and end terms, as a final block has it. What is noted first is the journal's record of what changed.

        Raises:
            ChainError: the chain cannot be read; nothing is changed.
            JournalUnwritableError: nothing was stored; the next look does it all again.
            ConfigError: before `run`, that a seat cannot be taken.
        """
        if self._looked is not None and final.number < self._looked:
            return  # an endpoint that lags: what a later final block said stands
        found = await self._chain.configuration(final)
        before = None if self._looked is None else (self._looked, self._found)
        await record(self._chain, self._journal, final, found, before)
        current, previous = found.config_digest, found.previous_digest
        overlaps = previous != current and found.overlaps(final.timestamp)
        for term in self.all:
            if term.config != current and not (overlaps and term.config == previous):
                self._give_up(term)
                await self._end(term, "its reports are refused from now on")
        changed, self._found, self._looked = found != self._found, found, final.number
        self._over -= {current}
        self._fault = ""
        if overlaps and previous not in self._over:
            self._serve(previous, in_force=False)
        self._serve(current, in_force=True)
        self.standby = self._why()
        await self._find_out(final, changed)
        self.standby = self._why()
        if self.standby != self._said:
            self._say()

    async def handled(self) -> None:
        """End the term before the one in force if nothing of it is open any more.

        To be called when every checkpoint up to the last look's block has been handled.
        """
        for term in self.all:
            if not term.in_force and not self._open_rounds(term.config):
                self._over.add(term.config)
                await self._end(term, "nothing of it is open any more")

    def takes_part(self, checkpoint: int) -> bool:
        """Say whether this node may enter a round of a checkpoint."""
        return self._of(checkpoint) is not None

    async def begin(self, trigger: Trigger, paint: Paint) -> None:
        """Enter a round in the term that its checkpoint belongs to; without a seat there, it is over."""
        term = self._of(trigger.checkpoint)
        if term is None:
            log.info("round left to others, no seat", feed=trigger.feed, checkpoint=trigger.checkpoint)
            self._journal.rounds.finish(trigger.feed, trigger.checkpoint, "abandoned")
            return
        await term.voter.begin(trigger, paint)

    def in_flight(self, feed: int) -> int | None:
        """Return the newest checkpoint of the feed's open rounds in the term in force, or None.

        Those of the term before do not count: who was seated since knows nothing of them.
        """
        return None if self.current is None else self.current.voter.in_flight(feed)

    @property
    def open_rounds(self) -> set[tuple[int, int]]:
        """The (feed, checkpoint) of every round under way, in whichever term."""
        return {(status.key.feed, status.key.checkpoint) for term in self.all for status in term.rounds.status()}

    def progressed(self, feed: int) -> None:
        """A picture of the feed's was drawn or compared."""
        for term in self.all:
            term.rounds.progressed(feed)

    def landed(self, report: Landed) -> None:
        """End the rounds that a landed report has overtaken, whichever committee signed it."""
        for term in self.all:
            term.rounds.landed(report)
            term.voter.landed(report)

    def settled(self, report: Landed) -> None:
        """Note what a final report has ended, in a term or in none."""
        self._journal.settled(report)
        for term in self.all:
            term.verifier.settled(report.feed, report.block_number - 1)

    def undone(self, report: Landed) -> None:
        """Let the rounds begin again that a report had ended which a reorganisation took back."""
        for term in self.all:
            term.rounds.undone(report)

    def seat(self, config: bytes) -> int | None:
        """Return this node's index in the committee of a configuration; None where it has none."""
        return self._journal.configurations.seat(config, self._signer)

    def _of(self, checkpoint: int) -> Term | None:
        return self._terms.get(self._journal.configurations.at(checkpoint))

    def _committee(self, config: bytes) -> Committee | None:
        return self._journal.configurations.committee(config, self._chain_id, self._chain.oracle)

    def _serve(self, config: bytes, *, in_force: bool) -> None:
        """Open the term of a configuration where there is a seat in it, unless it is open, and tell it its place."""
        term, index = self._terms.get(config), self.seat(config)
        if term is None and index is not None:
            term = self._open(config, index)
        if term is not None:
            term.stand(in_force=in_force)

    def _open(self, config: bytes, index: int) -> Term | None:
        committee = self._committee(config)
        if committee is None:
            return None
        try:
            term = self._opening(committee, index)
        except ConfigError as error:
            if self._group is None:
                raise
            # A certificate may be in the middle of being replaced: the next look tries again.
            self._fault = str(error)
            log.error("seat not taken, trying again", config=config.hex(), error=self._fault)
            return None
        self._terms[config] = term
        if self._group is not None:
            self._start(term)
        log.info("term begins", config=config.hex(), member=index, committee=committee.n, quorum=committee.quorum)
        return term

    def _start(self, term: Term) -> None:
        if self._group is None:
            raise RuntimeError("terms work inside run() only")
        self._tasks[term.config] = self._group.create_task(term.run())

    def _open_rounds(self, config: bytes) -> list[tuple[int, int]]:
        rows = self._journal.rounds.unfinished()
        at = self._journal.configurations.at
        return [(row.feed, row.checkpoint) for row in rows if at(row.checkpoint) == config]

    def _give_up(self, term: Term) -> None:
        """Close in the journal what a term leaves open: no report of it lands any more."""
        with self._journal.transaction():
            for feed, checkpoint in self._open_rounds(term.config):
                log.warning("round given up, its configuration is over", feed=feed, checkpoint=checkpoint)
                self._journal.rounds.finish(feed, checkpoint, "abandoned")
                self._journal.pictures.forget(feed, checkpoint)

    async def _end(self, term: Term, why: str) -> None:
        del self._terms[term.config]
        self._ended.take(term)
        task = self._tasks.pop(term.config, None)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        log.info("term ends", config=term.config.hex(), why=why)

    async def _find_out(self, final: Block, changed: bool) -> None:
        """Ask why there is no seat, when that may have changed."""
        if self.current is not None or self._ask is None:
            self._told, self._asked_at = "", None
        elif changed or self._asked_at is None or final.timestamp >= self._asked_at + ASK_AGAIN:
            self._told, self._asked_at = await self._ask(), final.timestamp

    def _why(self) -> str | None:
        if self.current is not None:
            return None
        why = why_no_seat(self._journal, self._found.config_digest, self._signer, self._chain.oracle)
        return self._fault or (f"{why} ({self._told})" if self._told else why)

    def _say(self) -> None:
        if self.standby is not None:
            log.warning("standby", why=self.standby, remedy="patina stake status, if this node is to have a seat")
        elif self._said is not None:
            log.info("seated, working again")
        self._said = self.standby
