"""Reading the parameters of JSON-RPC requests: strict, and never surprised by what it is given."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, cast, get_args

from eth_typing import Address

from node.devnet.evm.blocks import Block
from node.devnet.evm.chain import DevnetChain, Tag
from node.devnet.evm.errors import INVALID_PARAMS, DevnetError
from node.devnet.evm.execution import Call

_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_TAGS: Final = get_args(Tag)
NO_ADDRESS: Final = Address(bytes(20))


def invalid(message: str) -> DevnetError:
    """The error for parameters that cannot be used."""
    return DevnetError(message, INVALID_PARAMS)


def quantity(value: object, name: str) -> int:
    """A hex quantity (or a plain JSON integer, which hardhat-like tools send), 0 <= value < 2**256."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**256:
        return value
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise invalid(f"{name} must be a hex quantity below 2**256")


def data(value: object, name: str, length: int | None = None) -> bytes:
    """Hex bytes, of exactly ``length`` if that is given."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise invalid(f"{name} must be a string of hex bytes with prefix 0x")
    raw = bytes.fromhex(value[2:])
    if length is not None and len(raw) != length:
        raise invalid(f"{name} must be {length} bytes long, not {len(raw)}")
    return raw


def address(value: object, name: str) -> Address:
    """A 20-byte address."""
    return Address(data(value, name, 20))


def boolean(value: object, name: str) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false")
    return value


def mapping(value: object, name: str, known: Collection[str]) -> dict[str, Any]:
    """A JSON object that has no other keys than ``known``; keys that are null count as absent."""
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise invalid(f"{name} has keys that are not supported: {', '.join(unknown)[:200]}")
    return {key: item for key, item in value.items() if item is not None}


def block_or_none(chain: DevnetChain, value: object) -> Block | None:
    """The block that a number, tag or EIP-1898 object names; None where there is no such block."""
    if isinstance(value, dict):
        fields = mapping(value, "block", ("blockNumber", "blockHash", "requireCanonical"))
        if ("blockNumber" in fields) == ("blockHash" in fields):
            raise invalid("block must have one of blockNumber and blockHash")
        if "blockHash" in fields:
            return chain.block_by_hash(data(fields["blockHash"], "blockHash", 32))
        return chain.block(quantity(fields["blockNumber"], "blockNumber"))
    return chain.block(number(chain, value))


def number(chain: DevnetChain, value: object) -> int:
    """The height that a number or tag names; it need not exist yet."""
    if isinstance(value, str) and value in _TAGS:
        return chain.number_of(cast(Tag, value))
    return quantity(value, "block number")


def block(chain: DevnetChain, value: object) -> Block:
    """As :func:`block_or_none`, but a missing block is an error, as it is for state queries."""
    found = block_or_none(chain, value)
    if found is None:
        raise DevnetError("header not found")
    return found


_CALL_KEYS = (
    "from", "to", "data", "input", "value", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce",
    "type", "chainId", "accessList",
)  # fmt: skip


def call(chain: DevnetChain, value: object) -> Call:
    """The transaction object of eth_call and eth_estimateGas; gas defaults to, and is capped by, a block's."""
    fields = mapping(value, "transaction", _CALL_KEYS)
    if "input" in fields and "data" in fields and fields["input"] != fields["data"]:
        raise invalid("transaction has both data and input, and they differ")
    limit = chain.settings.gas_limit
    price = fields.get("maxFeePerGas", fields.get("gasPrice", "0x0"))
    return Call(
        sender=address(fields["from"], "from") if "from" in fields else NO_ADDRESS,
        to=address(fields["to"], "to") if fields.get("to") not in (None, "0x", "") else b"",
        data=data(fields.get("input", fields.get("data", "0x")), "data"),
        value=quantity(fields.get("value", "0x0"), "value"),
        gas=min(quantity(fields["gas"], "gas"), limit) if "gas" in fields else limit,
        gas_price=quantity(price, "gas price"),
        access_list=_access_list(fields.get("accessList", [])),
    )


def _access_list(value: object) -> tuple[tuple[Address, tuple[int, ...]], ...]:
    if not isinstance(value, list):
        raise invalid("accessList must be a list")
    entries = []
    for item in value:
        fields = mapping(item, "accessList entry", ("address", "storageKeys"))
        keys = fields.get("storageKeys", [])
        if not isinstance(keys, list):
            raise invalid("storageKeys must be a list")
        slots = tuple(int.from_bytes(data(key, "storage key", 32), "big") for key in keys)
        entries.append((address(fields.get("address"), "address"), slots))
    return tuple(entries)


def log_addresses(value: object) -> frozenset[Address]:
    """The address filter of eth_getLogs: absent, one, or several."""
    if value is None:
        return frozenset()
    items = value if isinstance(value, list) else [value]
    return frozenset(address(item, "address") for item in items)


def log_topics(value: object) -> list[frozenset[bytes] | None]:
    """The topic filter of eth_getLogs: per position null, one topic, or alternatives."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 4:
        raise invalid("topics must be a list of at most 4")
    topics: list[frozenset[bytes] | None] = []
    for item in value:
        choices = item if isinstance(item, list) else [item]
        if not choices or any(choice is None for choice in choices):
            topics.append(None)
        else:
            topics.append(frozenset(data(choice, "topic", 32) for choice in choices))
    return topics
