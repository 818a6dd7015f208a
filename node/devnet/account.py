"""A plain account that deploys and calls contracts over JSON-RPC and waits for every receipt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from node.chain.interface import artifact, interface
from node.errors import ChainError, RevertError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import AsyncWeb3
    from web3.types import RPCEndpoint, TxParams, TxReceipt

GAS_LIMIT = 12_000_000
"""Enough for the largest contract; unused gas costs nothing, and a fixed limit spares an estimate per transaction."""
TIP = 10**9
RECEIPT_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract: the name of its artifact, its address, and the block that made it (0: not known)."""

    name: str
    address: str
    block: int = field(default=0, compare=False)


class Account:
    """Signs with one key on one chain; a reverted call raises :class:`RevertError` with the contract's reason."""

    def __init__(self, web3: AsyncWeb3[Any], key: LocalAccount, *, gas_limit: int = GAS_LIMIT) -> None:
        self.web3 = web3
        self.address: str = key.address
        self._key = key
        self._gas_limit = gas_limit

    async def deploy(self, name: str, *arguments: Any) -> Contract:
        """Create the contract of artifact ``name``."""
        compiled = artifact(name)
        receipt = await self._transact(f"deploying {name}", None, init_code(compiled, arguments), 0)
        if receipt["contractAddress"] is None:
            raise ChainError(f"deploying {name}: the receipt names no contract")
        return Contract(name, str(receipt["contractAddress"]), receipt["blockNumber"])

    async def send(self, contract: Contract, function: str, *arguments: Any, value: int = 0) -> TxReceipt:
        """Call a function in a transaction, with ``value`` wei; the receipt of its success."""
        calldata = interface(contract.name).encode(function, *arguments)
        return await self._transact(f"{contract.name}.{function}", contract.address, calldata, value)

    async def read(self, contract: Contract, function: str, *arguments: Any) -> Any:
        """Call a view function at the head."""
        described = interface(contract.name)
        call: TxParams = {
            "to": self.web3.to_checksum_address(contract.address),
            "data": self.web3.to_hex(described.encode(function, *arguments)),
        }
        returned = await self._reverting(f"{contract.name}.{function}", call, "latest")
        return described.result(function, returned, len(arguments))

    async def mine(self, blocks: int) -> None:
        """Make blocks; for development chains only."""
        await self.rpc("anvil_mine", hex(blocks))

    async def transfer(self, to: str, wei: int) -> None:
        """Give an account `wei`."""
        await self._transact(f"transfer to {to}", to, b"", wei)

    async def rpc(self, method: str, *arguments: Any) -> Any:
        """Call any JSON-RPC method; ChainError if the chain refuses."""
        from typing import cast

        response = await self.web3.provider.make_request(cast("RPCEndpoint", method), list(arguments))
        if "error" in response:
            raise ChainError(f"{method}: {response['error']}")
        return response["result"]

    async def _transact(self, what: str, to: str | None, calldata: bytes, value: int) -> TxReceipt:
        from web3.exceptions import TimeExhausted, Web3RPCError

        eth = self.web3.eth
        base_fee = (await eth.get_block("latest"))["baseFeePerGas"]
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": await eth.chain_id,
            "nonce": await eth.get_transaction_count(self.web3.to_checksum_address(self.address), "pending"),
            "gas": self._gas_limit,
            "maxFeePerGas": 2 * base_fee + TIP,
            "maxPriorityFeePerGas": TIP,
            "value": value,
            "data": calldata,
        }
        if to is not None:
            fields["to"] = to
        try:
            sent = await eth.send_raw_transaction(self._key.sign_transaction(fields).raw_transaction)
            receipt = await eth.wait_for_transaction_receipt(sent, timeout=RECEIPT_TIMEOUT, poll_latency=0.02)
        except (Web3RPCError, TimeExhausted) as error:
            # Two who send from one account at once are told of the same nonce.
            raise ChainError(f"{what}: not mined: {error}") from error
        if receipt["status"] != 1:
            # The receipt does not say why: ask again on the state that the transaction met.
            fields.pop("nonce")
            await self._reverting(what, {**fields, "from": self.address}, receipt["blockNumber"] - 1)  # type: ignore[typeddict-item]
            raise RevertError(f"{what}: reverted")
        return receipt

    async def _reverting(self, what: str, call: TxParams, block: Any) -> bytes:
        from web3.exceptions import ContractLogicError, Web3RPCError

        try:
            return bytes(await self.web3.eth.call(call, block, ccip_read_enabled=False))
        except ContractLogicError as error:
            raise RevertError(f"{what}: {error.message or 'reverted'}") from error
        except Web3RPCError as error:
            raise ChainError(f"{what}: {error.message}") from error


def connect(url: str) -> AsyncWeb3[Any]:
    """A web3 client of ``url``; close it with ``await web3.provider.disconnect()``."""
    from web3 import AsyncHTTPProvider, AsyncWeb3

    provider = AsyncHTTPProvider(url)
    provider.global_ccip_read_enabled = False  # CVE-2026-40072: contracts choose no URLs for us
    return AsyncWeb3(provider)


def init_code(compiled: dict[str, Any], arguments: tuple[Any, ...]) -> bytes:
    """Return what creates a contract: an artifact's creation bytecode, then its constructor's arguments."""
    from eth_abi.abi import encode

    from node.chain.interface import canonical_type

    inputs = [item for entry in compiled["abi"] if entry["type"] == "constructor" for item in entry["inputs"]]
    types = [canonical_type(item) for item in inputs]
    return bytes.fromhex(compiled["bytecode"].removeprefix("0x")) + encode(types, arguments)
