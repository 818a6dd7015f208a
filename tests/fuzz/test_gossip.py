"""Envelopes and every kind of message: what brokers and other members may send."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from node.agreement.committee import Committee
from node.agreement.messages import KINDS, Message, decode, encode, kind_of
from node.errors import AgreementError
from node.gossip.envelope import MAX_BYTES, EnvelopeError, open_envelope, seal, sealer
from node.gossip.verifier import Verifier
from tests.fuzz.hold import Decoder, hold
from tests.fuzz.mutations import any_input, damaged, noise

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]
SIGNERS = ["0x" + bytes([index + 1] * 20).hex() for index in range(4)]
COMMITTEE = Committee(1, "0x" + "ab" * 20, SIGNERS, [key.public_key().public_bytes_raw() for key in KEYS])


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """All values of a field, by the type and the limits that the message declares."""
    if isinstance(kind, inspect.IntType):
        # An observation's own numbers carry no limits in their types: these are within all of them.
        low = -(1 << 63) if kind.ge is None and kind.le is None else kind.ge
        return st.integers(low if low is None or low > -(1 << 63) else 0, (1 << 64) - 1 if kind.le is None else kind.le)
    if isinstance(kind, inspect.BytesType):
        least = 32 if kind.min_length is None and kind.max_length is None else kind.min_length
        return st.binary(min_size=least or 0, max_size=least if kind.max_length is None else kind.max_length)
    if isinstance(kind, inspect.VarTupleType):
        item = st.binary(max_size=300) if isinstance(kind.item_type, inspect.BytesType) else _values(kind.item_type)
        return st.lists(item, max_size=kind.max_length or 16).map(tuple)
    if isinstance(kind, inspect.UnionType):
        return st.one_of(*map(_values, kind.types))
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.NoneType):
        return st.none()
    if isinstance(kind, inspect.StructType):
        return _messages(kind.cls)
    raise AssertionError(f"a message has a field of a type that nothing here fuzzes yet: {kind}")


def _messages(kind: type) -> st.SearchStrategy[Any]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return st.builds(kind, **{field.name: _values(field.type) for field in described.fields})


def _plainest(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.UnionType):
        return _plainest(kind.types[0])
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.NoneType):
        return None
    if isinstance(kind, inspect.StructType):
        return _plain(kind.cls)
    if isinstance(kind, inspect.IntType):
        return 1
    if isinstance(kind, inspect.BytesType):
        return b"\x11" * (kind.min_length or 32)
    return (b"\x93\xa1\x02\x03" * 9,) * 3 if isinstance(kind.item_type, inspect.BytesType) else (5, -7)  # type: ignore[attr-defined]


def _plain(kind: type) -> Any:
    return kind(**{field.name: _plainest(field.type) for field in inspect.type_info(kind).fields})  # type: ignore[attr-defined]


CORPUS = tuple(encode(_plain(kind)) for kind in KINDS)
MESSAGES = Decoder("node.agreement.messages.decode", decode, AgreementError, CORPUS, encode)
SEALED = tuple(seal(KEYS[1], COMMITTEE.config_digest, 1, KINDS[type(decode(body))], body) for body in CORPUS)
ENVELOPES = Decoder(
    "node.gossip.envelope.open_envelope",
    lambda raw: open_envelope(raw, COMMITTEE),
    EnvelopeError,
    SEALED,
    lambda opened: opened.raw,
)


@pytest.mark.parametrize("kind", KINDS, ids=KINDS.get)
def test_message__encoded__is_read_as_it_was(kind: type) -> None:
    @given(_messages(kind))
    def back_and_forth(message: Message) -> None:
        assert decode(encode(message)) == message

    back_and_forth()


@given(any_input(CORPUS))
def test_message__noise_and_damage__is_refused_or_canonical(raw: bytes) -> None:
    hold(MESSAGES, raw)


@given(any_input(SEALED))
def test_envelope__noise_and_damage__is_refused_with_a_reason(raw: bytes) -> None:
    hold(ENVELOPES, raw)


@given(st.integers(0, 3), st.sampled_from(sorted(KINDS.values())), damaged(CORPUS))
def test_envelope__damage_that_a_member_signed__is_refused_or_the_message(at: int, kind: str, body: bytes) -> None:
    """A Byzantine member signs anything: the signature is good, and what is inside still has to be right."""
    found = hold(ENVELOPES, seal(KEYS[at], COMMITTEE.config_digest, at, kind, body))
    if not isinstance(found, EnvelopeError):
        assert (found.sender, encode(found.message), kind_of(found.message)) == (at, body, kind)


@given(st.lists(any_input(SEALED), max_size=6))
def test_verifier__noise_and_damage__each_refusal_is_counted(some: list[bytes]) -> None:
    verifier, refused = Verifier(COMMITTEE), 0
    for raw in some:
        assert hold(ENVELOPES, raw) is not None
        try:
            verifier.open(raw)
        except EnvelopeError:
            refused += 1
    assert sum(count for reason, count in verifier.counters.items() if reason != "repeated") == refused


@given(noise, st.integers(0, MAX_BYTES))
def test_envelope__above_its_limit__is_refused_unread(start: bytes, more: int) -> None:
    raw = (start + bytes(2 * MAX_BYTES + 1))[: MAX_BYTES + 1 + more]
    with pytest.raises(EnvelopeError, match="oversized"):
        open_envelope(raw, COMMITTEE)


@given(st.integers(0, 3), st.data())
def test_envelope__any_message_of_a_member__opens(at: int, data: st.DataObject) -> None:
    message = data.draw(_messages(data.draw(st.sampled_from(list(KINDS)))))
    try:
        raw = sealer(KEYS[at], COMMITTEE, at)(message)
    except EnvelopeError as error:
        assert error.reason == "oversized"  # noqa: PT017 - a full proposal of long envelopes may be
        return
    opened = open_envelope(raw, COMMITTEE)
    assert (opened.sender, opened.message, opened.raw) == (at, message, raw)


def test_kinds__all_messages__are_in_the_corpus() -> None:
    assert {type(decode(body)) for body in CORPUS} == set(KINDS)
    assert all(isinstance(kind, type) and issubclass(kind, msgspec.Struct) for kind in KINDS)
