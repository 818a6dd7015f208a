"""What was heard already, and what is too old to be heard: the memory against replays."""

from __future__ import annotations

from typing import Final

from node.agreement.messages import Message, Opened

BYTES_PER_SENDER: Final = 2 * 1024 * 1024
ENTRY: Final = 512
"""What an envelope costs besides its bytes, roughly."""


class ReplayWindow:
    """Genuine envelopes of rounds that are open, each member's within a budget of its own; oldest go first.

    A round is open until its feed is told to be settled up to its checkpoint.
    """

    def __init__(self, members: int, budget: int = BYTES_PER_SENDER) -> None:
        self._budget = budget
        self._seen: dict[bytes, Opened] = {}
        # Dictionaries as ordered sets: each member's in the order of arrival.
        self._of_sender: list[dict[bytes, None]] = [{} for _ in range(members)]
        self._of_feed: dict[int, dict[bytes, None]] = {}
        self._used = [0] * members
        self._over: dict[int, int] = {}

    def known(self, raw: bytes) -> Opened | None:
        """The envelope of exactly these bytes, if it was remembered."""
        return self._seen.get(raw)

    def current(self, message: Message) -> bool:
        """Whether the message's round may still be open."""
        return message.checkpoint > self._over.get(message.feed, -1)

    def remember(self, opened: Opened) -> None:
        """Keep an envelope whose signature was checked; one of a round that is over is let go at once."""
        raw, sender = opened.raw, opened.sender
        if raw in self._seen or not self.current(opened.message):
            return
        self._seen[raw] = opened
        self._of_sender[sender][raw] = None
        self._of_feed.setdefault(opened.message.feed, {})[raw] = None
        self._used[sender] += len(raw) + ENTRY
        while self._used[sender] > self._budget:
            self._forget(next(iter(self._of_sender[sender])))

    def settled(self, feed: int, checkpoint: int) -> None:
        """The feed's rounds up to and including this checkpoint are over, and no reorganisation brings them back."""
        if checkpoint <= self._over.get(feed, -1):
            return
        self._over[feed] = checkpoint
        for raw in list(self._of_feed.get(feed, ())):
            if self._seen[raw].message.checkpoint <= checkpoint:
                self._forget(raw)

    def _forget(self, raw: bytes) -> None:
        opened = self._seen.pop(raw)
        del self._of_sender[opened.sender][raw]
        of_feed = self._of_feed[opened.message.feed]
        del of_feed[raw]
        if not of_feed:
            del self._of_feed[opened.message.feed]
        self._used[opened.sender] -= len(raw) + ENTRY

    @property
    def size(self) -> int:
        """Bytes that all remembered envelopes take, roughly."""
        return sum(self._used)

    def __len__(self) -> int:
        return len(self._seen)
