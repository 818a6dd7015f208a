"""A block's header as consensus hashes it, put together from what any endpoint says of the block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from node.errors import ChainError

# The order of Prague's header (EIP-7685 added the last field); a number has no leading zeros, all else is bytes.
_BYTES: Final = 0
_NUMBER: Final = 1
_FIELDS: Final = (
    ("parentHash", _BYTES),
    ("sha3Uncles", _BYTES),
    ("miner", _BYTES),
    ("stateRoot", _BYTES),
    ("transactionsRoot", _BYTES),
    ("receiptsRoot", _BYTES),
    ("logsBloom", _BYTES),
    ("difficulty", _NUMBER),
    ("number", _NUMBER),
    ("gasLimit", _NUMBER),
    ("gasUsed", _NUMBER),
    ("timestamp", _NUMBER),
    ("extraData", _BYTES),
    ("mixHash", _BYTES),
    ("nonce", _BYTES),
    ("baseFeePerGas", _NUMBER),
    ("withdrawalsRoot", _BYTES),
    ("blobGasUsed", _NUMBER),
    ("excessBlobGas", _NUMBER),
    ("parentBeaconBlockRoot", _BYTES),
    ("requestsHash", _BYTES),
)


def header_rlp(block: Mapping[str, Any]) -> bytes:
    """Return the RLP header of a block as `eth_getBlockByNumber` answers it.

    Fields of later forks are left out where the block has none. `debug_getRawHeader` would say it outright, but few
    endpoints answer that.

    Raises:
        ChainError: the header's keccak is not the block's hash.
    """
    import rlp  # type: ignore[import-untyped]
    from eth_hash.auto import keccak

    fields = [_field(str(block[name]), kind) for name, kind in _FIELDS if block.get(name) is not None]
    encoded = bytes(rlp.encode(fields))
    if "0x" + keccak(encoded).hex() != block["hash"]:
        raise ChainError(f"the header of block {int(str(block['number']), 16)} cannot be put together")
    return encoded


def _field(text: str, kind: int) -> bytes:
    if kind == _NUMBER:
        number = int(text, 16)
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes.fromhex(text.removeprefix("0x"))
