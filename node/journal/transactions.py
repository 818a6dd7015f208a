"""The sender's memory: every transaction by its key, and every signed attempt before it is broadcast."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from node.journal.store import Row, Store

TransactionState = Literal["queued", "signed", "sent", "mined", "final", "cancelled"]

# What is stored as sent has a signed attempt; it counts as sent from the first that an endpoint took.
_ROWS = """SELECT transactions.*, CASE WHEN transactions.state = 'sent' AND NOT EXISTS (
  SELECT 1 FROM attempts WHERE transaction_id = transactions.id AND taken) THEN 'signed'
  ELSE transactions.state END AS state FROM transactions"""


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """One thing to do on chain. `nonce` is None until the first attempt is signed.

    `tx_hash`, `block_number` and `block_hash` are those of the attempt that was mined, `succeeded` its
    receipt's status, `gas_used` and `gas_price` (wei) what it took; `note` says why it was cancelled. `queued_at` is in
    Unix seconds. What an older version of the node has stored has no times and no gas.
    """

    id: int
    key: str
    sender: str
    recipient: str
    calldata: bytes
    value: int
    gas: int
    nonce: int | None
    state: TransactionState
    tx_hash: bytes | None
    block_number: int | None
    block_hash: bytes | None
    succeeded: bool | None
    note: str
    queued_at: int | None = None
    gas_used: int | None = None
    gas_price: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One signed transaction: `raw` is what is broadcast, fees are wei per gas.

    An `empty` one does nothing but use up the nonce of a transaction that is not wanted any more. `taken`: an
    endpoint has taken it. `signed_at` (Unix seconds) is the journal's own.
    """

    tx_hash: bytes
    transaction_id: int
    raw: bytes
    max_fee: int
    priority_fee: int
    empty: bool = False
    taken: bool = False
    signed_at: int | None = field(default=None, compare=False)


