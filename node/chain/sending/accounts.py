"""What the chain says of accounts and transactions: nonces, fees, receipts, and whether a broadcast was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from node.chain import parse
from node.chain.endpoints.pool import Ask, RpcPool
from node.chain.failures import RpcError, UnavailableError
from node.chain.types import Block
from node.errors import RevertError

_MAX_GAS = 1 << 40
_LINGER = 1.0
"""Seconds for which slower endpoints are waited for once one has answered: a transaction is in a hurry."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a transaction was mined, and whether it did what it should."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    gas_price: int = field(default=0, compare=False)
    """Wei per gas that was paid (EIP-1559); 0 where an endpoint leaves it out, over which none need agree."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as one endpoint sees it: its nonces at the final block and with all that waits, and receipts.

    All from the same endpoint: a receipt that a lagging one lacks must not be taken for a lost transaction
    because another one knows the nonce to be used.
    """

    final_nonce: int
    pending_nonce: int
    receipts: dict[bytes, Receipt]


@dataclass(frozen=True, slots=True)
class Settled:
    """An account at a final block, as endpoints agree on it: its nonce, and the receipts up to that block."""

    nonce: int
    receipts: dict[bytes, Receipt]


class Taken(Enum):
    """What became of a broadcast, the best first: where endpoints differ, the best of their answers counts."""

    YES = "in the mempool"
    NONCE_USED = "its nonce is used up"
    UNDERPRICED = "it offers too little"
    UNPAID = "the account cannot pay for it"
    REFUSED = "refused"


# The same refusal in the words of geth, Nethermind, Besu, Erigon, Reth and anvil.
_WORDS = {
    Taken.YES: ("already known", "alreadyknown", "known transaction", "already imported", "already in"),
    Taken.NONCE_USED: ("nonce too low", "nonce is too low", "old nonce", "nonce below", "already been used"),
    Taken.UNDERPRICED: ("underpriced", "fee too low", "less than block base fee", "replacement"),
    Taken.UNPAID: ("insufficient funds", "insufficient balance", "insufficientfunds", "upfront cost", "not enough"),
}


class Accounts:
    """Reads accounts and hands in signed transactions; raises ChainError as the pool does."""

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool

    async def standing(self, address: str, final: Block, tx_hashes: Sequence[bytes]) -> Standing:
        """An account's nonces and the receipts of those of its transactions that are mined."""

        async def question(ask: Ask) -> Standing:
            # The final nonce first: what is final by then has its receipt.
            final_nonce, pending = await _nonce(ask, address, hex(final.number)), await _nonce(ask, address, "pending")
            return Standing(final_nonce, pending, await _receipts(ask, tx_hashes))

        return await self._pool.ask(question)

    async def settled(self, address: str, final: Block, tx_hashes: Sequence[bytes]) -> Settled:
        """What is settled for good at a final block; endpoints must agree, for what follows cannot be undone."""

        async def question(ask: Ask) -> Settled:
            nonce = await _nonce(ask, address, hex(final.number))
            receipts = await _receipts(ask, tx_hashes)
            return Settled(nonce, {key: one for key, one in receipts.items() if one.block_number <= final.number})

        return await self._pool.agree(question, f"the account {address} at block {final.number}")

    async def pending_nonce(self, address: str) -> int:
        """The nonce after all transactions that are mined or wait; of several endpoints, the second-highest."""
        seen = await self._pool.each(lambda ask: _nonce(ask, address, "pending"), linger=_LINGER)
        return sorted(seen, reverse=True)[min(1, len(seen) - 1)]

    async def balance(self, address: str) -> int:
        """Wei, at the latest block; of several endpoints, the most: one that denies the funds stops nothing."""

        async def question(ask: Ask) -> int:
            return parse.quantity(await ask("eth_getBalance", [address, "latest"]), "a balance")

        return max(await self._pool.each(question, linger=_LINGER))

    async def base_fee(self) -> int:
        """The latest block's base fee, wei per gas (EIP-1559); 0 where the chain has none."""
        block = parse.mapping(await self._pool.request("eth_getBlockByNumber", ["latest", False]), "the head")
        return parse.quantity(block.get("baseFeePerGas", "0x0"), "the base fee")

    async def estimate(self, sender: str, to: str, calldata: bytes, value: int = 0) -> int:
        """The gas that a transaction with `value` wei would use now; RevertError when it would revert."""
        return await self._pool.ask(lambda ask: _estimate(ask, sender, to, calldata, value))

    async def reverts(self, sender: str, to: str, calldata: bytes, value: int = 0) -> str | None:
        """Why a transaction would revert now, or None: every endpoint that answers must say that it would."""
        refusals: list[str] = []

        async def question(ask: Ask) -> str | None:
            try:
                await _estimate(ask, sender, to, calldata, value)
            except RevertError as error:
                return str(error)
            return None

        for found in await self._pool.each(question, linger=_LINGER):
            if found is None:
                return None
            refusals.append(found)
        return refusals[0]

    async def broadcast(self, raw: bytes) -> tuple[Taken, str]:
        """Hand in a signed transaction at every endpoint; what became of it, and an endpoint's own words.

        One that says yes and keeps it to itself must not keep it from the chain.
        """

        async def question(ask: Ask) -> tuple[Taken, str]:
            try:
                await ask("eth_sendRawTransaction", ["0x" + raw.hex()])
            except RpcError as error:
                return _verdict(error.message), error.message
            except RevertError as error:
                return Taken.REFUSED, str(error)
            return Taken.YES, ""

        found = await self._pool.each(question, linger=_LINGER)
        order = list(Taken)
        return min(found, key=lambda one: order.index(one[0]))


def _verdict(message: str) -> Taken:
    for taken, words in _WORDS.items():
        if any(word in message.lower() for word in words):
            return taken
    return Taken.REFUSED


async def _nonce(ask: Ask, address: str, block: str) -> int:
    found = parse.quantity(await ask("eth_getTransactionCount", [address, block]), "a nonce")
    return parse.small(found, "a nonce")


async def _estimate(ask: Ask, sender: str, to: str, calldata: bytes, value: int) -> int:
    request = {"from": sender, "data": "0x" + calldata.hex()}
    if to:  # without one it creates a contract
        request["to"] = to
    if value:
        request["value"] = hex(value)
    found = parse.quantity(await ask("eth_estimateGas", [request]), "a gas estimate")
    if found > _MAX_GAS:
        raise UnavailableError("an endpoint answered a gas estimate beyond any block")
    return found


async def _receipts(ask: Ask, tx_hashes: Sequence[bytes]) -> dict[bytes, Receipt]:
    found = [await _receipt(ask, tx_hash) for tx_hash in tx_hashes]
    return {one.tx_hash: one for one in found if one}


async def _receipt(ask: Ask, tx_hash: bytes) -> Receipt | None:
    answer = await ask("eth_getTransactionReceipt", ["0x" + tx_hash.hex()])
    if answer is None:
        return None
    fields = parse.mapping(answer, "a receipt")
    return Receipt(
        tx_hash=tx_hash,
        block_number=parse.small(parse.quantity(fields.get("blockNumber"), "a receipt"), "a receipt"),
        block_hash=parse.octets(fields.get("blockHash"), "a receipt", 32),
        succeeded=parse.quantity(fields.get("status"), "a receipt") == 1,
        gas_used=parse.quantity(fields.get("gasUsed"), "a receipt"),
        gas_price=parse.quantity(fields.get("effectiveGasPrice") or "0x0", "a receipt"),
    )
