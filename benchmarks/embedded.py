"""The contracts that ship, run on an embedded Prague chain, where receipts tell what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import Address
from web3 import Web3

from node.chain.interface import artifact
from node.devnet.evm.blocks import Receipt
from node.devnet.evm.chain import DevnetChain
from node.devnet.evm.execution import Call
from node.devnet.genesis import dev_account

TX_BASE_GAS = 21_000
GAS_LIMIT = 16_000_000


@dataclass
class Embedded:
    """The chain, with one account that deploys, owns and transmits everything."""

    evm: DevnetChain = field(default_factory=DevnetChain)

    def __post_init__(self) -> None:
        self.account = dev_account(self.evm.settings.seed, 0)

    def send(self, to: str, data: str | bytes, key: LocalAccount | None = None, value: int = 0) -> Receipt:
        """Send a transaction (`to` empty: a creation); its receipt.

        Raises:
            RuntimeError: the transaction failed.
        """
        account = key or self.account
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self.evm.settings.chain_id,
            "nonce": self.evm.pending_nonce(_bytes(account.address)),
            "value": value,
            "data": data,
            "gas": GAS_LIMIT,
            "maxFeePerGas": 2 * 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        if to:
            transaction["to"] = to
        signed = account.sign_transaction(transaction)
        receipt = self.evm.receipt(self.evm.send(bytes(signed.raw_transaction)))
        if receipt is None or not receipt.succeeded:
            raise RuntimeError("a transaction of the benchmark failed")
        return receipt

    def deploy(self, name: str, *arguments: Any) -> Deployed:
        """Deploy a contract by its name."""
        shipped = artifact(name)
        factory = Web3().eth.contract(abi=shipped["abi"], bytecode=shipped["bytecode"])
        created = self.send("", factory.constructor(*arguments).data_in_transaction).created
        if created is None:
            raise RuntimeError(f"{name} was not created")
        return Deployed(self, Web3().eth.contract(address=Web3.to_checksum_address(created), abi=factory.abi))


@dataclass
class Deployed:
    """A contract on the chain: its functions are sent as real transactions."""

    chain: Embedded
    contract: Any

    @property
    def address(self) -> str:
        """Where it stands, EIP-55."""
        return str(self.contract.address)

    def send(self, function: str, *arguments: Any, key: LocalAccount | None = None, value: int = 0) -> Receipt:
        """Call a function in a transaction of its own; the receipt, which tells of success."""
        return self.chain.send(self.address, self.contract.encode_abi(function, arguments), key, value)

    def read_gas(self, function: str, *arguments: Any) -> int:
        """Gas that a contract pays for reading this with everything cold, without the call itself (EIP-2929: 2,600)."""
        sender = _bytes(self.chain.account.address)
        data = bytes.fromhex(self.contract.encode_abi(function, arguments)[2:])
        call = Call(sender=sender, to=_bytes(self.address), data=data, value=0, gas=GAS_LIMIT)
        outcome = self.chain.evm.call(call, self.chain.evm.head)
        if outcome.failure:
            raise RuntimeError(f"{function} cannot be read") from outcome.failure
        return outcome.gas_used - TX_BASE_GAS - calldata_gas(data)


def calldata_gas(data: bytes) -> int:
    """What a transaction pays for its calldata (EIP-2028), where EIP-7623's floor is no more than its execution."""
    return sum(16 if byte else 4 for byte in data)


def _bytes(address: str) -> Address:
    return Address(bytes.fromhex(address[2:]))
