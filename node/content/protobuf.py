"""The few lines of Protocol Buffers that dag-pb needs, in their one canonical spelling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from node.errors import ContentError

VARINT: Final = 0
BYTES: Final = 2


def varint(number: int) -> bytes:
    """Base-128 little-endian, at most 10 bytes. Raises ContentError outside 0 <= number < 2**64."""
    if not 0 <= number < 1 << 64:
        raise ContentError(f"{number} does not fit an unsigned 64-bit field")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field: int, number: int) -> bytes:
    """A varint field with its key."""
    return varint(field << 3 | VARINT) + varint(number)


def octets(field: int, content: bytes) -> bytes:
    """A length-delimited field with its key."""
    return varint(field << 3 | BYTES) + varint(len(content)) + content


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each (field number, value) in order: ints for varints, bytes for length-delimited fields.

    Raises ContentError on truncation, on varints longer than needed, and on the wire types that
    dag-pb never uses. Every step consumes bytes, so the work is bounded by the message's length.
    """
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ContentError("a protobuf field numbered 0")
        value, at = read_varint(message, at)
        if wire == VARINT:
            yield number, value
        elif wire == BYTES:
            if value > len(message) - at:
                raise ContentError("a protobuf field runs past the end of its block")
            yield number, message[at : at + value]
            at += value
        else:
            raise ContentError(f"protobuf wire type {wire} has no place in dag-pb")


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at an offset and the offset behind it. Raises ContentError as `fields` does."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ContentError("a protobuf number runs past the end of its block")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >= 1 << 64 or (byte == 0 and shift):
                raise ContentError("a protobuf number not in its shortest form")
            return number, at
    raise ContentError("a protobuf number longer than 64 bits")
