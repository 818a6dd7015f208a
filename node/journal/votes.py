"""This node's votes on chain: one ballot for each (config, feed, checkpoint), known before it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from node.errors import EquivocationError, JournalError
from node.journal.safety.protection import Key, Protection
from node.journal.store import Store


@dataclass(frozen=True, slots=True)
class VoteRow:
    """`ballot` is the 32-byte hash of all that voters have to agree in, as the oracle computes it."""

    config: bytes
    feed: int
    checkpoint: int
    ballot: bytes


class Votes:
    """Rows that are never changed, and go only once a mark stands above them (`Retention.settle`)."""

    def __init__(self, store: Store, protection: Protection) -> None:
        self._store = store
        self._protection = protection

    def cast(self, config: bytes, feed: int, checkpoint: int, ballot: bytes) -> bool:
        """Note the one vote for a round, durably; False when it was noted before.

        Raises:
            EquivocationError: another ballot was noted for the round.
            RefusalError: this node binds itself to nothing in this round.
            JournalError: inside an open transaction, where durability would come only later.
        """
        if self._store.in_transaction:
            raise JournalError("cast() must not run inside a transaction: its row would not be durable yet")
        with self._store.transaction():
            self._protection.check(config, feed, checkpoint)
            known = self.get(config, feed, checkpoint)
            if known is None:
                self._store.execute("INSERT INTO votes VALUES (?, ?, ?, ?)", (config, feed, checkpoint, ballot))
                return True
            if known.ballot != ballot:
                raise EquivocationError(
                    f"feed {feed}, checkpoint {checkpoint}: this node's vote is ballot {known.ballot.hex()}, "
                    f"it does not cast {ballot.hex()}"
                )
        return False

    def adopt(self, config: bytes, feed: int, checkpoint: int, ballot: bytes) -> bool:
        """Note what another copy of this node voted for; False where a vote is held already."""
        sql = "INSERT INTO votes VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        return bool(self._store.execute(sql, (config, feed, checkpoint, ballot)))

    def in_order(self) -> Iterator[tuple[Key, bytes]]:
        """Every vote's round and ballot, by config, feed and checkpoint; see `Store.each`."""
        for row in self._store.each("SELECT * FROM votes ORDER BY config, feed, checkpoint"):
            yield (row["config"], row["feed"], row["checkpoint"]), row["ballot"]

    def all(self) -> list[VoteRow]:
        """Every vote."""
        return [VoteRow(**row) for row in self._store.rows("SELECT * FROM votes")]

    def get(self, config: bytes, feed: int, checkpoint: int) -> VoteRow | None:
        """The vote for one round, if this node cast any."""
        sql = "SELECT * FROM votes WHERE config = ? AND feed = ? AND checkpoint = ?"
        row = self._store.row(sql, (config, feed, checkpoint))
        return None if row is None else VoteRow(**row)
