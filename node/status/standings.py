"""How the served feeds stand: measured last, in which band, how far from leaving it, and when measured next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from node.explain.bands import exits
from node.explain.measure import measured

if TYPE_CHECKING:
    from node.chain.types import Feed
    from node.journal import Journal
    from node.rounds.landings import Landings


class Standings:
    """Figures of the served feeds for status pages, reckoned once for each final block, however many ask."""

    def __init__(self, journal: Journal, landings: Landings) -> None:
        self._journal = journal
        self._landings = landings
        self._feeds: Sequence[Feed] = ()
        self._reckoned: list[dict[str, Any]] | None = None

    def note(self, feeds: Sequence[Feed]) -> None:
        """Take the served feeds as they stand at a new head, once their checkpoints have been handled."""
        self._feeds, self._reckoned = feeds, None

    @property
    def feeds(self) -> Sequence[Feed]:
        """The served feeds as they stood at the last final block."""
        return self._feeds

    def status(self) -> list[dict[str, Any]]:
        """Return every served feed's figures: wads as decimal texts, blocks as numbers; None: not known yet."""
        if self._reckoned is None:
            self._reckoned = [self._figures(feed) for feed in self._feeds]
        return self._reckoned

    def _figures(self, feed: Feed) -> dict[str, Any]:
        policy = feed.policy
        needed = policy.window + policy.lookback
        samples = self._journal.samples.last(feed.id, needed)
        found, landed = measured(feed, samples), self._landings.last(feed.id)
        band = feed.band if landed is None else landed.band
        handled = self._journal.cursors.get(f"feed {feed.id}")
        following = -(-feed.opened_at // policy.cadence) * policy.cadence
        if handled is not None:
            following = max(following, (handled // policy.cadence + 1) * policy.cadence)
        ways = [] if found is None else exits(policy, band, found.answer)
        return {
            "id": feed.id,
            "vault": feed.vault,
            "collection": feed.collection,
            "edition": feed.edition,
            "band": band,
            "bands": len(policy.thresholds) + 1,
            "thresholds": [str(one) for one in policy.thresholds],
            "hysteresis": str(policy.hysteresis),
            "cadence": policy.cadence,
            "window": policy.window,
            "answer": None if found is None else str(found.answer),
            "measured": None if found is None else found.checkpoint,
            "missing": 0 if found is not None else max(1, needed - len(samples)),
            "reported": None
            if landed is None
            else {"checkpoint": landed.checkpoint, "answer": str(landed.answer), "block": landed.block_number},
            "next_checkpoint": following,
            "nearest": [
                {"at": str(one.at), "up": one.up, "band": one.band, "distance": str(one.distance)} for one in ways
            ],
        }
