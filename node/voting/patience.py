"""Whether a round is to be voted for: how long gossip has been given, and brought nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.agreement.effects import RoundKey
    from node.gossip.hearing import Hearing

STUCK: Final = 6
"""Times `after` that a feed may have rounds and land nothing, not counting when this node paints or sends what was
agreed on, whatever is heard: who chooses what is delivered can keep rounds going in circles without a silence."""
MAX_REST: Final = 16
"""Times `after`: where votes come to nothing they become rarer, up to this."""


@dataclass(frozen=True, slots=True)
class Vain:
    """Votes of a feed that nothing has landed after: how many, for which round the last one, and when (seconds)."""

    count: int
    key: RoundKey
    at: float


class Patience:
    """A round is called for

    - while no broker has been connected for `after` seconds, or too few members were heard for a quorum (`Hearing`);
    - when its feed lands nothing although enough are heard, `STUCK` times as long;
    - when more than f other members have voted for it: those left on gossip may be too few for a quorum, and one of
      them at least is honest and has waited that long.

    Where votes come to nothing, since too few others vote, this node rests twice as long before each vote for another
    round of the feed, unless more than f others vote for that one.
    """

    def __init__(
        self,
        brokers_gone_for: Callable[[], float],
        hearing: Hearing,
        *,
        f: int,
        after: float,
        clock: Callable[[], float],
    ) -> None:
        self._brokers_gone_for = brokers_gone_for
        self._hearing = hearing
        self._f = f
        self._after = after
        self._clock = clock
        self._idle: dict[int, float] = {}
        self._stepped = clock()
        self._vain: dict[int, Vain] = {}
        self.voted: Mapping[tuple[int, int], Set[str]] = {}
        """Which other members have voted on chain, by (feed, checkpoint)."""

    def silent_for(self) -> float:
        """Seconds without a broker, or of having something to say and hearing too few."""
        return max(self._brokers_gone_for(), self._hearing.silent_for())

    def keep_time(self, due: Mapping[RoundKey, float], at_work: Collection[RoundKey]) -> None:
        """Note the rounds that are due now, with when each began (seconds), and those of them that wait for this node
        itself or for the chain, not for what others say."""
        now = self._clock()
        lapse, self._stepped = now - self._stepped, now
        self._hearing.await_others(bool(due))
        newest = {key.feed: key for key in sorted(due)}
        begun = {key.feed: due[key] for key in sorted(due, reverse=True)}
        self._idle = {
            feed: self._idle.get(feed, 0.0) + (0.0 if key in at_work else min(lapse, now - begun[feed]))
            for feed, key in newest.items()
        }

    def called_for(self, key: RoundKey) -> bool:
        """Say whether a round is to be voted for."""
        silent = self.silent_for() >= self._after
        return silent or self._idle.get(key.feed, 0.0) >= STUCK * self._after or self._joins(key)

    def rested(self, key: RoundKey) -> bool:
        """Say whether it was long enough since a vote for another round of the feed that came to nothing."""
        vain = self._vain.get(key.feed)
        if vain is None or vain.key == key or self._joins(key):
            return True
        return self._clock() - vain.at >= self._after * min(MAX_REST, 1 << min(vain.count - 1, MAX_REST))

    def cast(self, key: RoundKey) -> None:
        """Note that a vote was sent."""
        before = self._vain.get(key.feed)
        self._vain[key.feed] = Vain(1 if before is None else before.count + 1, key, self._clock())

    def landed(self, feed: int) -> None:
        """Note that something of the feed has landed."""
        self._vain.pop(feed, None)
        self._idle.pop(feed, None)

    def _joins(self, key: RoundKey) -> bool:
        return len(self.voted.get((key.feed, key.checkpoint), ())) > self._f
