"""Transactions that wait for a block: nonce order, replacement by price, selection for the next block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eth_typing import Address, Hash32

from node.devnet.evm.errors import DevnetError
from node.devnet.evm.transactions import Transaction

REPLACEMENT_PERCENT = 10
"""As geth: a replacement must raise both fees by at least this much."""
MAX_WAITING = 4096


class Mempool:
    """Waiting transactions by sender and nonce, in order of arrival."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Address, int], Transaction] = {}
        self._by_hash: dict[Hash32, Transaction] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(tuple(self._waiting.values()))

    def get(self, tx_hash: Hash32) -> Transaction | None:
        """The waiting transaction with this hash."""
        return self._by_hash.get(tx_hash)

    def add(self, transaction: Transaction) -> None:
        """Take a transaction in, or raise :class:`DevnetError` in geth's words."""
        if transaction.hash in self._by_hash:
            raise DevnetError("already known")
        key = (transaction.sender, transaction.nonce)
        old = self._waiting.get(key)
        if old is None:
            if len(self._waiting) >= MAX_WAITING:
                raise DevnetError("txpool is full")
        elif not _outbids(transaction, old):
            raise DevnetError("replacement transaction underpriced")
        else:
            del self._by_hash[old.hash]
        self._waiting[key] = transaction
        self._by_hash[transaction.hash] = transaction

    def drop(self, transaction: Transaction) -> None:
        """Forget a transaction, and with it whatever else waits for the same sender and nonce."""
        old = self._waiting.pop((transaction.sender, transaction.nonce), None)
        if old is not None:
            del self._by_hash[old.hash]

    def next_nonce(self, sender: Address, nonce: int) -> int:
        """The first nonce from ``nonce`` on that nothing waits with."""
        while (sender, nonce) in self._waiting:
            nonce += 1
        return nonce

    def select(self, nonce_of: Callable[[Address], int], base_fee: int, gas_limit: int) -> list[Transaction]:
        """What the next block holds: each sender's next nonces, best tip first, within the gas limit."""
        heads: dict[Address, int] = {}
        for transaction in self._waiting.values():
            if transaction.sender not in heads:
                heads[transaction.sender] = nonce_of(transaction.sender)
        chosen: list[Transaction] = []
        left = gas_limit
        while True:
            ready = [self._waiting[key] for key in heads.items() if key in self._waiting]
            ready = [tx for tx in ready if tx.max_fee >= base_fee and tx.gas <= left]
            if not ready:
                return chosen
            best = max(ready, key=lambda tx: tx.effective_tip(base_fee))
            chosen.append(best)
            left -= best.gas
            heads[best.sender] += 1


def _outbids(new: Transaction, old: Transaction) -> bool:
    factor = 100 + REPLACEMENT_PERCENT
    return new.max_fee * 100 >= old.max_fee * factor and new.priority_fee * 100 >= old.priority_fee * factor
