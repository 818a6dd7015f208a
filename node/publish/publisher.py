"""Publishes every artwork that landed for good to every target, beside the node's work and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import structlog

from node.backoff import Backoff
from node.errors import PatinaError, printable
from node.publish.line import PENDING, RETRY, Line, State

if TYPE_CHECKING:
    from node.chain.types import Landed
    from node.content.store import BlockStore
    from node.journal import Journal, PublicationRow
    from node.publish.target import Target

CAUGHT_UP: Final = 200
"""Landed artworks that a target which is new, or was away for long, is brought at a start."""

log = structlog.get_logger("publish")


@dataclass(frozen=True, slots=True)
class Place:
    """A target, and how many of a feed's newest paintings stay pinned there (0: all)."""

    target: Target
    keep: int = 0


class Publisher:
    """Keeps a queue in the journal for each target, and one line of work for each of them.

    `settled` belongs to `Landings.settle`: what has to be published is stored together with the cursor, so no crash
    loses any of it, and what landed while the node was down is published when it is read.
    """

    def __init__(
        self,
        places: Sequence[Place],
        journal: Journal,
        store: BlockStore,
        oracle: str,
        *,
        retry: Backoff = RETRY,
        pending: Backoff = PENDING,
    ) -> None:
        self._places = places
        self._journal = journal
        self._oracle = oracle
        rows = journal.publications
        self._lines = [Line(place.target, rows, store, self._name, retry=retry, pending=pending) for place in places]

    def _name(self, row: PublicationRow) -> str:
        return f"{self._oracle} feed {row.feed} checkpoint {row.checkpoint}"

    def settled(self, report: Landed) -> None:
        """Have the artworks of a final report published; called within the journal's transaction."""
        if not self._places or not any(report.content_root):
            return
        self._want([report])
        for line in self._lines:
            line.wake()

    def arrived(self, root: bytes) -> None:
        """All blocks of a content root are in the store now: whoever waits for them need not any longer."""
        for line in self._lines:
            line.arrived(root)

    def _want(self, reports: Sequence[Landed]) -> None:
        rows = self._journal.publications
        for place in self._places:
            for report in reports:
                rows.add([place.target.name], report.content_root, report.feed, report.checkpoint)
            for feed in {report.feed for report in reports} if place.keep else ():
                rows.keep(place.target.name, feed, place.keep)

    def catch_up(self) -> None:
        """Have the last artworks that landed published wherever they are not yet, such as at a target that is new."""
        reports = [report for report in self._journal.reports.last(CAUGHT_UP) if any(report.content_root)]
        with self._journal.transaction():
            self._want(reports)
            for place in self._places:
                self._journal.publications.trim(place.target.name)

    async def run(self) -> None:
        """Publish until cancelled."""
        if not self._places:
            return
        try:
            self.catch_up()
        except PatinaError as error:
            log.warning("publishing begins with what lands from now on", error=str(error))
        async with asyncio.TaskGroup() as group:
            for line in self._lines:
                group.create_task(line.run())

    def states(self) -> list[State]:
        """How each target stands. Nothing raises: where the journal cannot be read, counts are 0."""
        try:
            counts = self._journal.publications.counts()
        except PatinaError:
            counts = {}
        return [line.state(counts.get(line.target.name, {})) for line in self._lines]

    def status(self) -> dict[str, object]:
        """What a status page shows: each target, and how many artworks the one furthest behind has yet to take."""
        states = self.states()
        return {
            "behind": max((state.waiting for state in states), default=0),
            "targets": [asdict(state) for state in states],
        }

    def troubles(self) -> list[tuple[str, str]]:
        """(target, what is wrong in one sentence) for each target that fails; one failure alone is none."""
        return [
            (state.name, f"{state.waiting} artworks wait: {printable(state.error)}.")
            for state in self.states()
            if state.failures > 1 and state.waiting
        ]
