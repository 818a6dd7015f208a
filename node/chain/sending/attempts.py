"""Signs attempts at a transaction, stores each before it leaves, and hands it in, again only after a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from node.chain.sending.accounts import Accounts, Taken
from node.chain.sending.fees import Offer
from node.errors import ChainError
from node.journal.transactions import AttemptRow, TransactionRow

if TYPE_CHECKING:
    from node.journal import Journal
    from node.keys.signing import Signer

log = structlog.get_logger("sender")

TRANSFER_GAS = 21_000
_AGAIN = 15.0
"""Seconds after which a waiting attempt is handed in again: mempools forget."""


class Attempts:
    """The signed attempts of one account's transactions."""

    def __init__(
        self,
        accounts: Accounts,
        account: Signer,
        journal: Journal,
        counters: Counter[str],
        clock: Callable[[], float],
    ) -> None:
        self._accounts = accounts
        self._account = account
        self._journal = journal
        self._counters = counters
        self._clock = clock
        self._since: dict[bytes, float] = {}
        self._handed_in: dict[bytes, float] = {}

    def of(self, row: TransactionRow) -> list[AttemptRow]:
        """All attempts at a transaction, the newest last."""
        return self._journal.transactions.attempts(row.id)

    def sign(self, row: TransactionRow, chain_id: int, nonce: int, offer: Offer, *, empty: bool = False) -> AttemptRow:
        """Sign an attempt and make it durable; an `empty` one only uses the nonce up."""
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": chain_id,
                "nonce": nonce,
                "maxFeePerGas": offer.max_fee,
                "maxPriorityFeePerGas": offer.priority_fee,
                "gas": TRANSFER_GAS if empty else row.gas,
                "to": self._account.address if empty else row.recipient,
                "value": 0 if empty else row.value,
                "data": b"" if empty else row.calldata,
            }
        )
        attempt = AttemptRow(signed.hash, row.id, signed.raw, offer.max_fee, offer.priority_fee, empty)
        self._journal.transactions.sign(row.id, nonce, attempt)
        self._since[signed.hash] = self._clock()
        return attempt

    def waited(self, attempt: AttemptRow) -> float:
        """Seconds since an attempt was signed, or since this process first looked after it."""
        return self._clock() - self._since.setdefault(attempt.tx_hash, self._clock())

    def wait_anew(self, attempt: AttemptRow) -> None:
        """Reckon its waiting time from now."""
        self._since[attempt.tx_hash] = self._clock()

    def due(self, attempt: AttemptRow) -> bool:
        """Whether it is time to hand an attempt in (again)."""
        last = self._handed_in.get(attempt.tx_hash)
        return last is None or not attempt.taken or self._clock() - last >= _AGAIN

    async def broadcast(self, row: TransactionRow, attempt: AttemptRow) -> Taken | None:
        """Hand an attempt in; what became of it, or None when nobody could be asked.

        It is in the journal, so what fails here is tried again by whoever looks after the transaction.
        """
        self._counters["broadcasts"] += 1
        try:
            taken, words = await self._accounts.broadcast(attempt.raw)
        except ChainError as error:
            log.warning("not broadcast yet", key=row.key, error=str(error))
            return None
        self._handed_in[attempt.tx_hash] = self._clock()
        if taken is Taken.YES:
            if not attempt.taken:
                self._journal.transactions.taken(attempt.tx_hash)
        else:
            self._counters[f"not_taken_{taken.name.lower()}"] += 1
            log.warning("broadcast not taken", key=row.key, why=taken.value, endpoint_says=words)
        return taken

    def forget(self, attempts: list[AttemptRow]) -> None:
        """These are over."""
        for attempt in attempts:
            self._since.pop(attempt.tx_hash, None)
            self._handed_in.pop(attempt.tx_hash, None)
