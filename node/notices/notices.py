"""The part of a node that tells its operator what happens: looks, keeps, delivers, and never stands in the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from node.errors import PatinaError
from node.journal.notices import KEPT, NoticeRow
from node.keys.redaction import redactor
from node.notices.conditions import conditions, crossings, is_known
from node.notices.courier import Courier
from node.notices.delivery import Delivery
from node.notices.kinds import kind
from node.notices.looks import Looks
from node.notices.outbox import Outbox
from node.notices.targets import Target, read_targets
from node.notices.troubles import Troubles
from node.notices.words import text_of, title_of
from node.rounds.driver import milliseconds
from node.rounds.landings import CURSOR

if TYPE_CHECKING:
    from node.config import Config
    from node.journal import Journal
    from node.notices.courier import Carry
    from node.parts import Parts

LOOK_S: Final = 2.0
"""Seconds between two looks at the node's parts."""

log = structlog.get_logger("notices")


class Notices:
    """Built from the configuration; `run(parts)` does the work, and ends with nothing but cancellation."""

    def __init__(
        self, config: Config, journal: Journal, targets: Sequence[Target], *, carry: Carry | None = None
    ) -> None:
        """`carry` hands messages over, by a process each where it is not given."""
        settings = config.notices
        self._config = config
        self._journal = journal
        self._after = settings.after_ms
        self._outbox = Outbox(journal, targets, settings.mute)
        self._carry: Carry = Courier(settings.timeout_ms / 1000) if carry is None else carry
        name = config.node.name
        self._deliveries = [Delivery(name, target, self._outbox, self._carry, settings) for target in targets]
        self._since: int | None = None
        self._failed = ""
        self._troubles: Troubles | None = None

    async def run(self, parts: Parts) -> None:
        """Work until cancelled."""
        looks = Looks(self._config, parts.duty.locator, parts.duty.own)
        self._outbox.only_these_targets()
        async with asyncio.TaskGroup() as group:
            for each in self._deliveries:
                group.create_task(each.run())
            group.create_task(_go_on(looks.run, self._note))
            group.create_task(_go_on(lambda: self._watch(parts, looks), self._note))

    async def _watch(self, parts: Parts, looks: Looks) -> None:
        while True:
            self.look(parts, looks)
            await asyncio.sleep(LOOK_S)

    def _note(self, error: Exception) -> None:
        # Beside the node's work and never in its way; said once, not at every look.
        if self._failed != repr(error):
            self._failed = repr(error)
            log.error("notices not looked after, trying again", error=str(error), exc_info=error)

    def look(self, parts: Parts, looks: Looks) -> None:
        """Take what is the case now, and keep a notice of what has begun, ended or happened since the last look."""
        if self._troubles is None:
            self._troubles = Troubles(self._outbox.standing(), self._after, self._after)
        final = parts.health.final
        if self._since is None and final is not None:
            self._since = final.number
        self._outbox.settle()
        since = self._since if self._since is not None else 2**63
        found = {each.key: each for each in [*conditions(parts, since), *looks.found()]}
        begun, over = self._troubles.look(
            found, milliseconds(), lambda each: looks.knows(each) and is_known(parts, each.code)
        )
        for each in begun:
            self._outbox.begun(each, _notice(each.code, "begun", each.detail))
        for each in over:
            self._outbox.over(each, _notice(each.code, "over", each.detail))
        if final is not None:
            self._tell_landed(final.number)
        self._tell_evidence(parts.address)

    def _tell_landed(self, final: int) -> None:
        until, done = self._outbox.until("landed"), self._journal.cursors.get(CURSOR)
        if until is None:
            # What landed before this node first looked is history, not news.
            self._outbox.told("landed", final if done is None else done, ())
        elif done is not None and done > until:
            told = crossings(self._journal.reports.between(until + 1, done))
            self._outbox.told("landed", done, [_notice("crossing-landed", "event", text) for text in told])

    def _tell_evidence(self, own: str) -> None:
        until = self._outbox.until("evidence") or 0
        fresh = self._journal.equivocations.after(until)
        if fresh:
            rows = [
                _notice(
                    "own-key-signed-twice" if row.signer == own else "evidence-found",
                    "event",
                    f"It is {row.signer}, for feed {row.feed}, checkpoint {row.checkpoint}, view {row.view}.",
                )
                for _, row in fresh
            ]
            self._outbox.told("evidence", fresh[-1][0], rows)

    def recent(self, count: int = 50) -> list[dict[str, Any]]:
        """Return the latest notices, newest first, for the operator's page: JSON values, no secrets."""
        waiting = self._outbox.undelivered()
        return [shown(notice, waiting.get(notice.id, [])) for notice in self._outbox.last(min(count, KEPT))]

    def status(self) -> dict[str, Any]:
        """Return figures for status pages: what stands, and how the targets do; no URLs."""
        waiting = [name for names in self._outbox.undelivered().values() for name in names]
        troubles = [] if self._troubles is None else self._troubles.standing
        return {
            "standing": [{"code": each.code, "subject": each.subject, "detail": each.detail} for each in troubles],
            "targets": [
                {
                    "name": each.target.name,
                    "level": each.target.level,
                    "waiting": waiting.count(each.target.name),
                    "failures": each.failures,
                    "error": each.error,
                    "taken_at": None if each.taken_at is None else _iso(each.taken_at),
                }
                for each in self._deliveries
            ],
        }


def open_notices(config: Config, journal: Journal) -> Notices:
    """Put the part together; targets that cannot be used are told in the log, and keep no node from signing."""
    try:
        targets = read_targets(config)
    except PatinaError as error:
        log.error("notices go nowhere until their targets are mended", error=str(error))
        targets = ()
    return Notices(config, journal, targets)


def shown(notice: NoticeRow, waiting: Sequence[str]) -> dict[str, Any]:
    """Return a notice as JSON values; `waiting` are the names of the targets that have yet to take it."""
    return {
        "id": notice.id,
        "at": _iso(notice.at / 1000),
        "code": notice.code,
        "level": notice.level,
        "phase": notice.phase,
        "title": title_of(notice),
        "text": text_of(notice),
        "runbook": kind(notice.code).runbook,
        "waiting": list(waiting),
    }


def _notice(code: str, phase: Literal["event", "begun", "over"], detail: str) -> NoticeRow:
    # Kept for long, and shown to whoever looks: what became known as secret is masked before, not only on the way out.
    return NoticeRow(time.time_ns() // 1_000_000, code, kind(code).urgency, phase, redactor.redact(detail))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _go_on(work: Callable[[], Any], note: Callable[[Exception], None]) -> None:
    """Do a part's work again after whatever error ended it, so that it ends no other's."""
    while True:
        try:
            await work()
        except Exception as error:
            note(error)
        await asyncio.sleep(LOOK_S)
