"""The table of JSON-RPC methods that the embedded chain answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from node.devnet.evm.chain import DevnetChain
from node.devnet.rpc import blocks, control, state


@dataclass(frozen=True)
class Method:
    """A method: a function of the chain and the request's positional params."""

    call: Callable[..., Any]

    @cached_property
    def arity(self) -> tuple[int, int]:
        """The fewest and the most params it takes."""
        parameters = list(inspect.signature(self.call).parameters.values())[1:]
        required = sum(parameter.default is inspect.Parameter.empty for parameter in parameters)
        return required, len(parameters)


def client_version(_chain: DevnetChain) -> str:
    """Name and version of this chain, as web3_clientVersion gives it."""
    try:
        release = version("patina")
    except PackageNotFoundError:
        release = "unknown"
    return f"patina-devnet/{release}"


def listening(_chain: DevnetChain) -> bool:
    """Whether the network side is up: there is none, and nothing is amiss."""
    return True


def mining(_chain: DevnetChain) -> bool:
    """Whether blocks come by themselves, which tools wait for them by: on demand or by the clock, they do."""
    return True


def peers(_chain: DevnetChain) -> str:
    """There are none."""
    return "0x0"


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "web3_clientVersion": client_version,
    "net_version": state.network,
    "net_listening": listening,
    "net_peerCount": peers,
    "eth_chainId": state.chain_id,
    "eth_syncing": blocks.syncing,
    "eth_mining": mining,
    "eth_accounts": control.accounts,
    "eth_blockNumber": blocks.block_number,
    "eth_getBlockByNumber": blocks.block_by_number,
    "eth_getBlockByHash": blocks.block_by_hash,
    "eth_getBlockTransactionCountByNumber": blocks.transaction_count_by_number,
    "eth_getBlockTransactionCountByHash": blocks.transaction_count_by_hash,
    "eth_getBlockReceipts": blocks.block_receipts,
    "eth_getTransactionByHash": blocks.transaction,
    "eth_getRawTransactionByHash": blocks.raw_transaction,
    "eth_getTransactionReceipt": blocks.receipt,
    "eth_getLogs": blocks.logs,
    "eth_gasPrice": blocks.gas_price,
    "eth_maxPriorityFeePerGas": blocks.priority_fee,
    "eth_blobBaseFee": blocks.blob_base_fee,
    "eth_feeHistory": blocks.fee_history,
    "eth_getBalance": state.balance,
    "eth_getCode": state.code,
    "eth_getStorageAt": state.storage,
    "eth_getTransactionCount": state.nonce,
    "eth_call": state.call,
    "eth_estimateGas": state.estimate_gas,
    "eth_sendRawTransaction": control.send_raw,
    "debug_getRawHeader": blocks.raw_header,
    "evm_mine": control.evm_mine,
    "anvil_mine": control.anvil_mine,
    "hardhat_mine": control.anvil_mine,
    "evm_setNextBlockTimestamp": control.set_next_timestamp,
    "evm_increaseTime": control.increase_time,
    "evm_setAutomine": control.set_automine,
    "anvil_getAutomine": control.get_automine,
    "anvil_rollback": control.rollback,
    "anvil_dropAllTransactions": control.drop_transactions,
    "patina_fund": control.fund,
    "patina_rewind": control.rewind,
}
METHODS = {name: Method(function) for name, function in _FUNCTIONS.items()}
"""By name, as clients call them."""
