"""A block's header as consensus hashes it, put together from what any endpoint says of the block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from node.errors import ChainError, printable

# The order of Prague's header (EIP-7685 added the last field); a number has no leading zeros, all else is bytes.
_BYTES: Final = 0
_NUMBER: Final = 1
_LONGEST: Final = 2 + 2 * 1_024
"""Characters of a field; the bloom filter's 256 bytes are the longest that Ethereum has."""
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
        ChainError: it is no block's header, or its keccak is not the block's hash.
    """
    import rlp  # type: ignore[import-untyped]
    from eth_hash.auto import keccak

    try:
        fields = [_field(block[name], kind) for name, kind in _FIELDS if block.get(name) is not None]
    except ValueError as error:
        raise ChainError(f"an endpoint's block is none: {printable(str(error))}") from None
    encoded = bytes(rlp.encode(fields))
    if "0x" + keccak(encoded).hex() != block.get("hash"):
        number = printable(str(block.get("number")), 40)
        raise ChainError(f"the header of block {number} cannot be put together from what the endpoint says of it")
    return encoded


def _field(text: object, kind: int) -> bytes:
    """One field's bytes; ValueError for what is no hexadecimal text of a header's size."""
    if not isinstance(text, str) or len(text) > _LONGEST or not text.startswith("0x"):
        raise ValueError("a header's field is no hexadecimal text")
    if kind == _NUMBER:
        number = int(text, 16)
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes.fromhex(text[2:])
