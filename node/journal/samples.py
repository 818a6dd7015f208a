"""What the node has read from final blocks: samples, and how far each reader has come."""

from __future__ import annotations

from collections.abc import Iterable

from node.chain.types import Sample
from node.errors import JournalError
from node.journal.store import Row, Store


class Samples:
    """Every feed's sample at every checkpoint that was read; one per (feed, checkpoint), for good."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, samples: Iterable[Sample]) -> None:
        """Store final samples; the same again is harmless, another one for the checkpoint a JournalError.

        Final data cannot change, so a difference means that an endpoint lied, now or then.
        """
        with self._store.transaction():
            for sample in samples:
                if not self._insert(sample) and (known := self.get(sample.feed, sample.checkpoint)) != sample:
                    raise JournalError(
                        f"feed {sample.feed}, checkpoint {sample.checkpoint}: a final sample changed from "
                        f"{known} to {sample}; an endpoint is wrong or the chain reorganised past finality"
                    )

    def _insert(self, sample: Sample) -> bool:
        return bool(
            self._store.execute(
                "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    sample.feed,
                    sample.checkpoint,
                    sample.block_hash,
                    str(sample.share_price),
                    str(sample.total_assets),
                    str(sample.total_supply),
                    sample.band,
                    sample.reported_checkpoint,
                ),
            )
        )

    def get(self, feed: int, checkpoint: int) -> Sample | None:
        """The sample of one checkpoint, if it was read."""
        row = self._store.row("SELECT * FROM samples WHERE feed = ? AND checkpoint = ?", (feed, checkpoint))
        return None if row is None else _sample(row)

    def first(self, feed: int) -> Sample | None:
        """The earliest sample of a feed."""
        row = self._store.row("SELECT * FROM samples WHERE feed = ? ORDER BY checkpoint LIMIT 1", (feed,))
        return None if row is None else _sample(row)

    def last(self, feed: int, count: int, until: int | None = None) -> list[Sample]:
        """The latest `count` samples of a feed up to and including checkpoint `until`, oldest first."""
        rows = self._store.rows(
            "SELECT * FROM samples WHERE feed = ? AND checkpoint <= ? ORDER BY checkpoint DESC LIMIT ?",
            (feed, 2**63 - 1 if until is None else until, count),
        )
        return [_sample(row) for row in reversed(rows)]

    def at(self, checkpoint: int) -> list[Sample]:
        """All feeds' samples of one checkpoint, by feed."""
        rows = self._store.rows("SELECT * FROM samples WHERE checkpoint = ? ORDER BY feed", (checkpoint,))
        return [_sample(row) for row in rows]


class Cursors:
    """Named positions: the last checkpoint or block that a reader is done with."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> int | None:
        """The stored position, or None when the reader never started."""
        row = self._store.row("SELECT checkpoint FROM cursors WHERE name = ?", (name,))
        return None if row is None else int(row["checkpoint"])

    def all(self) -> dict[str, int]:
        """Every stored position by name."""
        return {row["name"]: int(row["checkpoint"]) for row in self._store.rows("SELECT * FROM cursors ORDER BY name")}

    def set(self, name: str, position: int) -> None:
        """Store a position: inside the transaction that holds the effects of getting there."""
        self._store.execute(
            "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET checkpoint = excluded.checkpoint",
            (name, position),
        )


def _sample(row: Row) -> Sample:
    return Sample(
        feed=row["feed"],
        checkpoint=row["checkpoint"],
        block_hash=row["block_hash"],
        share_price=int(row["share_price"]),
        total_assets=int(row["total_assets"]),
        total_supply=int(row["total_supply"]),
        band=row["band"],
        reported_checkpoint=row["reported_checkpoint"],
    )
