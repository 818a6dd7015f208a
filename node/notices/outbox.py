"""What is told and who has yet to take it: durable where the journal takes it, and in memory for as long as not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from node.errors import JournalError
from node.journal.notices import KEPT, NoticeRow, TroubleRow
from node.notices.kinds import at_least
from node.notices.troubles import Found

if TYPE_CHECKING:
    from node.journal import Journal
    from node.notices.targets import Target

MAX_UNKEPT: Final = 100
"""Notices that wait in memory for a journal that takes nothing."""

Row = TypeVar("Row")

log = structlog.get_logger("notices")


class Outbox:
    """Keeps notices in the journal. While that takes no writes, which is itself a trouble worth telling, notices wait
    here with ids below 0, and move to the journal once it takes them."""

    def __init__(self, journal: Journal, targets: Sequence[Target], mute: Iterable[str]) -> None:
        self._rows = journal.notices
        self._journal = journal
        self._targets = targets
        self._mute = frozenset(mute)
        self._unkept: list[tuple[NoticeRow, set[str]]] = []
        self._next = -1
        self._later: list[Callable[[], object]] = []
        self.failing = False
        """Whether the journal refused the last write."""

    def add(self, notice: NoticeRow) -> None:
        """Keep a notice for every target whose level it reaches; for nobody where its code is muted."""
        takers = self._takers(notice)
        if not self._write(lambda: self._rows.add(notice, takers)):
            self._unkept = [*self._unkept, (replace(notice, id=self._next), takers)][-MAX_UNKEPT:]
            self._next -= 1

    def settle(self) -> None:
        """Move to the journal what waits in memory, if it takes writes again."""
        while self._later:
            if not self._write(self._later[0]):
                return
            del self._later[0]
        while self._unkept:
            notice, takers = self._unkept[0]
            if not self._write(partial(self._rows.add, notice, takers)):
                return
            del self._unkept[0]

    def waiting(self, target: str) -> list[NoticeRow]:
        """Return what a target has yet to take, oldest first."""
        kept = self._read(lambda: self._rows.waiting(target))
        return [*kept, *(notice for notice, takers in self._unkept if target in takers)]

    def taken(self, target: str, notices: Iterable[int]) -> bool:
        """Note that a target took these; False where the journal cannot keep that, so that they are told again."""
        ids = set(notices)
        for notice, takers in self._unkept:
            if notice.id in ids:
                takers.discard(target)
        kept = [one for one in ids if one > 0]
        return not kept or self._write(lambda: self._rows.taken(target, kept))

    def last(self, count: int = KEPT) -> list[NoticeRow]:
        """Return the latest notices, newest first."""
        unkept = [notice for notice, _ in reversed(self._unkept)]
        return [*unkept, *self._read(lambda: self._rows.last(count))][:count]

    def undelivered(self) -> dict[int, list[str]]:
        """Return the names of the targets that have yet to take a notice, by its id."""
        found = dict(self._read(lambda: [*self._rows.undelivered().items()]))
        return found | {notice.id: sorted(takers) for notice, takers in self._unkept if takers}

    def begun(self, found: Found, notice: NoticeRow) -> None:
        """Keep that a trouble stands, with its notice."""
        self._surely(lambda: self._rows.begun(TroubleRow(found.code, found.subject, found.detail)))
        self.add(notice)

    def over(self, found: Found, notice: NoticeRow) -> None:
        """Keep that a trouble stands no more, with its notice."""
        self._surely(lambda: self._rows.over(found.code, found.subject))
        self.add(notice)

    def standing(self) -> list[Found]:
        """Return the troubles that were told to have begun, and not to be over."""
        return [Found(row.code, row.detail, row.subject) for row in self._read(self._rows.troubles)]

    def only_these_targets(self) -> None:
        """Let go of what waits for targets that are configured no more."""
        self._write(lambda: self._rows.only(one.name for one in self._targets))

    def until(self, name: str) -> int | None:
        """Return how far events of one kind were told; None before the first look, or while that cannot be read."""
        found = self._read(lambda: [self._rows.until(name)])
        return found[0] if found else None

    def told(self, name: str, until: int, notices: Sequence[NoticeRow]) -> bool:
        """Keep notices of events together with how far events of that kind were told; False where none is kept."""

        def write() -> None:
            with self._journal.transaction():
                for notice in notices:
                    self._rows.add(notice, self._takers(notice))
                self._rows.tell_until(name, until)

        return self._write(write)

    def _takers(self, notice: NoticeRow) -> set[str]:
        if notice.code in self._mute:
            return set()
        return {one.name for one in self._targets if at_least(notice.level, one.level)}

    def _surely(self, write: Callable[[], object]) -> None:
        if self._later or not self._write(write):
            self._later = [*self._later, write][-MAX_UNKEPT:]

    def _write(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except JournalError as error:
            if not self.failing:
                log.warning("notices not kept, and told from memory meanwhile", error=str(error))
            self.failing = True
            return False
        self.failing = False
        return True

    @staticmethod
    def _read(read: Callable[[], list[Row]]) -> list[Row]:
        try:
            return read()
        except JournalError:
            return []  # whoever reads it for its work says so
