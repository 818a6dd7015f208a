"""Envelopes: what is genuine opens, everything else is refused with a reason."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.messages import Lock, Message, Observation, Prepare, Proposal, Timeout, encode, kind_of
from node.gossip.envelope import MAX_BYTES, EnvelopeError, open_envelope, seal, sealer
from node.gossip.verifier import Verifier
from node.gossip.window import ENTRY

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]


def committee(chain_id: int = 1) -> Committee:
    signers = ["0x" + bytes([index + 1] * 20).hex() for index in range(4)]
    return Committee(chain_id, "0x" + "ab" * 20, signers, [key.public_key().public_bytes_raw() for key in KEYS])


COMMITTEE = committee()
MESSAGE = Observation(1, 10, bytes(32), -5, (1, 2, 3))
RAW = sealer(KEYS[2], COMMITTEE, 2)(MESSAGE)


def refusal(raw: bytes, of: Committee = COMMITTEE) -> str:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(raw, of)
    return caught.value.reason


def parts(raw: bytes = RAW) -> list[object]:
    return list(msgspec.msgpack.decode(raw))


def test_open__sealed__sender_message_and_the_same_bytes() -> None:
    opened = open_envelope(RAW, COMMITTEE)
    assert (opened.sender, opened.message, opened.raw) == (2, MESSAGE, RAW)
    assert sealer(KEYS[2], COMMITTEE, 2)(MESSAGE) == RAW


def test_incident__broker_forges__every_changed_byte_is_refused() -> None:
    for place in range(len(RAW)):
        forged = bytearray(RAW)
        forged[place] ^= 0x01
        assert refusal(bytes(forged)) in {
            reasons.MALFORMED,
            reasons.FOREIGN,
            reasons.UNKNOWN_SENDER,
            reasons.BAD_SIGNATURE,
        }


def test_open__another_members_name__bad_signature() -> None:
    values = parts()
    values[1] = 1
    assert refusal(msgspec.msgpack.encode(values)) == reasons.BAD_SIGNATURE


def test_incident__message_of_another_chain_or_committee_replayed__foreign() -> None:
    assert refusal(sealer(KEYS[2], committee(chain_id=2), 2)(MESSAGE)) == reasons.FOREIGN
    values = parts()
    values[0] = committee(chain_id=2).config_digest
    assert refusal(msgspec.msgpack.encode(values), committee(chain_id=2)) == reasons.BAD_SIGNATURE


def test_open__index_outside_the_committee__unknown_sender() -> None:
    raw = seal(KEYS[0], COMMITTEE.config_digest, 4, "timeout", encode(Timeout(1, 2, 0)))
    assert refusal(raw) == reasons.UNKNOWN_SENDER


def test_open__above_64_kib__oversized() -> None:
    assert refusal(bytes(MAX_BYTES + 1)) == reasons.OVERSIZED
    with pytest.raises(EnvelopeError):
        seal(KEYS[0], COMMITTEE.config_digest, 0, "proposal", bytes(MAX_BYTES))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc0",
        b"\x95",
        b"\x91" * 60_000,
        RAW + b"\0",
        RAW[:-1],
        msgspec.msgpack.encode([*parts(), 0]),
        msgspec.msgpack.encode([bytes(31), *parts()[1:]]),
        msgspec.msgpack.encode([*parts()[:1], 31, *parts()[2:]]),
        msgspec.msgpack.encode([*parts()[:2], "k" * 17, *parts()[3:]]),
        msgspec.msgpack.encode({"sender": 1}),
        seal(KEYS[0], COMMITTEE.config_digest, 0, "timeout", encode(MESSAGE)),
        seal(KEYS[0], COMMITTEE.config_digest, 0, "timeout\n", encode(Timeout(1, 2, 0))),
        seal(KEYS[0], COMMITTEE.config_digest, 0, "t\u00efmeout", encode(Timeout(1, 2, 0))),
        seal(KEYS[0], COMMITTEE.config_digest, 0, "timeout", b"genuine signature, no message"),
    ],
)
def test_open__wrong_shape__malformed(raw: bytes) -> None:
    assert refusal(raw) == reasons.MALFORMED


@given(st.binary(max_size=400))
@settings(max_examples=400)
def test_incident__any_bytes_at_all__refused_never_another_error(raw: bytes) -> None:
    with pytest.raises(EnvelopeError):
        open_envelope(raw, COMMITTEE)


@given(st.binary(max_size=100), st.sampled_from(["observation", "proposal", "attestation", "timeout", "x"]))
@settings(max_examples=100, deadline=None)
def test_incident__member_signs_any_bytes__refused_never_another_error(body: bytes, kind: str) -> None:
    raw = seal(KEYS[1], COMMITTEE.config_digest, 1, kind, body)
    assert refusal(raw) == reasons.MALFORMED


def test_seal__largest_proposals_of_31__fit_with_room_to_spare() -> None:
    key, digest, wide = KEYS[0], COMMITTEE.config_digest, (1 << 64) - 1

    def sealed(message: Message) -> bytes:
        return seal(key, digest, 30, kind_of(message), encode(message))

    observed = sealed(Observation(wide, wide, bytes(32), -(1 << 255), (-(1 << 255),) * 16))
    left = sealed(Timeout(wide, wide, 255, 255, b"\xff" * 32))
    prepared = sealed(Prepare(wide, wide, 255, b"\xff" * 32))
    lock = Lock(wide, wide, 255, 255, b"\xff" * 32, (observed,) * 31, (prepared,) * 21)
    for message in (
        Proposal(wide, wide, 255, (observed,) * 31, (left,) * 21),
        Proposal(wide, wide, 255, (), (left,) * 21, lock),
    ):
        assert len(sealed(message)) < MAX_BYTES * 2 // 3
    assert len(sealed(lock)) < MAX_BYTES * 2 // 3


def test_verifier__repeated__returned_again_and_counted() -> None:
    verifier = Verifier(COMMITTEE)
    first = verifier.open(RAW)
    assert verifier.open(bytes(bytearray(RAW))) is first
    assert verifier(RAW) is first
    assert verifier.counters == {reasons.REPEATED: 1}


def test_incident__broker_replays_forgeries__counted_by_reason_and_none_remembered() -> None:
    verifier = Verifier(COMMITTEE)
    forged = RAW[:-1] + bytes([RAW[-1] ^ 1])
    for _ in range(3):
        with pytest.raises(EnvelopeError):
            verifier.open(forged)
    with pytest.raises(EnvelopeError):
        verifier.open(bytes(MAX_BYTES + 1))
    assert verifier(forged) is None
    assert verifier.counters == {reasons.BAD_SIGNATURE: 3, reasons.OVERSIZED: 1}
    assert len(verifier.window) == 0


def test_incident__member_floods__its_own_memory_alone_is_given_up() -> None:
    verifier = Verifier(COMMITTEE, budget=4_000)
    verifier.open(RAW)
    flood = sealer(KEYS[0], COMMITTEE, 0)
    for view in range(100):
        verifier.open(flood(Timeout(1, 10, view)))
    assert verifier.window.size <= 4_000 + len(RAW) + ENTRY
    assert 1 < len(verifier.window) < 10
    verifier.open(RAW)
    assert verifier.counters[reasons.REPEATED] == 1
    verifier.open(flood(Timeout(1, 10, 0)))
    assert verifier.counters[reasons.REPEATED] == 1
