"""What the operator is told: notices, who has yet to take them, which troubles stand, and how far events were told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from node.journal.store import Row, Store

KEPT: Final = 500
"""Notices that are kept, whether they were taken or not."""

Phase = Literal["event", "begun", "over"]


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice: `at` is Unix time in ms, `detail` a sentence with its figures; `id` is 0 before it is kept."""

    at: int
    code: str
    level: str
    phase: Phase
    detail: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class TroubleRow:
    """A trouble that was told to have begun, and not to be over."""

    code: str
    subject: str
    detail: str


class Notices:
    """The last KEPT notices, and a row for each target that has yet to take one of them. No target's URL is here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, notice: NoticeRow, targets: Iterable[str]) -> int:
        """Keep a notice for these targets, by name; return its id."""
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO notices (at, code, level, phase, detail) VALUES (?, ?, ?, ?, ?)",
                (notice.at, notice.code, notice.level, notice.phase, notice.detail),
            )
            (row,) = self._store.rows("SELECT max(id) AS id FROM notices")
            for target in targets:
                self._store.execute("INSERT INTO undelivered VALUES (?, ?)", (row["id"], target))
            old = (int(row["id"]) - KEPT,)
            self._store.execute("DELETE FROM undelivered WHERE notice <= ?", old)
            self._store.execute("DELETE FROM notices WHERE id <= ?", old)
        return int(row["id"])

    def last(self, count: int = KEPT) -> list[NoticeRow]:
        """The latest notices, newest first."""
        return [_notice(row) for row in self._store.rows("SELECT * FROM notices ORDER BY id DESC LIMIT ?", (count,))]

    def waiting(self, target: str) -> list[NoticeRow]:
        """The notices that a target has yet to take, oldest first."""
        sql = "SELECT n.* FROM undelivered AS u JOIN notices AS n ON n.id = u.notice WHERE u.target = ? ORDER BY n.id"
        return [_notice(row) for row in self._store.rows(sql, (target,))]

    def undelivered(self) -> dict[int, list[str]]:
        """The names of the targets that have yet to take a notice, by its id."""
        found: dict[int, list[str]] = {}
        for row in self._store.rows("SELECT * FROM undelivered ORDER BY notice, target"):
            found.setdefault(int(row["notice"]), []).append(row["target"])
        return found

    def taken(self, target: str, notices: Iterable[int]) -> None:
        """Note that a target took these notices."""
        with self._store.transaction():
            for notice in notices:
                self._store.execute("DELETE FROM undelivered WHERE notice = ? AND target = ?", (notice, target))

    def only(self, targets: Iterable[str]) -> None:
        """Let go of what waits for targets that there are no more."""
        kept = set(targets)
        for row in self._store.rows("SELECT DISTINCT target FROM undelivered"):
            if row["target"] not in kept:
                self._store.execute("DELETE FROM undelivered WHERE target = ?", (row["target"],))

    def troubles(self) -> list[TroubleRow]:
        """Every trouble that stands."""
        return [TroubleRow(**row) for row in self._store.rows("SELECT * FROM troubles")]

    def begun(self, trouble: TroubleRow) -> None:
        """Note that a trouble stands."""
        self._store.execute(
            "INSERT INTO troubles VALUES (?, ?, ?) ON CONFLICT (code, subject) DO UPDATE SET detail = excluded.detail",
            (trouble.code, trouble.subject, trouble.detail),
        )

    def over(self, code: str, subject: str) -> None:
        """Note that a trouble stands no more."""
        self._store.execute("DELETE FROM troubles WHERE code = ? AND subject = ?", (code, subject))

    def until(self, name: str) -> int | None:
        """How far events of one kind were told; None before the first look."""
        row = self._store.row("SELECT until FROM told WHERE name = ?", (name,))
        return None if row is None else int(row["until"])

    def tell_until(self, name: str, until: int) -> None:
        """Note how far events of one kind were told."""
        sql = "INSERT INTO told VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET until = excluded.until"
        self._store.execute(sql, (name, until))


def _notice(row: Row) -> NoticeRow:
    return NoticeRow(row["at"], row["code"], row["level"], row["phase"], row["detail"], row["id"])
