"""What a node bound itself to in each round besides its signatures: locks, Prepares, and views it gave up."""

from __future__ import annotations

from collections.abc import Iterator

from node.agreement.memory import Memory
from node.errors import EquivocationError, JournalError
from node.journal.safety.protection import Key, Protection
from node.journal.safety.trail import Promised
from node.journal.store import Row, Store

_UPSERT = """
INSERT INTO promises VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (config, feed, checkpoint) DO UPDATE SET
  left_view = excluded.left_view, prepared_view = excluded.prepared_view, prepared_digest = excluded.prepared_digest,
  lock_view = excluded.lock_view, lock = excluded.lock
"""


class Promises:
    """One row a round, which only ever grows."""

    def __init__(self, store: Store, protection: Protection) -> None:
        self._store = store
        self._protection = protection

    def remember(self, config: bytes, feed: int, checkpoint: int, memory: Memory) -> None:
        """Keep what the node is bound to; when this returns it is on disk, and a message that rests on it may leave.

        Raises EquivocationError if a part of it would go back or be replaced, RefusalError where this node may not
        bind itself at all, and JournalError inside an open transaction, where durability would come only later.
        """
        if self._store.in_transaction:
            raise JournalError("remember() must not run inside a transaction: its row would not be durable yet")
        with self._store.transaction():
            self._protection.check(config, feed, checkpoint)
            known = self.of(config, feed, checkpoint)
            if known is not None and _falls_back(known, memory):
                raise EquivocationError(
                    f"feed {feed}, checkpoint {checkpoint}: this node is bound to {_words(known)}"
                    f" and does not go back to {_words(memory)}"
                )
            self._store.execute(
                _UPSERT,
                (
                    config,
                    feed,
                    checkpoint,
                    memory.left,
                    memory.prepared_view,
                    memory.prepared_digest,
                    memory.lock_view,
                    memory.lock,
                ),
            )
        self._protection.bound(Promised.of(config, feed, checkpoint, memory))

    def of(self, config: bytes, feed: int, checkpoint: int) -> Memory | None:
        """What the node is bound to in one round; None if to nothing."""
        row = self._store.row(
            "SELECT * FROM promises WHERE config = ? AND feed = ? AND checkpoint = ?", (config, feed, checkpoint)
        )
        return None if row is None else _memory(row)

    def in_order(self) -> Iterator[tuple[Key, Memory]]:
        """Every round, and what the node is bound to in it, by config, feed and checkpoint; see `Store.each`."""
        for row in self._store.each("SELECT * FROM promises ORDER BY config, feed, checkpoint"):
            yield (row["config"], row["feed"], row["checkpoint"]), _memory(row)


def _memory(row: Row) -> Memory:
    return Memory(row["left_view"], row["prepared_view"], row["prepared_digest"], row["lock_view"], row["lock"])


def _falls_back(known: Memory, memory: Memory) -> bool:
    same_prepare = known.prepared_digest == memory.prepared_digest
    same_lock = known.lock == memory.lock
    return (
        memory.left < known.left
        or memory.prepared_view < known.prepared_view
        or (memory.prepared_view == known.prepared_view and not same_prepare)
        or memory.lock_view < known.lock_view
        or (memory.lock_view == known.lock_view and not same_lock)
    )


def _words(memory: Memory) -> str:
    return f"(left {memory.left}, prepared {memory.prepared_view}, locked {memory.lock_view})"
