"""Mined blocks, receipts and logs as the embedded chain keeps them, and the search through logs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import rlp  # type: ignore[import-untyped]
from eth.abc import BlockHeaderAPI
from eth_typing import Address, Hash32

from node.devnet.evm.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Log:
    """One event, with its place in the chain."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: Hash32
    block_timestamp: int
    tx_hash: Hash32
    tx_index: int
    index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction did; ``created`` is the address of a new contract."""

    transaction: Transaction
    index: int
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    gas_price: int
    bloom: int
    created: Address | None
    logs: tuple[Log, ...]


@dataclass(frozen=True)
class Block:
    """A mined block; ``header`` is py-evm's, whose RLP has the block's hash as its keccak."""

    header: BlockHeaderAPI
    hash: Hash32
    receipts: tuple[Receipt, ...]

    @property
    def number(self) -> int:
        """The block's height."""
        return self.header.block_number

    @property
    def timestamp(self) -> int:
        """Seconds since the epoch, by the chain's own clock."""
        return self.header.timestamp

    @property
    def base_fee(self) -> int:
        """Wei per gas that is burnt."""
        return self.header.base_fee_per_gas or 0

    @property
    def prevrandao(self) -> bytes:
        """The header's mixHash (EIP-4399)."""
        return bytes(self.header.mix_hash)

    @cached_property
    def header_rlp(self) -> bytes:
        """The header as consensus hashes it."""
        return bytes(rlp.encode(self.header))

    @cached_property
    def size(self) -> int:
        """Length of the whole block's RLP, in bytes."""
        bodies = [
            receipt.transaction.raw if receipt.transaction.type else rlp.decode(receipt.transaction.raw)
            for receipt in self.receipts
        ]
        return len(rlp.encode([rlp.decode(self.header_rlp), bodies, [], []]))


Topics = Sequence[Collection[bytes] | None]
"""Per position the topics that match; None matches any."""


class LogIndex:
    """All logs of the chain in order, searchable by block range, address and topics."""

    def __init__(self) -> None:
        self._logs: list[Log] = []
        self._numbers: list[int] = []

    def extend(self, logs: Sequence[Log]) -> None:
        """Append a new block's logs."""
        self._logs.extend(logs)
        self._numbers.extend(log.block_number for log in logs)

    def truncate(self, last_block: int) -> None:
        """Forget the logs of blocks above ``last_block``."""
        keep = bisect_right(self._numbers, last_block)
        del self._logs[keep:]
        del self._numbers[keep:]

    def find(self, first: int, last: int, addresses: Collection[Address], topics: Topics) -> list[Log]:
        """Logs of blocks ``first`` to ``last`` inclusive; an empty ``addresses`` matches any address."""
        found = self._logs[bisect_left(self._numbers, first) : bisect_right(self._numbers, last)]
        return [log for log in found if _matches(log, addresses, topics)]


def _matches(log: Log, addresses: Collection[Address], topics: Topics) -> bool:
    if addresses and log.address not in addresses:
        return False
    if len(topics) > len(log.topics):
        return False
    return all(wanted is None or have in wanted for wanted, have in zip(topics, log.topics, strict=False))
