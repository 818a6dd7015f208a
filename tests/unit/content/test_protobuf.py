"""Protocol Buffers: numbers in their shortest form, and nothing beyond the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.content.protobuf import fields, integer, octets, varint
from node.errors import ContentError


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(0, 2**64 - 1) | st.binary(max_size=20))))
def test_fields__any_message__round_trips(message):
    raw = b"".join(integer(n, v) if isinstance(v, int) else octets(n, v) for n, v in message)
    assert list(fields(raw)) == message


@pytest.mark.parametrize("number", [-1, 2**64])
def test_varint__outside_64_bits__refused(number):
    with pytest.raises(ContentError, match="64-bit"):
        varint(number)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x08",
        b"\x80",
        b"\x08\x80\x00",
        b"\x0a\x02x",
        b"\x00\x00",
        b"\x0d\0\0\0\0",
        b"\x09" + b"\0" * 8,
        b"\x08" + b"\xff" * 9 + b"\x02",
        b"\x08" + b"\xff" * 11,
    ],
    ids=bytes.hex,
)
def test_fields__broken_message__refused(raw):
    with pytest.raises(ContentError):
        list(fields(raw))
