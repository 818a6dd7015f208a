"""An account that puts thousands of transactions on a development chain, many to a block."""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode as rlp  # type: ignore[import-untyped]

from node.chain.endpoints.pool import RpcPool
from node.chain.interface import artifact
from node.devnet.account import init_code
from node.devnet.genesis import dev_account
from node.devnet.settings import ChainSettings

GAS = 6_000_000
PER_BLOCK = 200


class Hasty:
    """Signs without asking: its nonces, and so the addresses of what it creates, are known beforehand."""

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool
        self._key = dev_account(ChainSettings().seed, 0)
        self._nonce = 0
        self._waiting: list[bytes] = []
        self.address = str(self._key.address)

    def queue(self, to: str | None, calldata: bytes) -> None:
        """Sign a call, or a creation, for the next `settle`."""
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": ChainSettings().chain_id,
            "nonce": self._nonce,
            "gas": GAS,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
            "value": 0,
            "data": calldata,
        }
        if to is not None:
            fields["to"] = to
        self._nonce += 1
        self._waiting.append(bytes(self._key.sign_transaction(fields).raw_transaction))

    def queue_create(self, name: str, *arguments: Any) -> str:
        """Sign a contract's creation; the address that it will have (EIP-2 and the yellow paper, section 7)."""
        created = keccak(rlp([bytes.fromhex(self.address[2:]), self._nonce]))[12:]
        self.queue(None, init_code(artifact(name), arguments))
        return str(to_checksum_address(created))

    async def create(self, name: str, *arguments: Any) -> str:
        """Create one contract at once; its address."""
        address = self.queue_create(name, *arguments)
        await self.settle()
        return address

    async def settle(self) -> None:
        """Have everything mined that was queued; RuntimeError if a transaction failed."""
        waiting, self._waiting = self._waiting, []
        await self._pool.request("evm_setAutomine", [False])
        hashes = []
        for number, raw in enumerate(waiting, 1):
            hashes.append(await self._pool.request("eth_sendRawTransaction", ["0x" + raw.hex()]))
            if number % PER_BLOCK == 0:
                await self.mine(1)
        await self.mine(1)
        await self._pool.request("evm_setAutomine", [True])
        for one in hashes:
            receipt = await self._pool.request("eth_getTransactionReceipt", [one])
            if receipt is None or int(receipt["status"], 16) != 1:
                raise RuntimeError("a transaction of the benchmark failed")

    async def mine(self, blocks: int) -> None:
        """Make blocks."""
        await self._pool.request("anvil_mine", [hex(blocks)])

    async def height(self) -> int:
        """The head's number."""
        return int(await self._pool.request("eth_blockNumber"), 16)
