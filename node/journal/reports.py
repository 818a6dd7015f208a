"""What took effect on chain: landed reports, and the content root of each edition over time."""

from __future__ import annotations

from dataclasses import dataclass, fields

from node.chain.types import Landed
from node.errors import JournalError
from node.journal.store import Row, Store

_COLUMNS = tuple(field.name for field in fields(Landed))
# The table's columns stand in the order of Landed's fields.
_INSERT = "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class Reports:
    """Reports that the final chain holds, one per (feed, checkpoint)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, landed: Landed) -> bool:
        """Store a final report; False when it was there, JournalError when another one was."""
        values = [getattr(landed, name) for name in _COLUMNS]
        values[_COLUMNS.index("answer")] = str(landed.answer)
        with self._store.transaction():
            if self._store.execute(_INSERT, values):
                return True
            known = self.get(landed.feed, landed.checkpoint)
            if known != landed:
                raise JournalError(
                    f"feed {landed.feed}, checkpoint {landed.checkpoint}: a final report changed from "
                    f"{known} to {landed}; an endpoint is wrong or the chain reorganised past finality"
                )
        return False

    def get(self, feed: int, checkpoint: int) -> Landed | None:
        """The report of one checkpoint, if one landed."""
        row = self._store.row("SELECT * FROM reports WHERE feed = ? AND checkpoint = ?", (feed, checkpoint))
        return None if row is None else _landed(row)

    def of(self, feed: int, count: int = 1_000) -> list[Landed]:
        """The latest `count` reports of a feed, newest first."""
        rows = self._store.rows("SELECT * FROM reports WHERE feed = ? ORDER BY checkpoint DESC LIMIT ?", (feed, count))
        return [_landed(row) for row in rows]

    def last(self, count: int) -> list[Landed]:
        """The latest `count` reports of all feeds, newest first."""
        rows = self._store.rows("SELECT * FROM reports ORDER BY block_number DESC, log_index DESC LIMIT ?", (count,))
        return [_landed(row) for row in rows]

    def between(self, first: int, last: int) -> list[Landed]:
        """The reports of all feeds that landed in these blocks, both included, in the order of the chain."""
        sql = "SELECT * FROM reports WHERE block_number BETWEEN ? AND ? ORDER BY block_number, log_index"
        return [_landed(row) for row in self._store.rows(sql, (first, last))]


@dataclass(frozen=True, slots=True)
class ArtworkRow:
    """From `checkpoint` on the edition shows the directory with this 32-byte content root."""

    collection: str
    edition: int
    checkpoint: int
    root: bytes


class Artworks:
    """The content history of every edition."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, collection: str, edition: int, checkpoint: int, root: bytes) -> None:
        """Note a root; repeated calls with the same root are harmless, another root a JournalError."""
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO artworks VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (collection, edition, checkpoint, root),
            )
            row = self._store.row(
                "SELECT root FROM artworks WHERE collection = ? AND edition = ? AND checkpoint = ?",
                (collection, edition, checkpoint),
            )
            if row is None or row["root"] != root:
                raise JournalError(f"{collection}, edition {edition}, checkpoint {checkpoint}: two content roots")

    def current(self, collection: str, edition: int) -> ArtworkRow | None:
        """What the edition shows now, as far as this node has seen."""
        found = self._history(collection, edition, "DESC LIMIT 1")
        return found[0] if found else None

    def history(self, collection: str, edition: int) -> list[ArtworkRow]:
        """All roots of an edition, oldest first."""
        return self._history(collection, edition, "ASC")

    def _history(self, collection: str, edition: int, order: str) -> list[ArtworkRow]:
        rows = self._store.rows(
            f"SELECT * FROM artworks WHERE collection = ? AND edition = ? ORDER BY checkpoint {order}",  # noqa: S608 - a constant
            (collection, edition),
        )
        return [ArtworkRow(**row) for row in rows]


def _landed(row: Row) -> Landed:
    return Landed(**{**row, "answer": int(row["answer"])})
