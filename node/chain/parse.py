"""JSON-RPC answers as values: what an endpoint says is foreign, so every field is checked.

Anything odd is an UnavailableError: another endpoint may answer better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from node.chain.failures import MissingError, UnavailableError
from node.chain.types import Block

_QUANTITY = re.compile("0x[0-9a-fA-F]+")


def quantity(value: object, what: str) -> int:
    """An 0x-prefixed integer; UnavailableError otherwise."""
    if isinstance(value, str) and len(value) <= 66 and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise UnavailableError(f"an endpoint answered {what} with something that is no number")


def small(value: int, what: str, bits: int = 63) -> int:
    """A number that fits `bits` bits, by default what SQLite can store; UnavailableError otherwise."""
    if not 0 <= value < 1 << bits:
        raise UnavailableError(f"an endpoint answered {what} with a number beyond {bits} bits")
    return value


def octets(value: object, what: str, length: int | None = None) -> bytes:
    """0x-prefixed bytes, of exactly `length` where given; UnavailableError otherwise."""
    # fromhex passes over white space, and int() over underscores: neither is in any client's answer.
    if isinstance(value, str) and value.startswith("0x") and (length is None or len(value) == 2 + 2 * length):
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raw = b""
        if 2 * len(raw) == len(value) - 2:
            return raw
    raise UnavailableError(f"an endpoint answered {what} with something that is not {length or 'hexadecimal'} bytes")


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A JSON object; UnavailableError otherwise."""
    if isinstance(value, Mapping):
        return value
    raise UnavailableError(f"an endpoint answered {what} with something that is no object")


def block(value: object, what: str = "a block") -> Block:
    """A block's header; MissingError for null: this endpoint lacks it."""
    if value is None:
        raise MissingError(f"an endpoint does not know {what}")
    fields = mapping(value, what)
    return Block(
        number=small(quantity(fields.get("number"), what), what),
        hash=octets(fields.get("hash"), what, 32),
        timestamp=small(quantity(fields.get("timestamp"), what), what),
        parent_hash=octets(fields.get("parentHash"), what, 32),
    )
