"""The messages of the protocol, and their one encoding: canonical MessagePack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec.structs import astuple

from node.agreement.report import Statement
from node.errors import AgreementError

MAX_SIGNALS: Final = 16
MAX_VIEW: Final = 255
"""A report's view is a uint8."""

Hash: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Uint64: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
View: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_VIEW)]
Members: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]
"""A bitmap of at most 31 members."""
LockedView: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=MAX_VIEW)]
Signature: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Envelopes: TypeAlias = Annotated[tuple[bytes, ...], msgspec.Meta(max_length=31)]
NO_LOCK: Final = -1
NO_DIGEST: Final = bytes(32)
_Wad: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Observation(msgspec.Struct, frozen=True):
    """What a node measured at a checkpoint: the answer and the signals are signed wads (int256)."""

    feed: int
    checkpoint: int
    block_hash: bytes
    answer: int
    signals: tuple[int, ...]


class Prepare(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="prepare"):
    """The sender holds the report of this digest (EIP-712) true, and prepares no other in this view."""

    feed: Uint64
    checkpoint: Uint64
    view: View
    digest: Hash


class Commit(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="commit"):
    """The sender holds the lock of this view over this report. A quorum of Commits of one view decides it."""

    feed: Uint64
    checkpoint: Uint64
    view: View
    digest: Hash


class Lock(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="lock"):
    """A report that a quorum prepared in `view`, with the raw envelopes that prove it, whoever sends them.

    `origin` is the view in which the report was first proposed: the one it names itself.
    """

    feed: Uint64
    checkpoint: Uint64
    view: View
    origin: View
    root: Hash
    observations: Envelopes
    prepares: Envelopes


class Proposal(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="proposal"):
    """The leader's choice of observations, as the raw signed envelopes; or none, and a lock's report once more.

    A view above 0 is shown to have been entered by the raw envelopes of a quorum of Timeouts for the view
    before it (or later): so no leader can carry others into a view of its own choosing. If one of them names a
    lock, the proposal is the highest of the locks, and nothing else.
    """

    feed: Uint64
    checkpoint: Uint64
    view: View
    observations: Envelopes
    timeouts: Envelopes = ()
    lock: Lock | None = None


class Attestation(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="attestation"):
    """A signature (64 bytes of EIP-2098) over the report first proposed in `view`, with what the report says.

    The digest is not sent but computed: so two of one signer for one view prove by themselves, to a contract too,
    that it signed two reports.
    """

    feed: Uint64
    checkpoint: Uint64
    block_hash: Hash
    view: View
    observers: Members
    observations_hash: Hash
    signals_hash: Hash
    content_root: Hash
    signature: Signature

    @property
    def statement(self) -> Statement:
        """What was signed."""
        return Statement(*astuple(self)[:-1])


class Artwork(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="artwork"):
    """The content root that the view's leader rendered, where renders agree by tolerance and not to the byte.

    Followers sign a report of this root, once they have found everything under it to be what they rendered
    themselves. Where renders are exact nobody sends it: everyone has the root already.
    """

    feed: Uint64
    checkpoint: Uint64
    view: View
    root: Hash


class Timeout(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="timeout"):
    """The sender wants to leave this view, and every view below it: it prepares and commits no more in them.

    It names the highest lock it holds, by the view and the report's digest; -1 and zeros say that it holds none.
    """

    feed: Uint64
    checkpoint: Uint64
    view: View
    locked_view: LockedView = NO_LOCK
    locked_digest: Hash = NO_DIGEST


class _ObservationWire(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="observation"):
    """An observation on the wire: MessagePack's integers end at 64 bits, a wad does not."""

    feed: Uint64
    checkpoint: Uint64
    block_hash: Hash
    answer: _Wad
    signals: Annotated[tuple[_Wad, ...], msgspec.Meta(max_length=MAX_SIGNALS)]


Message: TypeAlias = Observation | Proposal | Artwork | Prepare | Commit | Lock | Attestation | Timeout

KINDS: Final[dict[type, str]] = {
    Observation: "observation",
    Proposal: "proposal",
    Artwork: "artwork",
    Prepare: "prepare",
    Commit: "commit",
    Lock: "lock",
    Attestation: "attestation",
    Timeout: "timeout",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A message whose envelope was signed by the committee member `sender`; `raw` is that envelope."""

    sender: int
    message: Message
    raw: bytes


_encoder = msgspec.msgpack.Encoder()
_Wire: TypeAlias = _ObservationWire | Proposal | Artwork | Prepare | Commit | Lock | Attestation | Timeout
_decoder: msgspec.msgpack.Decoder[_Wire] = msgspec.msgpack.Decoder(_Wire)


def kind_of(message: Message) -> str:
    """The message's name in envelopes and topics."""
    return KINDS[type(message)]


def _to_wad(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=True)


def _from_wad(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def encode(message: Message) -> bytes:
    """The message's bytes; AgreementError if a number is outside its range."""
    try:
        if isinstance(message, Observation):
            wire = _ObservationWire(
                message.feed,
                message.checkpoint,
                message.block_hash,
                _to_wad(message.answer),
                tuple(map(_to_wad, message.signals)),
            )
            return _encoder.encode(wire)
        return _encoder.encode(message)
    except (OverflowError, msgspec.MsgspecError) as error:
        raise AgreementError(f"{kind_of(message)}: a number does not fit its field") from error


def decode(body: bytes) -> Message:
    """The message of these bytes; AgreementError for any others, other encodings of it among them."""
    try:
        wire = _decoder.decode(body)
        canonical = _encoder.encode(wire)
    except (msgspec.MsgspecError, RecursionError, OverflowError, ValueError) as error:
        raise AgreementError("not a message of this protocol") from error
    if canonical != body:
        raise AgreementError("not the canonical encoding of its message")
    if isinstance(wire, _ObservationWire):
        return Observation(
            wire.feed,
            wire.checkpoint,
            wire.block_hash,
            _from_wad(wire.answer),
            tuple(map(_from_wad, wire.signals)),
        )
    return wire