class Transactions:
    """Transactions in the order they were queued, with their attempts."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def queue(self, key: str, sender: str, recipient: str, calldata: bytes, value: int, gas: int) -> bool:
        """Store a new transaction; False (and nothing changed) when its key was used before."""
        return bool(
            self._store.execute(
                "INSERT INTO transactions (key, sender, recipient, calldata, value, gas, state, queued_at)"
                " VALUES (?, ?, ?, ?, ?, ?, 'queued', ?) ON CONFLICT (key) DO NOTHING",
                (key, sender, recipient, calldata, str(value), gas, int(self._clock())),
            )
        )

    def get(self, key: str) -> TransactionRow | None:
        """The transaction with this key, if any."""
        row = self._store.row(f"{_ROWS} WHERE key = ?", (key,))
        return None if row is None else _transaction(row)

    def unfinished(self, sender: str) -> list[TransactionRow]:
        """Queued, signed, sent and mined ones of one sender, oldest first."""
        rows = self._store.rows(
            f"{_ROWS} WHERE transactions.state IN ('queued', 'sent', 'mined') AND sender = ? ORDER BY id",
            (sender,),
        )
        return [_transaction(row) for row in rows]

    def last(self, count: int) -> list[TransactionRow]:
        """The latest `count` transactions, newest first."""
        rows = self._store.rows(f"{_ROWS} ORDER BY id DESC LIMIT ?", (count,))
        return [_transaction(row) for row in rows]

    def next_nonce(self, sender: str) -> int:
        """One more than the highest nonce this journal ever signed for, 0 when there is none."""
        row = self._store.row("SELECT max(nonce) AS top FROM transactions WHERE sender = ?", (sender,))
        return 0 if row is None or row["top"] is None else int(row["top"]) + 1

    def uses(self, sender: str, nonce: int) -> bool:
        """Whether this journal holds a transaction with this nonce."""
        return self._store.row("SELECT 1 FROM transactions WHERE sender = ? AND nonce = ?", (sender, nonce)) is not None

    def sign(self, transaction_id: int, nonce: int, attempt: AttemptRow) -> None:
        """Store a signed attempt and its nonce together: before this returns nothing may be broadcast."""
        with self._store.transaction():
            self._store.execute(
                "UPDATE transactions SET nonce = ?, state = 'sent' WHERE id = ?", (nonce, transaction_id)
            )
            self._store.execute(
                "INSERT INTO attempts (tx_hash, transaction_id, raw, max_fee, priority_fee, empty, signed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    attempt.tx_hash,
                    transaction_id,
                    attempt.raw,
                    str(attempt.max_fee),
                    str(attempt.priority_fee),
                    int(attempt.empty),
                    int(self._clock()),
                ),
            )

    def attempts(self, transaction_id: int) -> list[AttemptRow]:
        """All signed attempts of a transaction, cheapest (oldest) first."""
        rows = self._store.rows("SELECT * FROM attempts WHERE transaction_id = ? ORDER BY rowid", (transaction_id,))
        return [
            AttemptRow(
                tx_hash=row["tx_hash"],
                transaction_id=row["transaction_id"],
                raw=row["raw"],
                max_fee=int(row["max_fee"]),
                priority_fee=int(row["priority_fee"]),
                empty=bool(row["empty"]),
                taken=bool(row["taken"]),
                signed_at=row["signed_at"],
            )
            for row in rows
        ]

    def taken(self, tx_hash: bytes) -> None:
        """An endpoint took this attempt: its transaction is sent."""
        self._store.execute("UPDATE attempts SET taken = 1 WHERE tx_hash = ?", (tx_hash,))

    def mined(
        self,
        transaction_id: int,
        tx_hash: bytes,
        block_number: int,
        block_hash: bytes,
        succeeded: bool,
        gas: tuple[int, int] | None = None,
    ) -> None:
        """An attempt was seen in a block, which may yet be reorganised away; `gas`: how much it used, wei for each."""
        used, price = gas or (None, None)
        if used is not None and used >= 1 << 63:
            used = None  # an endpoint's word that no column holds
        self._store.execute(
            "UPDATE transactions SET state = 'mined', tx_hash = ?, block_number = ?, block_hash = ?,"
            " succeeded = ?, gas_used = ?, gas_price = ? WHERE id = ?",
            (
                tx_hash,
                block_number,
                block_hash,
                int(succeeded),
                used,
                None if price is None else str(price),
                transaction_id,
            ),
        )

    def unmined(self, transaction_id: int) -> None:
        """Its block was reorganised away: it is on its way again."""
        self._store.execute(
            "UPDATE transactions SET state = 'sent', tx_hash = NULL, block_number = NULL, block_hash = NULL,"
            " succeeded = NULL, gas_used = NULL, gas_price = NULL WHERE id = ?",
            (transaction_id,),
        )

    def release(self, transaction_id: int) -> None:
        """Its nonce was used up, finally, and not by it, or it never had one: it waits for a new one."""
        with self._store.transaction():
            self._store.execute("DELETE FROM attempts WHERE transaction_id = ?", (transaction_id,))
            self._store.execute(
                "UPDATE transactions SET state = 'queued', nonce = NULL, tx_hash = NULL, block_number = NULL,"
                " block_hash = NULL, succeeded = NULL, gas_used = NULL, gas_price = NULL, note = '' WHERE id = ?",
                (transaction_id,),
            )

    def final(self, transaction_id: int) -> None:
        """Its block is final."""
        self._store.execute("UPDATE transactions SET state = 'final' WHERE id = ?", (transaction_id,))

    def cancel(self, transaction_id: int, note: str) -> None:
        """It is not needed any more; `note` says why."""
        self._store.execute(
            "UPDATE transactions SET state = 'cancelled', note = ? WHERE id = ?", (note, transaction_id)
        )

    def abandon_queued(self, note: str) -> int:
        """Cancel what was queued and never signed; how many there were."""
        return self._store.execute(
            "UPDATE transactions SET state = 'cancelled', note = ? WHERE state = 'queued' AND nonce IS NULL", (note,)
        )

    def disown(self, transaction_id: int, note: str) -> None:
        """Cancel one that this node's key has never signed: its nonce and what passes for attempts are forgotten."""
        with self._store.transaction():
            self._store.execute("DELETE FROM attempts WHERE transaction_id = ?", (transaction_id,))
            self._store.execute(
                "UPDATE transactions SET state = 'cancelled', nonce = NULL, note = ? WHERE id = ?",
                (note, transaction_id),
            )

    def adopt_from(self, journal: Path) -> int:
        """Hold exactly the transactions that another journal of this schema holds; how many there are."""
        self._store.execute("ATTACH DATABASE ? AS other", (str(journal),))
        try:
            with self._store.transaction():
                self._store.execute("DELETE FROM attempts")
                self._store.execute("DELETE FROM transactions")
                found = self._store.execute("INSERT INTO transactions SELECT * FROM other.transactions")
                self._store.execute("INSERT INTO attempts SELECT * FROM other.attempts")
        finally:
            self._store.execute("DETACH DATABASE other")
        return found


def _transaction(row: Row) -> TransactionRow:
    succeeded, price = row["succeeded"], row["gas_price"]
    return TransactionRow(
        **{
            **row,
            "value": int(row["value"]),
            "succeeded": None if succeeded is None else bool(succeeded),
            "gas_price": None if price is None else int(price),
        }
    )
