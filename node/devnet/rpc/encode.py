"""Blocks, transactions, receipts and logs in the shapes of Ethereum's JSON-RPC."""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address

from node.devnet.evm.blocks import Block, Log, Receipt
from node.devnet.evm.transactions import Transaction

Json = Any
"""A JSON value."""
_EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"


def quantity(value: int) -> str:
    """An integer as a hex quantity."""
    return hex(value)


def data(value: bytes | None) -> str:
    """Bytes as hex; py-evm types the header fields that only later forks have as possibly None."""
    return "0x" + (value or b"").hex()


def bloom(value: int) -> str:
    """A 2048-bit bloom filter."""
    return data(value.to_bytes(256, "big"))


def block(item: Block, full: bool) -> dict[str, Json]:
    """A block; ``full`` with whole transactions instead of their hashes."""
    header = item.header
    transactions = [
        transaction(receipt.transaction, item, receipt.index) if full else data(receipt.transaction.hash)
        for receipt in item.receipts
    ]
    return {
        "number": quantity(item.number),
        "hash": data(item.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": _EMPTY_UNCLES,
        "miner": to_checksum_address(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "logsBloom": bloom(header.bloom),
        "difficulty": "0x0",
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "baseFeePerGas": quantity(item.base_fee),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),  # type: ignore[attr-defined]
        "size": quantity(item.size),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def transaction(item: Transaction, mined_in: Block | None, index: int | None) -> dict[str, Json]:
    """A transaction; without a block it is one that waits."""
    body = item.body
    fields: dict[str, Json] = {
        "hash": data(item.hash),
        "type": quantity(item.type),
        "nonce": quantity(item.nonce),
        "from": to_checksum_address(item.sender),
        "to": to_checksum_address(item.to) if item.to else None,
        "value": quantity(item.value),
        "gas": quantity(item.gas),
        "gasPrice": quantity(item.gas_price(mined_in.base_fee) if mined_in else item.max_fee),
        "input": data(item.data),
        "blockHash": data(mined_in.hash) if mined_in else None,
        "blockNumber": quantity(mined_in.number) if mined_in else None,
        "transactionIndex": quantity(index) if index is not None else None,
        "r": quantity(body.r),
        "s": quantity(body.s),
    }
    if item.chain_id is not None:
        fields["chainId"] = quantity(item.chain_id)
    if item.type == 0:
        fields["v"] = quantity(body.v)  # type: ignore[attr-defined]
        return fields
    fields["v"] = fields["yParity"] = quantity(body.y_parity)
    fields["accessList"] = [
        {"address": to_checksum_address(address), "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots]}
        for address, slots in body.access_list
    ]
    if item.type >= 2:
        fields["maxFeePerGas"] = quantity(item.max_fee)
        fields["maxPriorityFeePerGas"] = quantity(item.priority_fee)
    if item.type == 4:
        fields["authorizationList"] = [
            {
                "chainId": quantity(entry.chain_id),
                "address": to_checksum_address(entry.address),
                "nonce": quantity(entry.nonce),
                "yParity": quantity(entry.y_parity),
                "r": quantity(entry.r),
                "s": quantity(entry.s),
            }
            for entry in body.authorization_list
        ]
    return fields


def receipt(item: Receipt, mined_in: Block) -> dict[str, Json]:
    """A mined transaction's receipt."""
    tx = item.transaction
    return {
        "transactionHash": data(tx.hash),
        "transactionIndex": quantity(item.index),
        "blockHash": data(mined_in.hash),
        "blockNumber": quantity(mined_in.number),
        "from": to_checksum_address(tx.sender),
        "to": to_checksum_address(tx.to) if tx.to else None,
        "contractAddress": to_checksum_address(item.created) if item.created else None,
        "cumulativeGasUsed": quantity(item.cumulative_gas),
        "gasUsed": quantity(item.gas_used),
        "effectiveGasPrice": quantity(item.gas_price),
        "logs": [log(entry) for entry in item.logs],
        "logsBloom": bloom(item.bloom),
        "status": quantity(int(item.succeeded)),
        "type": quantity(tx.type),
    }


def log(item: Log) -> dict[str, Json]:
    """An event."""
    return {
        "address": to_checksum_address(item.address),
        "topics": [data(topic) for topic in item.topics],
        "data": data(item.data),
        "blockNumber": quantity(item.block_number),
        "blockHash": data(item.block_hash),
        "blockTimestamp": quantity(item.block_timestamp),
        "transactionHash": data(item.tx_hash),
        "transactionIndex": quantity(item.tx_index),
        "logIndex": quantity(item.index),
        "removed": False,
    }
