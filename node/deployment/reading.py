"""What a check asks the chain: ids, code, views, and the transaction that created a contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.chain import parse
from node.chain.calls import call_at
from node.chain.interface import interface
from node.chain.types import NOBODY

if TYPE_CHECKING:
    from node.chain.endpoints.pool import Ask, RpcPool


@dataclass(frozen=True, slots=True)
class Creation:
    """The transaction that created a contract: its hash, its sender, and what it carried."""

    tx_hash: bytes
    sender: str
    carried: bytes


class Reading:
    """One chain through a pool of endpoints, which must say the same where there are several.

    Every method raises ChainError when the chain cannot be read, and RevertError when a contract refuses.
    """

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool

    async def chain_id(self) -> int:
        """The chain's id."""

        async def question(ask: Ask) -> int:
            return parse.small(parse.quantity(await ask("eth_chainId", []), "its chain id"), "its chain id", 64)

        return await self._pool.agree(question, "the chain id")

    async def genesis(self) -> bytes:
        """The hash of block 0."""

        async def question(ask: Ask) -> bytes:
            return parse.block(await ask("eth_getBlockByNumber", ["0x0", False]), "block 0").hash

        return await self._pool.agree(question, "block 0")

    async def code(self, address: str) -> bytes:
        """What stands at an address now."""

        async def question(ask: Ask) -> bytes:
            return parse.octets(await ask("eth_getCode", [address, "latest"]), "eth_getCode")

        return await self._pool.agree(question, f"the code of {address}")

    async def view(self, contract: str, address: str, function: str, *arguments: Any) -> Any:
        """What a view of one of the package's contracts answers now."""
        abi = interface(contract)
        calldata = abi.encode(function, *arguments)
        returned = await self._pool.agree(lambda ask: call_at(ask, address, calldata, None), function)
        return abi.result(function, returned, len(arguments))

    async def account(self, contract: str, address: str, function: str) -> str:
        """Like `view` for one that answers an address."""
        return checksum(await self.view(contract, address, function))

    async def creation(self, address: str, block: int) -> Creation | None:
        """The transaction of a block that created a contract, None if none of its transactions did so itself."""

        async def question(ask: Ask) -> Creation | None:
            told = await ask("eth_getBlockByNumber", [hex(block), True])
            parse.block(told, f"block {block}")
            transactions = told.get("transactions")
            for one in transactions if isinstance(transactions, list) else ():
                fields = parse.mapping(one, "a transaction")
                if fields.get("to") is None and (found := _creation(fields, address)) is not None:
                    return found
            return None

        return await self._pool.agree(question, f"the transactions of block {block}")


def checksum(address: str) -> str:
    """An address with its checksum; nobody's too."""
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address)) if int(address, 16) else NOBODY


def _creation(fields: Any, address: str) -> Creation | None:
    import rlp  # type: ignore[import-untyped]
    from eth_utils.crypto import keccak

    sender = parse.octets(fields.get("from"), "a sender", 20)
    nonce = parse.small(parse.quantity(fields.get("nonce"), "a nonce"), "a nonce", 64)
    # Where a contract goes follows from who creates it, and as his how manieth transaction (yellow paper, section 7).
    created = keccak(rlp.encode([sender, nonce]))[12:]
    if created != bytes.fromhex(address[2:]):
        return None
    return Creation(
        tx_hash=parse.octets(fields.get("hash"), "a transaction's hash", 32),
        sender=checksum("0x" + sender.hex()),
        carried=parse.octets(fields.get("input"), "a transaction's input"),
    )
