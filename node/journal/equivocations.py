"""What members signed, and every proof that one of them signed two reports for one view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from node.journal.store import Row, Store

EvidenceState = Literal["found", "sent", "over"]
KEPT_ROUNDS: Final = 128
"""Rounds of a feed that are over whose first signatures are kept, the latest ones: whoever signs another report of one
of them later is found out still. With 31 members they take some 2 MB for each feed."""
_FORGET: Final = (
    "DELETE FROM heard WHERE feed = ?1 AND checkpoint < (SELECT DISTINCT checkpoint FROM heard"
    " WHERE feed = ?1 AND checkpoint < ?2 ORDER BY checkpoint DESC LIMIT 1 OFFSET ?3)"
)


@dataclass(frozen=True, slots=True)
class HeardRow:
    """A member's first signature for a view: `statement` is 256 bytes, eight words of an ABI encoding."""

    config: bytes
    feed: int
    checkpoint: int
    view: int
    signer: str
    statement: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Two statements (256 bytes each) of one signer for one view, with its signatures (64 bytes each).

    *found*; *sent* to the staking contract; or *over*: nothing is left to do about it, for what `note` says.
    """

    config: bytes
    feed: int
    checkpoint: int
    view: int
    signer: str
    first: bytes
    first_signature: bytes
    second: bytes
    second_signature: bytes
    state: EvidenceState = "found"
    note: str = ""


class Equivocations:
    """First signatures are kept while their round is open and for a while after it, evidence for good."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def hear(self, rows: Iterable[HeardRow]) -> None:
        """Keep first signatures, all in one transaction; where one is kept already it stays."""
        with self._store.transaction():
            for row in rows:
                self._store.execute(
                    "INSERT INTO heard VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (row.config, row.feed, row.checkpoint, row.view, row.signer, row.statement, row.signature),
                )

    def first(self, config: bytes, feed: int, checkpoint: int, view: int, signer: str) -> HeardRow | None:
        """The first signature of a member for a view, if it is kept."""
        if max(feed, checkpoint) >= 1 << 63:
            return None  # no round of this node's has such a number
        row = self._store.row(
            "SELECT * FROM heard WHERE config = ? AND feed = ? AND checkpoint = ? AND view = ? AND signer = ?",
            (config, feed, checkpoint, view, signer),
        )
        return None if row is None else HeardRow(**row)

    def of_round(self, config: bytes, feed: int, checkpoint: int) -> list[HeardRow]:
        """The first signatures of all members for all views of a round, as far as they are kept."""
        sql = "SELECT * FROM heard WHERE config = ? AND feed = ? AND checkpoint = ?"
        return [HeardRow(**row) for row in self._store.rows(sql, (config, feed, checkpoint))]

    def forget(self, feed: int, before: int, *, keep: int = KEPT_ROUNDS) -> None:
        """Of the feed's rounds before this block, which are over for good, let go of all but the latest `keep`."""
        self._store.execute(_FORGET, (feed, before, keep - 1))

    def add(self, row: EvidenceRow) -> bool:
        """Keep evidence durably; False where some for this signer and view is kept."""
        return bool(
            self._store.execute(
                "INSERT INTO evidence (config, feed, checkpoint, view, signer, first, first_signature, second,"
                " second_signature, state, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    *(row.config, str(row.feed), str(row.checkpoint), row.view, row.signer),
                    *(row.first, row.first_signature, row.second, row.second_signature, row.state, row.note),
                ),
            )
        )

    def all(self) -> list[EvidenceRow]:
        """All evidence, oldest first."""
        return [_evidence(row) for row in self._store.rows("SELECT * FROM evidence ORDER BY id")]

    def after(self, known: int) -> list[tuple[int, EvidenceRow]]:
        """Evidence that came after the piece with this number, each with its own, oldest first."""
        rows = self._store.rows("SELECT * FROM evidence WHERE id > ? ORDER BY id", (known,))
        return [(int(row["id"]), _evidence(row)) for row in rows]

    def mark(self, row: EvidenceRow, state: EvidenceState, note: str) -> None:
        """Note what became of a piece of evidence."""
        self._store.execute(
            "UPDATE evidence SET state = ?, note = ?"
            " WHERE config = ? AND signer = ? AND feed = ? AND checkpoint = ? AND view = ?",
            (state, note, row.config, row.signer, str(row.feed), str(row.checkpoint), row.view),
        )


def _evidence(row: Row) -> EvidenceRow:
    values = {name: value for name, value in row.items() if name != "id"}
    return EvidenceRow(**{**values, "feed": int(row["feed"]), "checkpoint": int(row["checkpoint"])})
