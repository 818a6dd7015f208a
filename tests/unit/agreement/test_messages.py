"""The messages' bytes: one encoding each, and a refusal for everything else."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.messages import (
    MAX_VIEW,
    Artwork,
    Attestation,
    Message,
    Observation,
    Proposal,
    Timeout,
    decode,
    encode,
    kind_of,
)
from node.errors import AgreementError

uint64 = st.integers(0, (1 << 64) - 1)
int256 = st.integers(-(1 << 255), (1 << 255) - 1)
hashes = st.binary(min_size=32, max_size=32)
views = st.integers(0, MAX_VIEW)
envelopes = st.lists(st.binary(max_size=50), max_size=31).map(tuple)
messages = st.one_of(
    st.builds(Observation, uint64, uint64, hashes, int256, st.lists(int256, max_size=16).map(tuple)),
    st.builds(Proposal, uint64, uint64, views, envelopes, envelopes),
    st.builds(Artwork, uint64, uint64, views, hashes),
    st.builds(
        Attestation,
        *(uint64, uint64, hashes, views, st.integers(0, (1 << 31) - 1), hashes, hashes, hashes),
        st.binary(min_size=64, max_size=64),
    ),
    st.builds(Timeout, uint64, uint64, views),
)


@given(messages)
@settings(max_examples=200)
def test_decode__encoded__the_same(message: Message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=300))
@settings(max_examples=500)
def test_incident__malformed_document__refused_never_a_crash(body: bytes) -> None:
    try:
        message = decode(body)
    except AgreementError:
        return
    assert encode(message) == body


@given(messages, st.data())
@settings(max_examples=200)
def test_decode__one_byte_changed__another_message_or_a_refusal(message: Message, data: st.DataObject) -> None:
    body = bytearray(encode(message))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(AgreementError):
        assert decode(bytes(body)) != message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x91" * 10_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        msgspec.msgpack.encode(["timeout", 1, 2, 256]),
        msgspec.msgpack.encode(["timeout", -1, 2, 0]),
        msgspec.msgpack.encode(["timeout", 1, 2, 0, 0]),
        msgspec.msgpack.encode(["timeout", 1, 2]),
        msgspec.msgpack.encode(["timeout", 1.0, 2, 0]),
        msgspec.msgpack.encode(["vote", 1, 2, 0]),
        msgspec.msgpack.encode({"type": "timeout", "feed": 1, "checkpoint": 2, "view": 0}),
        msgspec.msgpack.encode(["timeout", 1, 2, 0]) + b"\0",
        msgspec.msgpack.encode(["observation", 1, 2, bytes(31), bytes(32), []]),
        msgspec.msgpack.encode(["observation", 1, 2, bytes(32), bytes(33), []]),
        msgspec.msgpack.encode(["observation", 1, 2, bytes(32), bytes(32), [bytes(32)] * 17]),
        msgspec.msgpack.encode(["proposal", 1, 2, 0, [b""] * 32, []]),
        msgspec.msgpack.encode(["attestation", 1, 2, bytes(32), 0, 7, *[bytes(32)] * 3, bytes(65)]),
        msgspec.msgpack.encode(["attestation", 1, 2, bytes(32), 0, 1 << 31, *[bytes(32)] * 3, bytes(64)]),
        msgspec.msgpack.encode(["attestation", 1, 2, bytes(32), 256, 7, *[bytes(32)] * 3, bytes(64)]),
        msgspec.msgpack.encode(["attestation", 1, 2, 0, bytes(32), bytes(64)]),
        # The same Timeout with its feed in five bytes instead of one: genuine content, another encoding.
        b"\x94\xa7timeout\xce\0\0\0\x01\x02\x00",
    ],
)
def test_decode__wrong_shape_size_range_or_encoding__refused(body: bytes) -> None:
    with pytest.raises(AgreementError):
        decode(body)


@pytest.mark.parametrize(
    "message",
    [Observation(1, 2, bytes(32), 1 << 255, ()), Observation(1 << 64, 2, bytes(32), 0, ()), Timeout(1 << 64, 2, 0)],
)
def test_encode__number_too_large__refused(message: Message) -> None:
    with pytest.raises(AgreementError):
        encode(message)


def test_kind_of__every_message__its_tag() -> None:
    assert kind_of(Timeout(1, 2, 0)) == "timeout"
    assert kind_of(Artwork(1, 2, 0, bytes(32))) == "artwork"
    assert kind_of(Proposal(1, 2, 0, ())) == "proposal"
