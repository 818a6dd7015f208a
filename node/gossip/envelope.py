"""The signed envelope around every message: which configuration, which member, and proof of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.agreement import reasons
from node.agreement.committee import MAX_MEMBERS, Committee
from node.agreement.messages import Message, Opened, decode, encode, kind_of
from node.errors import AgreementError, GossipError

MAX_BYTES: Final = 64 * 1024
"""The largest envelope: a proposal of a lock with 31 observations of 16 signals takes less than two thirds of it."""
_PURPOSE: Final = b"patina gossip envelope, version 1\n"

_FORGED: Final = frozenset(
    {reasons.OVERSIZED, reasons.MALFORMED, reasons.FOREIGN, reasons.UNKNOWN_SENDER, reasons.BAD_SIGNATURE}
)

_Hash: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=MAX_MEMBERS)]
_Kind: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
_Signature: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]


class EnvelopeError(GossipError):
    """Bytes that are no acceptable envelope; `reason` is a code of `node.agreement.reasons`.

    `unproven` is what a stale one says: its round is over, so that nobody looked whether its signature is genuine.
    """

    def __init__(self, reason: str, unproven: Opened | None = None) -> None:
        super().__init__(f"envelope refused: {reason}")
        self.reason = reason
        self.unproven = unproven

    @property
    def forged(self) -> bool:
        """Whether no member can have meant it for this committee: whoever handed it on is to be read more slowly."""
        return self.reason in _FORGED


class _Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    config_digest: _Hash
    sender: _Index
    kind: _Kind
    body: bytes
    signature: _Signature


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Envelope)


def _signed_bytes(config_digest: bytes, sender: int, kind: str, body: bytes) -> bytes:
    # Every part but the last has a fixed length or ends in a byte that it cannot hold: no two envelopes share these.
    return _PURPOSE + config_digest + bytes([sender]) + kind.encode() + b"\n" + body


def seal(key: Ed25519PrivateKey, config_digest: bytes, sender: int, kind: str, body: bytes) -> bytes:
    """The signed envelope of a body; the same bytes for the same arguments (RFC 8032 signatures are deterministic).

    Raises EnvelopeError("oversized") if it would pass 64 KiB.
    """
    signature = key.sign(_signed_bytes(config_digest, sender, kind, body))
    raw = _encoder.encode(_Envelope(config_digest, sender, kind, body, signature))
    if len(raw) > MAX_BYTES:
        raise EnvelopeError(reasons.OVERSIZED)
    return raw


def sealer(key: Ed25519PrivateKey, committee: Committee, sender: int) -> Callable[[Message], bytes]:
    """The `seal` function of a Machine: a message into this member's envelope."""

    def seal_message(message: Message) -> bytes:
        return seal(key, committee.config_digest, sender, kind_of(message), encode(message))

    return seal_message


def open_envelope(raw: bytes, committee: Committee, wanted: Callable[[Message], bool] | None = None) -> Opened:
    """The message inside, once its sender's signature is checked; EnvelopeError for anything else.

    Whatever costs less than the signature is checked before it. A message that is not `wanted` is refused as stale.
    """
    if len(raw) > MAX_BYTES:
        raise EnvelopeError(reasons.OVERSIZED)
    try:
        envelope = _decoder.decode(raw)
        kind = envelope.kind.encode("ascii")
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise EnvelopeError(reasons.MALFORMED) from error
    if envelope.config_digest != committee.config_digest:
        raise EnvelopeError(reasons.FOREIGN)
    if envelope.sender >= committee.n:
        raise EnvelopeError(reasons.UNKNOWN_SENDER)
    if b"\n" in kind or _encoder.encode(envelope) != raw:
        raise EnvelopeError(reasons.MALFORMED)
    try:
        message = decode(envelope.body)
    except AgreementError as error:
        raise EnvelopeError(reasons.MALFORMED) from error
    if kind_of(message) != envelope.kind:
        raise EnvelopeError(reasons.MALFORMED)
    if wanted is not None and not wanted(message):
        raise EnvelopeError(reasons.STALE, Opened(envelope.sender, message, raw))
    try:
        key = Ed25519PublicKey.from_public_bytes(committee.transport_keys[envelope.sender])
        key.verify(
            envelope.signature,
            _signed_bytes(envelope.config_digest, envelope.sender, envelope.kind, envelope.body),
        )
    except (InvalidSignature, ValueError) as error:
        raise EnvelopeError(reasons.BAD_SIGNATURE) from error
    return Opened(envelope.sender, message, raw)
