"""Pictures that are painted already, by what they were painted from, so that no restart paints them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from node.journal.store import Store

MAX_ROWS: Final = 200_000
"""Rows that are kept; an edition's pictures beyond that would be painted again after a crash."""


class Pictures:
    """From the 32-byte digest of a picture's inputs to the 36-byte CID of its PNG, each for one round."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, key: bytes, cid: bytes, feed: int, checkpoint: int) -> None:
        """Note a picture that is stored; the latest word about a key counts."""
        self._store.execute(
            "INSERT INTO pictures VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "cid = excluded.cid, feed = excluded.feed, checkpoint = excluded.checkpoint",
            (key, cid, feed, checkpoint),
        )

    def find(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The CIDs of those keys that are known."""
        found = {}
        for key in keys:
            row = self._store.row("SELECT cid FROM pictures WHERE key = ?", (key,))
            if row is not None:
                found[key] = row["cid"]
        return found

    def forget(self, feed: int, checkpoint: int) -> int:
        """Drop the pictures of one round, which is over; return how many."""
        return self._store.execute("DELETE FROM pictures WHERE feed = ? AND checkpoint = ?", (feed, checkpoint))

    def forget_before(self, feed: int, checkpoint: int) -> int:
        """Drop the pictures of a feed's rounds before a checkpoint; return how many."""
        return self._store.execute("DELETE FROM pictures WHERE feed = ? AND checkpoint < ?", (feed, checkpoint))

    def trim(self, rows: int = MAX_ROWS) -> int:
        """Drop the oldest pictures until at most `rows` are left; return how many."""
        return self._store.execute(
            "DELETE FROM pictures WHERE key IN "
            "(SELECT key FROM pictures ORDER BY checkpoint DESC, key LIMIT -1 OFFSET ?)",
            (rows,),
        )

    def count(self) -> int:
        """How many there are."""
        row = self._store.row("SELECT count(*) AS rows FROM pictures")
        return int(row["rows"]) if row else 0
