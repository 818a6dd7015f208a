"""What goes into the machine from its driver, and the effects that come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from node.agreement.memory import Memory
from node.agreement.messages import Message, kind_of
from node.agreement.report import Report
from node.errors import AgreementError


class RoundKey(NamedTuple):
    """One round: a feed at a checkpoint (block number)."""

    feed: int
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Trigger:
    """This node's own measurement that starts a round: `answer` and `signals` in wads."""

    feed: int
    checkpoint: int
    block_hash: bytes
    answer: int
    signals: tuple[int, ...]

    @property
    def key(self) -> RoundKey:
        """The round that it starts."""
        return RoundKey(self.feed, self.checkpoint)


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in milliseconds.

    A view lasts `view_ms`, doubled with each view up to `view_max_ms`; once a proposal is accepted, and with every
    sign that this node's render gets further, it lasts `render_ms` from then, if that is longer. A leader that
    holds a quorum of observations waits `grace_ms` for the others. Messages are announced again every `repeat_ms`.
    Raises AgreementError if one is not positive.
    """

    view_ms: int = 4_000
    view_max_ms: int = 120_000
    render_ms: int = 120_000
    grace_ms: int = 300
    repeat_ms: int = 1_000

    def __post_init__(self) -> None:
        if min(self.view_ms, self.view_max_ms, self.render_ms, self.repeat_ms) <= 0 or self.grace_ms < 0:
            raise AgreementError("timing: durations are positive milliseconds, the grace may be 0")


@dataclass(frozen=True, slots=True)
class Remember:
    """Make what this node binds itself to durable before the effects behind it are carried out.

    If that fails, none of the round's effects behind it may be carried out: let the machine `forget` the round.
    """

    key: RoundKey
    memory: Memory


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Publish `raw`, the sealed envelope of `message`, to everyone."""

    message: Message
    raw: bytes

    @property
    def key(self) -> RoundKey:
        """The round that it is about."""
        return RoundKey(self.message.feed, self.message.checkpoint)

    @property
    def kind(self) -> str:
        """The message's name: the last part of its topic."""
        return kind_of(self.message)


@dataclass(frozen=True, slots=True)
class Render:
    """Make the content root for these medians, then call `rendered`, or `render_failed`."""

    key: RoundKey
    view: int
    block_hash: bytes
    answer: int
    signals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CancelRender:
    """The render asked for in this view is of no use any more."""

    key: RoundKey
    view: int


@dataclass(frozen=True, slots=True)
class Compare:
    """Fetch the leader's artwork `root`, hold it against this node's `own`, then call `compared`.

    Whatever cannot be fetched may be tried again until `CancelCompare`.
    """

    key: RoundKey
    view: int
    own: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class CancelCompare:
    """The comparison asked for in this view is of no use any more."""

    key: RoundKey
    view: int


@dataclass(frozen=True, slots=True)
class Attest:
    """Make the digest durable in the journal, sign it, then call `attested`; `view` is the report's own."""

    key: RoundKey
    view: int
    report: Report
    digest: bytes


@dataclass(frozen=True, slots=True)
class Transmit:
    """A quorum signed: `signers` is a bitmap, `signatures` their EIP-2098 signatures in ascending order."""

    key: RoundKey
    view: int
    report: Report
    digest: bytes
    signers: int
    signatures: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """A message (or a step of this node's own) went no further; `reason` is a code of `reasons`."""

    sender: int
    reason: str


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A round began on this node."""

    key: RoundKey


@dataclass(frozen=True, slots=True)
class ViewChanged:
    """The round went on to another view, with this leader."""

    key: RoundKey
    view: int
    leader: int


@dataclass(frozen=True, slots=True)
class RoundDone:
    """The round is over: `landed` by itself or by a newer report of its feed, else crowded out by newer ones."""

    key: RoundKey
    landed: bool


Effect: TypeAlias = (
    Remember
    | Broadcast
    | Render
    | CancelRender
    | Compare
    | CancelCompare
    | Attest
    | Transmit
    | Dropped
    | RoundStarted
    | ViewChanged
    | RoundDone
)


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """A round as status pages show it; `phase` is observing, proposing, rendering, comparing, preparing,
    committing, attesting or transmitting."""

    key: RoundKey
    view: int
    leader: int
    phase: str
    observations: int
    attestations: int
    timeouts: int
    started_at: int
