"""What a node tells its operator: notices of what stands and what happens, kept until their targets took them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import structlog

from node.clock import milliseconds
from node.errors import PatinaError
from node.journal.notices import KEPT, NoticeRow
from node.keys.redaction import redactor
from node.notices.courier import Courier
from node.notices.delivery import Delivery
from node.notices.kinds import kind
from node.notices.outbox import Outbox
from node.notices.targets import Target, read_targets
from node.notices.troubles import Found, Troubles
from node.notices.words import text_of, title_of

if TYPE_CHECKING:
    from node.config import Config
    from node.journal import Journal
    from node.notices.courier import Carry

log = structlog.get_logger("notices")


class Notices:
    """Takes what the `Lookout` finds; `run` delivers, and ends with nothing but cancellation."""

    def __init__(
        self, config: Config, journal: Journal, targets: Sequence[Target], *, carry: Carry | None = None
    ) -> None:
        """`carry` hands messages over, by a process each where it is not given."""
        settings = config.notices
        self._after = settings.after_ms
        self._outbox = Outbox(journal, targets, settings.mute)
        self._carry: Carry = Courier(settings.timeout_ms / 1000) if carry is None else carry
        name = config.node.name
        self._deliveries = [Delivery(name, target, self._outbox, self._carry, settings) for target in targets]
        self._troubles: Troubles | None = None

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._outbox.only_these_targets()
        async with asyncio.TaskGroup() as group:
            for each in self._deliveries:
                group.create_task(each.run())

    def stand(self, found: Iterable[Found], known: Callable[[Found], bool]) -> None:
        """Take what is the case now, and keep a notice of what has begun or ended since the last time.

        `known` says of a trouble that is not found whether that means that it is gone.
        """
        if self._troubles is None:
            self._troubles = Troubles(self._outbox.standing(), self._after, self._after)
        self._outbox.settle()
        begun, over = self._troubles.look({each.key: each for each in found}, milliseconds(), known)
        for each in begun:
            self._outbox.begun(each, _notice(each.code, "begun", each.detail))
        for each in over:
            self._outbox.over(each, _notice(each.code, "over", each.detail))

    def until(self, kind: str) -> int | None:
        """Return how far events of one kind were told; None before the first, or while that cannot be read."""
        return self._outbox.until(kind)

    def happened(self, kind: str, until: int, events: Iterable[tuple[str, str]]) -> None:
        """Keep a notice of each event, its code and a sentence, together with how far events of that kind were told."""
        self._outbox.told(kind, until, [_notice(code, "event", detail) for code, detail in events])

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
