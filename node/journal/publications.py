"""Which artworks have to be brought to which publishing target, and which it has taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from node.journal.store import Row, Store

PublicationState = Literal["waiting", "published", "unwanted", "gone"]
KEPT: Final = 5_000
"""Rows of one target that are kept after nothing is left to do about them; at a start 200 roots are looked up."""

_DUE: Final = "state IN ('waiting', 'unwanted')"
_WANTED: Final = "state IN ('waiting', 'published')"


@dataclass(frozen=True, slots=True)
class PublicationRow:
    """A content root (32 bytes) at one target; `checkpoint` is that of the report under which it landed last.

    *waiting* to be taken; *published*; *unwanted*: to be unpinned; *gone*: unpinned, or never sent.
    """

    target: str
    root: bytes
    feed: int
    checkpoint: int
    state: PublicationState = "waiting"


class Publications:
    """One row for each (target, content root). Targets are known by name alone: no secret is stored."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, targets: Iterable[str], root: bytes, feed: int, checkpoint: int) -> int:
        """Have a root brought to each of `targets`, unless it is there or on its way; return how many rows are new.

        A root that lands again is wanted again, wherever it was unpinned.
        """
        new = 0
        with self._store.transaction():
            for target in targets:
                new += self._store.execute(
                    "INSERT INTO publications (target, root, feed, checkpoint, state) VALUES (?, ?, ?, ?, 'waiting')"
                    " ON CONFLICT (target, root) DO NOTHING",
                    (target, root, feed, checkpoint),
                )
                self._store.execute(
                    "UPDATE publications SET feed = ?, checkpoint = ?, state ="
                    " CASE state WHEN 'unwanted' THEN 'published' WHEN 'gone' THEN 'waiting' ELSE state END"
                    " WHERE target = ? AND root = ? AND checkpoint < ?",
                    (feed, checkpoint, target, root, checkpoint),
                )
        return new

    def keep(self, target: str, feed: int, newest: int) -> int:
        """Want only a feed's newest so many roots at a target; return how many are not wanted any more."""
        sql = (  # constants of our own alone
            "UPDATE publications SET state = CASE state WHEN 'waiting' THEN 'gone' ELSE 'unwanted' END"  # noqa: S608 - constants of our own
            f" WHERE target = ?1 AND feed = ?2 AND {_WANTED} AND checkpoint < (SELECT checkpoint FROM publications"
            f" WHERE target = ?1 AND feed = ?2 AND {_WANTED} ORDER BY checkpoint DESC LIMIT 1 OFFSET ?3)"
        )
        return self._store.execute(sql, (target, feed, newest - 1))

    def due(self, target: str, most: int = 1_000) -> list[PublicationRow]:
        """What is to be done at a target: what landed last comes first, and unpinning at the end."""
        rows = self._store.rows(
            f"SELECT * FROM publications WHERE target = ? AND {_DUE}"  # noqa: S608 - a constant of our own
            " ORDER BY state = 'unwanted', checkpoint DESC, root LIMIT ?",
            (target, most),
        )
        return [_row(row) for row in rows]

    def mark(self, row: PublicationRow, state: PublicationState) -> None:
        """Note what became of a row, unless something else was wanted of it in the meantime: what was published and
        is not wanted any more has to be unpinned."""
        self._store.execute(
            "UPDATE publications SET state = CASE WHEN state = ?1 THEN ?2"
            " WHEN state = 'gone' AND ?2 = 'published' THEN 'unwanted' ELSE state END WHERE target = ?3 AND root = ?4",
            (row.state, state, row.target, row.root),
        )

    def all(self, most: int = 1_000) -> list[PublicationRow]:
        """The rows of all targets, what landed last first."""
        rows = self._store.rows("SELECT * FROM publications ORDER BY checkpoint DESC, target, root LIMIT ?", (most,))
        return [_row(row) for row in rows]

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """How many rows of each target are in each state."""
        found: dict[str, dict[str, int]] = {}
        rows = self._store.rows("SELECT target, state, count(*) AS rows FROM publications GROUP BY target, state")
        for row in rows:
            found.setdefault(row["target"], {})[row["state"]] = row["rows"]
        return found

    def trim(self, target: str, keep: int = KEPT) -> int:
        """Drop the oldest rows of a target about which nothing is left to do; return how many."""
        return self._store.execute(
            f"DELETE FROM publications WHERE target = ?1 AND NOT {_DUE} AND id NOT IN (SELECT id FROM publications"  # noqa: S608
            f" WHERE target = ?1 AND NOT {_DUE} ORDER BY checkpoint DESC, id DESC LIMIT ?2)",
            (target, keep),
        )


def _row(row: Row) -> PublicationRow:
    return PublicationRow(**{name: value for name, value in row.items() if name != "id"})
