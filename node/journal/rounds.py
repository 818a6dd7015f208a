"""Rounds of agreement that this node took up, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from node.journal.store import Row, Store

RoundState = Literal["open", "landed", "abandoned"]


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One round: what this node measured when it was triggered (`answer` and `signals` in wads), and why."""

    feed: int
    checkpoint: int
    block_hash: bytes
    answer: int
    signals: tuple[int, ...]
    reason: str
    state: RoundState


class Rounds:
    """Rounds by (feed, checkpoint); after a restart the open ones are begun again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(
        self, feed: int, checkpoint: int, block_hash: bytes, answer: int, signals: Sequence[int], reason: str
    ) -> bool:
        """Take a round up; False (and nothing changed) when it is there already, whatever its state."""
        encoded = json.dumps([str(signal) for signal in signals])
        return bool(
            self._store.execute(
                "INSERT INTO rounds VALUES (?, ?, ?, ?, ?, ?, 'open') ON CONFLICT DO NOTHING",
                (feed, checkpoint, block_hash, str(answer), encoded, reason),
            )
        )

    def get(self, feed: int, checkpoint: int) -> RoundRow | None:
        """One round, if this node took it up."""
        row = self._store.row("SELECT * FROM rounds WHERE feed = ? AND checkpoint = ?", (feed, checkpoint))
        return None if row is None else _round(row)

    def unfinished(self) -> list[RoundRow]:
        """Every open round, oldest checkpoint first."""
        sql = "SELECT * FROM rounds WHERE state = 'open' ORDER BY checkpoint, feed"
        return [_round(row) for row in self._store.rows(sql)]

    def last(self, count: int) -> list[RoundRow]:
        """The latest `count` rounds in any state, newest first, for status pages."""
        sql = "SELECT * FROM rounds ORDER BY checkpoint DESC, feed LIMIT ?"
        return [_round(row) for row in self._store.rows(sql, (count,))]

    def finish(self, feed: int, checkpoint: int, state: Literal["landed", "abandoned"]) -> bool:
        """End an open round; a landed one stays landed. Returns whether anything changed."""
        return bool(
            self._store.execute(
                "UPDATE rounds SET state = ? WHERE feed = ? AND checkpoint = ? AND state NOT IN ('landed', ?)",
                (state, feed, checkpoint, state),
            )
        )

    def finish_until(self, feed: int, checkpoint: int) -> int:
        """Abandon open rounds of `feed` before `checkpoint`: the oracle takes only newer ones."""
        return self._store.execute(
            "UPDATE rounds SET state = 'abandoned' WHERE feed = ? AND checkpoint < ? AND state = 'open'",
            (feed, checkpoint),
        )


def _round(row: Row) -> RoundRow:
    return RoundRow(
        feed=row["feed"],
        checkpoint=row["checkpoint"],
        block_hash=row["block_hash"],
        answer=int(row["answer"]),
        signals=tuple(int(signal) for signal in json.loads(row["signals"])),
        reason=row["reason"],
        state=row["state"],
    )
