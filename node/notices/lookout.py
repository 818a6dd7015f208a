"""Looks at a node's parts and hands on what stands and what happened: beside the node's work, never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog

from node.notices.conditions import conditions, crossings, is_known
from node.notices.looks import Looks
from node.rounds.landings import CURSOR

if TYPE_CHECKING:
    from node.parts import Parts

LOOK_S: Final = 2.0
"""Seconds between two looks at the node's parts."""

log = structlog.get_logger("notices")


class Lookout:
    """Feeds a node's `Notices`; `run` ends with nothing but cancellation."""

    def __init__(self, parts: Parts, looks: Looks | None = None) -> None:
        self._parts = parts
        self._looks = Looks(parts.config, parts.duty.locator, parts.duty.own) if looks is None else looks
        self._since: int | None = None
        """The final block of the first look: what landed before it is not held against this node."""

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._go_on(self._looks.run))
            group.create_task(self._go_on(self._watch))

    def look(self) -> None:
        """Take what is the case now, and what happened since the last look."""
        parts, looks = self._parts, self._looks
        final = parts.health.final
        if self._since is None and final is not None:
            self._since = final.number
        since = self._since if self._since is not None else 2**63
        parts.notices.stand(
            [*conditions(parts, since), *looks.found()],
            lambda each: looks.knows(each) and is_known(parts, each.code),
        )
        if final is not None:
            self._tell_landed(final.number)
        self._tell_evidence()

    def _tell_landed(self, final: int) -> None:
        journal, notices = self._parts.journal, self._parts.notices
        until, done = notices.until("landed"), journal.cursors.get(CURSOR)
        if until is None:
            # What landed before this node first looked is history, not news.
            notices.happened("landed", final if done is None else done, ())
        elif done is not None and done > until:
            told = crossings(journal.reports.between(until + 1, done))
            notices.happened("landed", done, [("crossing-landed", text) for text in told])

    def _tell_evidence(self) -> None:
        journal, notices, own = self._parts.journal, self._parts.notices, self._parts.address
        fresh = journal.equivocations.after(notices.until("evidence") or 0)
        if fresh:
            events = [
                (
                    "own-key-signed-twice" if row.signer == own else "evidence-found",
                    f"It is {row.signer}, for feed {row.feed}, checkpoint {row.checkpoint}, view {row.view}.",
                )
                for _, row in fresh
            ]
            notices.happened("evidence", fresh[-1][0], events)

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    @staticmethod
    async def _go_on(work: Callable[[], Any]) -> None:
        """Do a part's work again after whatever error ended it, so that it ends no other's."""
        said = ""
        while True:
            try:
                await work()
            except Exception as error:
                if said != repr(error):  # once, not at every look
                    said = repr(error)
                    log.error("notices not looked after, trying again", error=str(error), exc_info=error)
            await asyncio.sleep(LOOK_S)
