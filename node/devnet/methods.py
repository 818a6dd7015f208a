"""The table of JSON-RPC methods that the embedded chain answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from node.devnet import rpc_chain, rpc_control, rpc_state
from node.devnet.chain import DevnetChain


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


def peers(_chain: DevnetChain) -> str:
    """There are none."""
    return "0x0"


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "web3_clientVersion": client_version,
    "net_version": rpc_state.network,
    "net_listening": listening,
    "net_peerCount": peers,
    "eth_chainId": rpc_state.chain_id,
    "eth_syncing": rpc_chain.syncing,
    "eth_accounts": rpc_control.accounts,
    "eth_blockNumber": rpc_chain.block_number,
    "eth_getBlockByNumber": rpc_chain.block_by_number,
    "eth_getBlockByHash": rpc_chain.block_by_hash,
    "eth_getBlockTransactionCountByNumber": rpc_chain.transaction_count_by_number,
    "eth_getBlockTransactionCountByHash": rpc_chain.transaction_count_by_hash,
    "eth_getBlockReceipts": rpc_chain.block_receipts,
    "eth_getTransactionByHash": rpc_chain.transaction,
    "eth_getRawTransactionByHash": rpc_chain.raw_transaction,
    "eth_getTransactionReceipt": rpc_chain.receipt,
    "eth_getLogs": rpc_chain.logs,
    "eth_gasPrice": rpc_chain.gas_price,
    "eth_maxPriorityFeePerGas": rpc_chain.priority_fee,
    "eth_blobBaseFee": rpc_chain.blob_base_fee,
    "eth_feeHistory": rpc_chain.fee_history,
    "eth_getBalance": rpc_state.balance,
    "eth_getCode": rpc_state.code,
    "eth_getStorageAt": rpc_state.storage,
    "eth_getTransactionCount": rpc_state.nonce,
    "eth_call": rpc_state.call,
    "eth_estimateGas": rpc_state.estimate_gas,
    "eth_sendRawTransaction": rpc_control.send_raw,
    "debug_getRawHeader": rpc_chain.raw_header,
    "evm_mine": rpc_control.evm_mine,
    "anvil_mine": rpc_control.anvil_mine,
    "hardhat_mine": rpc_control.anvil_mine,
    "evm_setNextBlockTimestamp": rpc_control.set_next_timestamp,
    "evm_increaseTime": rpc_control.increase_time,
    "evm_setAutomine": rpc_control.set_automine,
    "anvil_getAutomine": rpc_control.get_automine,
    "anvil_rollback": rpc_control.rollback,
    "anvil_dropAllTransactions": rpc_control.drop_transactions,
    "patina_fund": rpc_control.fund,
    "patina_rewind": rpc_control.rewind,
}
METHODS = {name: Method(function) for name, function in _FUNCTIONS.items()}
"""By name, as clients call them."""
