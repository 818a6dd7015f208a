"""Opens envelopes, each genuine one once: messages are announced many times and travel inside proposals too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.messages import Opened
from node.clock import milliseconds
from node.gossip.bucket import TokenBucket
from node.gossip.envelope import MAX_BYTES, EnvelopeError, open_envelope
from node.gossip.limits import OVER_LIMIT, Limits, tokens
from node.gossip.window import BYTES_PER_SENDER, ReplayWindow


class Verifier:
    """Callable as a Machine's `verify`; `counters` holds the refused by reason, and the repeated.

    Checks come in the order of their cost: length, known bytes, shape and addressee, the message and whether its round
    is over, then the signature, and last the sender's share. Only genuine envelopes are remembered, so what is forged
    costs one signature check and leaves nothing behind; only new genuine ones use up their sender's share, so no
    broker can use it up for them. A repeated one is returned again, since the machine may have had to let go of it.

    Without `limits` a member may say whatever it likes as fast as it likes: for simulations, which have no clock.
    """

    def __init__(
        self,
        committee: Committee,
        budget: int = BYTES_PER_SENDER,
        *,
        limits: Limits | None = None,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._committee = committee
        self._clock = clock
        self._shares = (
            None if limits is None else [TokenBucket(limits.sender, clock()) for _ in committee.transport_keys]
        )
        self.window = ReplayWindow(committee.n, budget)
        self.counters: Counter[str] = Counter()

    def open(self, raw: bytes) -> Opened:
        """The message of an envelope, EnvelopeError with a reason code for all other bytes."""
        known = self._known(raw)
        if known is not None:
            self.counters[reasons.REPEATED] += 1
            return known
        try:
            opened = open_envelope(raw, self._committee, self.window.current)
            if self._shares is not None and not self._shares[opened.sender].take(tokens(len(raw)), self._clock()):
                raise EnvelopeError(OVER_LIMIT)
        except EnvelopeError as error:
            self.counters[error.reason] += 1
            raise
        self.window.remember(opened)
        return opened

    def __call__(self, raw: bytes) -> Opened | None:
        """As `open`, for envelopes inside another: None instead of an error, nothing counted, no share used.

        The sender of the outer one answers for it.
        """
        known = self._known(raw)
        if known is not None:
            return known
        try:
            opened = open_envelope(raw, self._committee)
        except EnvelopeError:
            return None
        self.window.remember(opened)
        return opened

    def settled(self, feed: int, checkpoint: int) -> None:
        """As `ReplayWindow.settled`: what is said about these rounds is no longer heard."""
        self.window.settled(feed, checkpoint)

    def _known(self, raw: bytes) -> Opened | None:
        return self.window.known(raw) if len(raw) <= MAX_BYTES else None
