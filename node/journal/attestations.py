"""The slashing protection: at most one report digest per (config, feed, checkpoint, view), durable first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from node.errors import EquivocationError, JournalError
from node.journal.safety.protection import Key, Protection
from node.journal.safety.trail import Signed
from node.journal.store import Row, Store


@dataclass(frozen=True, slots=True)
class AttestationRow:
    """What this node has bound itself to: `report` is the encoding that the caller gave."""

    config: bytes
    feed: int
    checkpoint: int
    view: int
    digest: bytes
    report: bytes


class Attestations:
    """Rows that are never changed, and go only once a mark stands above them (`Retention.settle`)."""

    def __init__(self, store: Store, protection: Protection) -> None:
        self._store = store
        self._protection = protection

    def attest(self, config: bytes, feed: int, checkpoint: int, view: int, digest: bytes, report: bytes) -> bool:
        """Bind this node to `digest`; when this returns the row is on disk and a signature may leave.

        True when the row is new, False when the same digest was there before (then signing again is safe).
        Raises EquivocationError when another digest was, RefusalError where this node may not bind itself at all,
        and JournalError inside an open transaction, where durability would come only later.
        """
        if self._store.in_transaction:
            raise JournalError("attest() must not run inside a transaction: its row would not be durable yet")
        with self._store.transaction():
            self._protection.check(config, feed, checkpoint)
            known = self.get(config, feed, checkpoint, view)
            if known is not None and known.digest == digest:
                return False
            if known is not None:
                raise EquivocationError(
                    f"feed {feed}, checkpoint {checkpoint}, view {view}: this node is bound to report "
                    f"{known.digest.hex()} and will not sign {digest.hex()}"
                )
            self._store.execute(
                "INSERT INTO attestations (config, feed, checkpoint, view, digest, report) VALUES (?, ?, ?, ?, ?, ?)",
                (config, feed, checkpoint, view, digest, report),
            )
        self._protection.bound(Signed(config, feed, checkpoint, view, digest))
        return True

    def adopt(self, config: bytes, feed: int, checkpoint: int, view: int, digest: bytes) -> bool:
        """Note what another copy of this node signed, its report unknown; False where a digest is held already."""
        return bool(
            self._store.execute(
                "INSERT INTO attestations (config, feed, checkpoint, view, digest, report)"
                " VALUES (?, ?, ?, ?, ?, x'') ON CONFLICT DO NOTHING",
                (config, feed, checkpoint, view, digest),
            )
        )

    def in_order(self) -> Iterator[tuple[Key, int, bytes]]:
        """Every attestation's round, view and digest, by config, feed, checkpoint and view; see `Store.each`."""
        sql = "SELECT config, feed, checkpoint, view, digest FROM attestations ORDER BY config, feed, checkpoint, view"
        for row in self._store.each(sql):
            yield (row["config"], row["feed"], row["checkpoint"]), row["view"], row["digest"]

    def get(self, config: bytes, feed: int, checkpoint: int, view: int) -> AttestationRow | None:
        """The attestation for one view, if this node gave any."""
        row = self._store.row(
            "SELECT * FROM attestations WHERE config = ? AND feed = ? AND checkpoint = ? AND view = ?",
            (config, feed, checkpoint, view),
        )
        return None if row is None else _attestation(row)

    def of(self, config: bytes, feed: int, checkpoint: int) -> dict[int, AttestationRow]:
        """All views of one round in which this node attested."""
        rows = self._store.rows(
            "SELECT * FROM attestations WHERE config = ? AND feed = ? AND checkpoint = ? ORDER BY view",
            (config, feed, checkpoint),
        )
        return {row["view"]: _attestation(row) for row in rows}

    def digests(self, config: bytes, feed: int, checkpoint: int) -> dict[int, bytes]:
        """The same as view -> digest, as the agreement machine takes it."""
        return {view: row.digest for view, row in self.of(config, feed, checkpoint).items()}

    def count(self) -> int:
        """How many there are."""
        row = self._store.row("SELECT count(*) AS many FROM attestations")
        return 0 if row is None else int(row["many"])

    def last(self, count: int) -> list[AttestationRow]:
        """The latest `count` attestations, newest first."""
        rows = self._store.rows("SELECT * FROM attestations ORDER BY id DESC LIMIT ?", (count,))
        return [_attestation(row) for row in rows]


def _attestation(row: Row) -> AttestationRow:
    return AttestationRow(row["config"], row["feed"], row["checkpoint"], row["view"], row["digest"], row["report"])
