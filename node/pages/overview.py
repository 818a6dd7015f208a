"""What the operator's page shows of this node: its figures, with what only its operator is to know."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Set
from typing import TYPE_CHECKING, Any, Final

import structlog

from node.config.text import shown
from node.keys.redaction import redactor
from node.log.book import Logbook, logbook
from node.settings import fees
from node.status.figures import reasons, status
from node.status.reasons import explained
from node.status.transactions import describe

if TYPE_CHECKING:
    from node.parts import Parts
    from node.status.transactions import Described
    from node.web.doors import Doors

TRANSACTIONS: Final = 25
"""Transactions that are shown, the latest ones."""
STUCK: Final = 3
"""Times `transmit.resend_after_ms` after which a transaction that is not mined counts as stuck."""
NOTICES: Final = 30
LANDED: Final = 500
"""Reports among which one is looked for that made a transaction of this node's needless, the latest ones."""
_REPORT: Final = re.compile(r"report [0-9a-f]{8} ([0-9]+) ([0-9]+) .+")

log = structlog.get_logger("web")


class Overview:
    """Puts the figures together at each call; nothing in it waits, and a part that fails leaves the others alone."""

    def __init__(
        self,
        parts: Parts,
        doors: Doors,
        *,
        book: Logbook = logbook,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        version: str = "",
    ) -> None:
        self._parts = parts
        self._doors = doors
        self._book = book
        self._clock = clock
        self._wall = wall
        self._version = version
        self._started = clock()
        self._failed: set[str] = set()

    def overview(self) -> dict[str, Any]:
        """The node's figures; texts that may hold a secret by now are masked once more."""
        parts = self._parts
        found = dict(status(parts))
        for name, section in (
            ("reasons", self._reasons),
            ("transactions", self._transactions),
            ("fees", self._fees),
            ("journal", self._journal),
            ("alerts", lambda: self._parts.notices.recent(NOTICES)),
            ("visitors", self._doors.status),
        ):
            found[name] = self._tried(name, section)
        found["version"] = self._version
        found["up_s"] = int(self._clock() - self._started)
        found["now"] = int(self._wall())
        return {name: _masked(section) for name, section in found.items()}

    def configuration(self) -> dict[str, Any]:
        """Every setting in force, secrets masked."""
        return {"path": str(self._parts.config.path), "settings": _masked(shown(self._parts.config))}

    def lines(self, since: int) -> tuple[int, list[dict[str, Any]]]:
        """Log lines after the first `since`, and how many there were by now."""
        return self._book.since(since)

    def _tried(self, name: str, section: Callable[[], Any]) -> Any:
        try:
            return section()
        except Exception as error:
            if name not in self._failed:
                self._failed.add(name)
                log.error("not shown on the operator's page", section=name, exc_info=error)
            return None

    def _reasons(self) -> list[dict[str, str]]:
        return [
            {"code": each.code, "meaning": each.meaning, "remedy": each.remedy, "urgency": each.urgency}
            for each in explained(reasons(self._parts))
        ]

    def _transactions(self) -> list[dict[str, Any]]:
        parts, offers = self._parts, fees(self._parts.config)
        described = describe(parts.journal, parts.journal.transactions.last(TRANSACTIONS), offers, self._wall())
        landed: set[tuple[int, int]] = set()
        if any(_in_vain(one) for one in described):
            reports = parts.landings.pending() + parts.journal.reports.last(LANDED)
            landed = {(each.feed, each.checkpoint) for each in reports}
        return [
            one.document() | {"stuck": _stuck(one, offers.resend_after), "overtaken": _overtaken(one, landed)}
            for one in described
        ]

    def _fees(self) -> dict[str, Any]:
        chosen = self._parts.config.transmit
        return {
            "enabled": chosen.enabled,
            "max_fee": str(chosen.max_fee),
            "priority_fee": str(chosen.priority_fee),
            "low_balance": str(chosen.low_balance),
        }

    def _journal(self) -> dict[str, Any]:
        parts = self._parts
        return {
            "path": str(parts.journal.path),
            "error": parts.health.journal_error,
            "doubts": len(parts.journal.protection.doubts()),
            "open_rounds": len(parts.journal.rounds.unfinished()),
            "counters": parts.journal.counters.all(),
        }


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redactor.redact(value)
    if isinstance(value, dict):
        return {str(name): _masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return value


def _stuck(one: Described, resend_after: float) -> bool:
    return one.row.state in ("signed", "sent") and one.age is not None and one.age > STUCK * resend_after


def _in_vain(one: Described) -> bool:
    return one.row.succeeded is False or one.row.state == "cancelled"


def _overtaken(one: Described, landed: Set[tuple[int, int]]) -> bool:
    """Whether a report came to nothing because another node's was first: nobody need do anything about that."""
    found = _REPORT.fullmatch(one.row.key)
    return _in_vain(one) and found is not None and (int(found[1]), int(found[2])) in landed
