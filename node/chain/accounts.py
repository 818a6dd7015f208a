"""What the chain says of accounts and transactions: nonces, fees, receipts, and whether a broadcast was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from node.chain import parse
from node.chain.failures import RpcError
from node.chain.pool import Ask, RpcPool
from node.chain.types import Block


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a transaction was mined, and whether it did what it should."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as one endpoint sees it: its nonces at the final block and with all that waits, and receipts.

    All from the same endpoint: a receipt that a lagging one lacks must not be taken for a lost transaction
    because another one knows the nonce to be used.
    """

    final_nonce: int
    pending_nonce: int
    receipts: dict[bytes, Receipt]


class Taken(Enum):
    """What became of a broadcast."""

    YES = "in the mempool"
    NONCE_USED = "its nonce is used up"
    UNDERPRICED = "it offers too little"
    REFUSED = "refused"


# The same refusal in the words of geth, Nethermind, Besu, Erigon, Reth and anvil.
_WORDS = {
    Taken.YES: ("already known", "alreadyknown", "known transaction", "already imported", "already in"),
    Taken.NONCE_USED: ("nonce too low", "nonce is too low", "old nonce", "nonce below", "already been used"),
    Taken.UNDERPRICED: ("underpriced", "fee too low", "less than block base fee", "replacement"),
}


class Accounts:
    """Reads accounts and hands in signed transactions; raises ChainError as the pool does."""

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool

    async def standing(self, address: str, final: Block, tx_hashes: Sequence[bytes]) -> Standing:
        """An account's nonces and the receipts of those of its transactions that are mined."""

        async def question(ask: Ask) -> Standing:
            async def nonce(block: str) -> int:
                return parse.quantity(await ask("eth_getTransactionCount", [address, block]), "a nonce")

            # The final nonce first: what is final by then has its receipt.
            final_nonce, pending = await nonce(hex(final.number)), await nonce("pending")
            receipts = [await _receipt(ask, tx_hash) for tx_hash in tx_hashes]
            return Standing(final_nonce, pending, {found.tx_hash: found for found in receipts if found})

        return await self._pool.ask(question)

    async def pending_nonce(self, address: str) -> int:
        """The nonce after all transactions that are mined or wait."""
        return parse.quantity(await self._pool.request("eth_getTransactionCount", [address, "pending"]), "a nonce")

    async def balance(self, address: str) -> int:
        """Wei."""
        return parse.quantity(await self._pool.request("eth_getBalance", [address, "latest"]), "a balance")

    async def base_fee(self) -> int:
        """The latest block's base fee, wei per gas (EIP-1559); 0 where the chain has none."""
        block = parse.mapping(await self._pool.request("eth_getBlockByNumber", ["latest", False]), "the head")
        return parse.quantity(block.get("baseFeePerGas", "0x0"), "the base fee")

    async def estimate(self, sender: str, to: str, calldata: bytes) -> int:
        """The gas that a transaction would use now; RevertError when it would revert."""
        request = {"from": sender, "to": to, "data": "0x" + calldata.hex()}
        return parse.quantity(await self._pool.request("eth_estimateGas", [request]), "a gas estimate")

    async def broadcast(self, raw: bytes) -> tuple[Taken, str]:
        """Hand in a signed transaction; what became of it, and the endpoint's own words."""
        try:
            await self._pool.request("eth_sendRawTransaction", ["0x" + raw.hex()])
        except RpcError as error:
            message = error.message.lower()
            for taken, words in _WORDS.items():
                if any(word in message for word in words):
                    return taken, error.message
            return Taken.REFUSED, error.message
        return Taken.YES, ""


async def _receipt(ask: Ask, tx_hash: bytes) -> Receipt | None:
    answer = await ask("eth_getTransactionReceipt", ["0x" + tx_hash.hex()])
    if answer is None:
        return None
    fields = parse.mapping(answer, "a receipt")
    return Receipt(
        tx_hash=tx_hash,
        block_number=parse.quantity(fields.get("blockNumber"), "a receipt"),
        block_hash=parse.octets(fields.get("blockHash"), "a receipt", 32),
        succeeded=parse.quantity(fields.get("status"), "a receipt") == 1,
        gas_used=parse.quantity(fields.get("gasUsed"), "a receipt"),
    )
