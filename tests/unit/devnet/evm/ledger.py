"""A chain and accounts that sign for it, for the tests of this folder."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import Address, Hash32

from node.chain.interface import artifact, interface
from node.devnet.evm.blocks import Receipt
from node.devnet.evm.chain import DevnetChain
from node.devnet.evm.execution import Call
from node.devnet.genesis import dev_account
from node.devnet.settings import ChainSettings

GWEI = 10**9
NOBODY = Address(bytes(20))


class Ledger:
    """A chain with its first development accounts."""

    def __init__(self, settings: ChainSettings | None = None) -> None:
        self.chain = DevnetChain(settings)
        seed = self.chain.settings.seed
        self.keys = [dev_account(seed, index) for index in range(4)]

    def address(self, index: int = 0) -> Address:
        return Address(bytes.fromhex(self.keys[index].address[2:]))

    def sign(self, index: int = 0, **fields: Any) -> bytes:
        key: LocalAccount = self.keys[index]
        defaults = {
            "chainId": self.chain.settings.chain_id,
            "nonce": self.chain.pending_nonce(self.address(index)),
            "gas": 1_000_000,
            "value": 0,
            "data": b"",
        }
        if "gasPrice" not in fields:
            defaults |= {"type": 2, "maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI}
        filled = defaults | fields
        if filled.get("to") is None:
            filled.pop("to", None)
        return bytes(key.sign_transaction(filled).raw_transaction)

    def send(self, index: int = 0, **fields: Any) -> Hash32:
        return self.chain.send(self.sign(index, **fields))

    def transact(self, index: int = 0, **fields: Any) -> Receipt:
        receipt = self.chain.receipt(self.send(index, **fields))
        assert receipt is not None
        return receipt

    def deploy(self, runtime: bytes) -> Address:
        """Create a contract of exactly this code, at most 255 bytes."""
        copier = bytes.fromhex(f"60{len(runtime):02x}80600b6000396000f3")
        created = self.transact(data=copier + runtime).created
        assert created is not None
        return created

    def token(self) -> Address:
        from eth_abi.abi import encode

        code = bytes.fromhex(artifact("TestToken")["bytecode"].removeprefix("0x"))
        created = self.transact(data=code + encode(["string", "string", "uint8"], ["T", "T", 6]), gas=3_000_000).created
        assert created is not None
        return created

    def token_call(self, function: str, *arguments: Any) -> bytes:
        return interface("TestToken").encode(function, *arguments)

    def call(self, to: bytes, data: bytes = b"", **fields: Any) -> Call:
        defaults = {"sender": self.address(), "value": 0, "gas": self.chain.settings.gas_limit}
        return Call(to=to, data=data, **(defaults | fields))
