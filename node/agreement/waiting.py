"""Messages of rounds that this node has not begun: nodes see a checkpoint at different times."""

from __future__ import annotations

from typing import Final, TypeAlias

from node.agreement.effects import RoundKey
from node.agreement.messages import Observation, Opened, kind_of

BYTES_PER_SENDER: Final = 512 * 1024
_OVERHEAD: Final = 512
"""What an entry costs besides its envelope, in bytes, roughly."""

_Slot: TypeAlias = tuple[RoundKey, int, str, int]
"""Round, sender, kind and view: the place of a message."""


class WaitingRoom:
    """Each member has a budget of its own, so that nobody can push out another's messages."""

    def __init__(self, members: int, budget: int = BYTES_PER_SENDER) -> None:
        self._budget = budget
        self._used = [0] * members
        self._of_sender: list[dict[_Slot, Opened]] = [{} for _ in range(members)]
        # Dictionaries as ordered sets: slots stay in the order of their arrival.
        self._of_round: dict[int, dict[int, dict[_Slot, None]]] = {}

    def put(self, opened: Opened) -> int:
        """Keep the message; returns how many of the sender's oldest made room for it.

        A second message in the place of a kept one is let go, be it the same or another.
        """
        message, sender = opened.message, opened.sender
        view = -1 if isinstance(message, Observation) else message.view
        key = RoundKey(message.feed, message.checkpoint)
        slot = (key, sender, kind_of(message), view)
        kept = self._of_sender[sender]
        if slot in kept:
            return 0
        kept[slot] = opened
        self._used[sender] += len(opened.raw) + _OVERHEAD
        self._of_round.setdefault(key.feed, {}).setdefault(key.checkpoint, {})[slot] = None
        pushed_out = 0
        while self._used[sender] > self._budget:
            self._forget(next(iter(kept)))
            pushed_out += 1
        return pushed_out

    def _forget(self, slot: _Slot) -> Opened:
        key, sender = slot[0], slot[1]
        opened = self._of_sender[sender].pop(slot)
        self._used[sender] -= len(opened.raw) + _OVERHEAD
        of_feed = self._of_round[key.feed]
        del of_feed[key.checkpoint][slot]
        if not of_feed[key.checkpoint]:
            del of_feed[key.checkpoint]
        if not of_feed:
            del self._of_round[key.feed]
        return opened

    def take(self, key: RoundKey) -> list[Opened]:
        """The messages of a round, in the order of arrival; they are kept no longer."""
        return [self._forget(slot) for slot in list(self._of_round.get(key.feed, {}).get(key.checkpoint, ()))]

    def discard(self, feed: int, checkpoint: int) -> None:
        """Forget the messages of a feed's rounds up to and including this checkpoint."""
        for past in [past for past in self._of_round.get(feed, ()) if past <= checkpoint]:
            self.take(RoundKey(feed, past))

    def __len__(self) -> int:
        return sum(map(len, self._of_sender))
