"""JSON-RPC methods that read blocks, transactions, receipts, logs and fees."""

from __future__ import annotations

from itertools import accumulate

from node.devnet.evm.blocks import Block
from node.devnet.evm.chain import DevnetChain
from node.devnet.evm.errors import DevnetError
from node.devnet.rpc import encode, params
from node.devnet.rpc.encode import Json

MAX_FEE_HISTORY = 1024


def block_number(chain: DevnetChain) -> Json:
    """The head's height."""
    return encode.quantity(chain.head.number)


def block_by_number(chain: DevnetChain, block: Json, full: Json = False) -> Json:
    """A block by height or tag, or null."""
    found = chain.block(params.number(chain, block))
    return encode.block(found, params.boolean(full, "full")) if found else None


def block_by_hash(chain: DevnetChain, block_hash: Json, full: Json = False) -> Json:
    """A block by hash, or null."""
    found = chain.block_by_hash(params.data(block_hash, "block hash", 32))
    return encode.block(found, params.boolean(full, "full")) if found else None


def transaction_count_by_number(chain: DevnetChain, block: Json) -> Json:
    """How many transactions a block holds, or null."""
    found = chain.block(params.number(chain, block))
    return encode.quantity(len(found.receipts)) if found else None


def transaction_count_by_hash(chain: DevnetChain, block_hash: Json) -> Json:
    """How many transactions a block holds, or null."""
    found = chain.block_by_hash(params.data(block_hash, "block hash", 32))
    return encode.quantity(len(found.receipts)) if found else None


def transaction(chain: DevnetChain, tx_hash: Json) -> Json:
    """A transaction, mined or waiting, or null."""
    wanted = params.data(tx_hash, "transaction hash", 32)
    receipt = chain.receipt(wanted)
    if receipt is not None:
        return encode.transaction(receipt.transaction, _mined_in(chain, wanted), receipt.index)
    waiting = chain.waiting(wanted)
    return encode.transaction(waiting, None, None) if waiting else None


def raw_transaction(chain: DevnetChain, tx_hash: Json) -> Json:
    """A transaction's bytes as they were sent, or null."""
    wanted = params.data(tx_hash, "transaction hash", 32)
    receipt = chain.receipt(wanted)
    found = receipt.transaction if receipt else chain.waiting(wanted)
    return encode.data(found.raw) if found else None


def receipt(chain: DevnetChain, tx_hash: Json) -> Json:
    """A mined transaction's receipt, or null."""
    wanted = params.data(tx_hash, "transaction hash", 32)
    found = chain.receipt(wanted)
    return encode.receipt(found, _mined_in(chain, wanted)) if found else None


def block_receipts(chain: DevnetChain, block: Json) -> Json:
    """All receipts of a block, or null."""
    found = params.block_or_none(chain, block)
    return [encode.receipt(item, found) for item in found.receipts] if found else None


def logs(chain: DevnetChain, query: Json) -> Json:
    """Events by block range or block hash, addresses and topics."""
    fields = params.mapping(query, "filter", ("fromBlock", "toBlock", "blockHash", "address", "topics"))
    if "blockHash" in fields:
        if "fromBlock" in fields or "toBlock" in fields:
            raise params.invalid("filter has a block hash and a block range")
        block = chain.block_by_hash(params.data(fields["blockHash"], "blockHash", 32))
        if block is None:
            raise DevnetError("unknown block")
        first = last = block.number
    else:
        first = params.number(chain, fields.get("fromBlock", "latest"))
        last = params.number(chain, fields.get("toBlock", "latest"))
        if first > last:
            raise params.invalid("invalid block range: fromBlock lies after toBlock")
    addresses = params.log_addresses(fields.get("address"))
    topics = params.log_topics(fields.get("topics"))
    return [encode.log(item) for item in chain.logs(first, last, addresses, topics)]


def gas_price(chain: DevnetChain) -> Json:
    """What a legacy transaction may well pay: the base fee and the usual tip."""
    return encode.quantity(chain.head.base_fee + chain.settings.priority_fee)


def priority_fee(chain: DevnetChain) -> Json:
    """The usual tip."""
    return encode.quantity(chain.settings.priority_fee)


def blob_base_fee(_chain: DevnetChain) -> Json:
    """Blobs are not carried, so their price stands at its floor of one wei."""
    return encode.quantity(1)


def fee_history(chain: DevnetChain, count: Json, newest: Json, percentiles: Json = None) -> Json:
    """Base fees, fullness and, on request, tips at percentiles of gas used."""
    last = params.block(chain, newest).number
    wanted = min(params.quantity(count, "block count"), MAX_FEE_HISTORY, last + 1)
    ranks = _percentiles(percentiles)
    blocks = [block for n in range(last + 1 - wanted, last + 1) if (block := chain.block(n)) is not None]
    history: dict[str, Json] = {
        "oldestBlock": encode.quantity(last + 1 - wanted),
        "baseFeePerGas": [encode.quantity(block.base_fee) for block in blocks]
        + [encode.quantity(chain.base_fee_after(last))],
        "gasUsedRatio": [block.header.gas_used / block.header.gas_limit for block in blocks],
        "baseFeePerBlobGas": ["0x1"] * (wanted + 1),
        "blobGasUsedRatio": [0.0] * wanted,
    }
    if ranks is not None:
        history["reward"] = [[encode.quantity(tip) for tip in _tips(block, ranks)] for block in blocks]
    return history


def raw_header(chain: DevnetChain, block: Json) -> Json:
    """A header's RLP, whose keccak is the block's hash; by height, tag, hash or EIP-1898 object."""
    if isinstance(block, str) and len(block) == 66:
        block = {"blockHash": block}
    return encode.data(params.block(chain, block).header_rlp)


def syncing(_chain: DevnetChain) -> Json:
    """Never: the chain is made here."""
    return False


def _mined_in(chain: DevnetChain, tx_hash: bytes) -> Block:
    number = chain.mined_in(tx_hash)
    block = chain.block(number)
    if block is None:
        raise DevnetError(f"block {number} is gone")
    return block


def _percentiles(value: Json) -> list[float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 100:
        raise params.invalid("reward percentiles must be a list of at most 100")
    for before, item in zip([0, *value], value, strict=False):
        if not isinstance(item, int | float) or isinstance(item, bool) or not before <= item <= 100:
            raise params.invalid("reward percentiles must ascend between 0 and 100")
    return value


def _tips(block: Block, ranks: list[float]) -> list[int]:
    by_tip = sorted((r.gas_price - block.base_fee, r.gas_used) for r in block.receipts)
    if not by_tip:
        return [0] * len(ranks)
    total = block.header.gas_used
    sums = list(accumulate(gas for _, gas in by_tip))
    tips = [tip for tip, _ in by_tip]
    return [tips[next(i for i, gas in enumerate(sums) if gas * 100 >= total * rank)] for rank in ranks]
