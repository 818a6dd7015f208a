"""The protocol as one pure state machine: many rounds at once, no clock, no sockets, no database."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from node.agreement import reasons, signature
from node.agreement.committee import Committee
from node.agreement.effects import Dropped, Effect, RoundDone, RoundKey, RoundStatus, Timing, Trigger
from node.agreement.memory import Memory
from node.agreement.messages import Opened
from node.agreement.round import Round
from node.agreement.seat import Recover, Seal, Seat, Verify
from node.agreement.waiting import WaitingRoom
from node.errors import AgreementError

MAX_ROUNDS_PER_FEED: Final = 4
_NOTHING: Final[Mapping[int, bytes]] = MappingProxyType({})
_UNBOUND: Final = Memory()


class Machine:
    """Drives every round of one node; each call returns the effects to carry out, in order.

    `verify` and `seal` are pure functions over raw envelopes, `recover` over signatures. All times are milliseconds
    of one clock; should it go back, the machine stands still until it has caught up.
    """

    def __init__(
        self,
        committee: Committee,
        index: int,
        verify: Verify,
        timing: Timing,
        seal: Seal,
        recover: Recover = signature.recover,
    ) -> None:
        if not 0 <= index < committee.n:
            raise AgreementError(f"no member {index} in a committee of {committee.n}")
        self._seat = Seat(committee, index, verify, seal, timing, recover)
        self._rounds: dict[RoundKey, Round] = {}
        self._waiting = WaitingRoom(committee.n)
        self._landed: dict[int, int] = {}
        self._now = 0

    def _advance(self, now: int) -> int:
        self._now = max(self._now, now)
        return self._now

    def begin(
        self, trigger: Trigger, now: int, attested: Mapping[int, bytes] = _NOTHING, memory: Memory = _UNBOUND
    ) -> list[Effect]:
        """Start the round of this node's own measurement.

        `attested` maps views to the digests that the journal holds for this round, and `memory` is the last that
        was to be remembered of it. The same trigger again does nothing, nor does one of a checkpoint that has
        landed; another one for the same round, or one that the memory does not fit, raises AgreementError. More
        than four rounds of a feed push out the oldest, which may be this one.
        """
        now = self._advance(now)
        key = trigger.key
        known = self._rounds.get(key)
        if known is not None:
            if known.trigger != trigger:
                raise AgreementError(f"feed {key.feed}, checkpoint {key.checkpoint}: begun with other values")
            return []
        if key.checkpoint <= self._landed.get(key.feed, -1):
            return []
        effects: list[Effect] = []
        of_feed = sorted(other for other in self._rounds if other.feed == key.feed)
        if len(of_feed) >= MAX_ROUNDS_PER_FEED:
            if key < of_feed[0]:
                return [RoundDone(key, landed=False)]
            effects += self._rounds.pop(of_feed[0]).close(landed=False)
        begun = self._rounds[key] = Round(self._seat, trigger, now, attested, memory)
        effects += begun.start(now)
        for opened in self._waiting.take(key):
            effects += begun.receive(opened, now)
        return effects

    def receive(self, opened: Opened, now: int) -> list[Effect]:
        """Take a message whose envelope was verified; one of a round not begun here waits within bounds."""
        key = RoundKey(opened.message.feed, opened.message.checkpoint)
        known = self._rounds.get(key)
        if known is not None:
            return known.receive(opened, self._advance(now))
        if key.checkpoint <= self._landed.get(key.feed, -1):
            return [Dropped(opened.sender, reasons.STALE)]
        return [Dropped(opened.sender, reasons.OVERFLOW)] * self._waiting.put(opened)

    def rendered(
        self, key: RoundKey, view: int, content_root: bytes, now: int, *, tolerant: bool = False
    ) -> list[Effect]:
        """The Render effect of this view is done: 32 bytes, zeros if the artworks stay as they are.

        `tolerant`: other nodes' renders of the same inputs have other roots. The round then agrees on its leader's,
        which the followers hold against their own (`Compare`).
        """
        known = self._rounds.get(key)
        return [] if known is None else known.rendered(view, content_root, self._advance(now), tolerant)

    def progressed(self, key: RoundKey, view: int, now: int) -> list[Effect]:
        """The Render or Compare effect of this view got further: the view is given that much more time."""
        known = self._rounds.get(key)
        if known is not None:
            known.progressed(view, self._advance(now))
        return []

    def compared(self, key: RoundKey, view: int, root: bytes, alike: bool, now: int) -> list[Effect]:
        """The Compare effect of this view is done: whether the leader's artwork is what this node rendered."""
        known = self._rounds.get(key)
        return [] if known is None else known.compared(view, root, alike, self._advance(now))

    def render_failed(self, key: RoundKey, view: int, now: int) -> list[Effect]:
        """The Render effect of this view came to nothing; it is asked for again in a later view."""
        self._advance(now)
        known = self._rounds.get(key)
        return [] if known is None else known.render_failed(view)

    def attested(self, key: RoundKey, view: int, digest: bytes, signature: bytes, now: int) -> list[Effect]:
        """The digest of an Attest effect is durable and signed (64 bytes, EIP-2098): it may be released."""
        self._advance(now)
        known = self._rounds.get(key)
        return [] if known is None else known.attested(view, digest, signature)

    def forget(self, key: RoundKey) -> list[Effect]:
        """Stop a round whose memory could not be made durable; `begin` takes it up again from what was."""
        known = self._rounds.pop(key, None)
        return [] if known is None else known.stop()

    def landed(self, feed: int, checkpoint: int, now: int) -> list[Effect]:
        """A report of the feed stands on chain: its rounds up to that checkpoint are over."""
        self._advance(now)
        if checkpoint <= self._landed.get(feed, -1):
            return []
        self._landed[feed] = checkpoint
        self._waiting.discard(feed, checkpoint)
        effects: list[Effect] = []
        for key in [key for key in self._rounds if key.feed == feed and key.checkpoint <= checkpoint]:
            effects += self._rounds.pop(key).close(landed=True)
        return effects

    def undone(self, feed: int, checkpoint: int) -> None:
        """A reorganisation took a landed report back: its feed's rounds from `checkpoint` on may begin again."""
        if feed in self._landed:
            self._landed[feed] = min(self._landed[feed], checkpoint - 1)

    def tick(self, now: int) -> list[Effect]:
        """Whatever is due by now: repetitions, proposals after the grace, views whose time is up."""
        now, effects = self._advance(now), list[Effect]()
        for known in list(self._rounds.values()):
            effects += known.tick(now)
        return effects

    def due(self) -> int | None:
        """When `tick` next has something to do if nothing else happens; None without rounds.

        It looks at every round: with many of them, ticking at a fixed pace is cheaper than asking after each step.
        """
        return min((known.due() for known in self._rounds.values()), default=None)

    def rounds(self) -> list[RoundStatus]:
        """All rounds under way, for status pages."""
        return [known.status() for _, known in sorted(self._rounds.items())]
