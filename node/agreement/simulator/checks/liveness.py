"""Liveness: once the faults are over, a round takes no more views than it takes to meet an honest leader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from node.agreement.effects import RoundKey
from node.agreement.messages import MAX_VIEW
from node.agreement.simulator.world.world import World

SLACK_MS: Final = 3_000
"""What a view takes besides rendering: entering it together, a grace, five messages, and one that comes late."""


class Liveness:
    """Bounds, for each round, the view in which the report that gets a quorum is prepared.

    A round is calm once the faults are over and every honest node is up and has begun it. The highest view that an
    honest node is in by then may be half over, so it need not succeed; from the next one on the first view must
    whose leader is honest and whose time is enough for the slowest render (`roomy`). Leaders take turns and views
    last twice as long each time, so that is at most 1 + f views further where renders are quick, whatever the
    others do.
    """

    def __init__(self, world: World, fail: Callable[[str], None], honest: Collection[int]) -> None:
        self._world = world
        self._fail = fail
        self._honest = frozenset(honest)
        self._begun: dict[RoundKey, set[int]] = {}
        self._bounds: dict[RoundKey, tuple[int, int] | None] = {}
        self._views: dict[RoundKey, int] = {}
        self.longest = 0
        """The most views that a calm round took, from the one that it was in."""

    def begun(self, index: int, key: RoundKey) -> None:
        """An honest node takes part in a round."""
        self._begun.setdefault(key, set()).add(index)

    def calm(self, open_views: Mapping[RoundKey, list[int]]) -> None:
        """The faults are over and all honest nodes are up: `open_views` are the views that they are in, by round."""
        for key, views in open_views.items():
            if key in self._bounds or self._begun.get(key, set()) != self._honest or len(views) < len(self._honest):
                continue
            self._bounds[key] = self._bound(key, max(views))

    def _bound(self, key: RoundKey, first: int) -> tuple[int, int] | None:
        """The present view, and the one that must succeed; None where no view lasts long enough."""
        committee = self._world.keys.committee
        start = committee.leader(*key, 0)
        for view in range(first + 1, MAX_VIEW + 1):
            if (start + view) % committee.n in self._honest and self._roomy(view):
                return first, view
        return None

    def _roomy(self, view: int) -> bool:
        """Whether a node that is done at once waits in this view until the slowest one is done."""
        scenario, timing = self._world.scenario, self._world.scenario.timing
        slowest = SLACK_MS + scenario.render * (2 if scenario.tolerant else 1)
        fastest_clock = 1_000_000 + scenario.skew
        patience = min(timing.view_ms << min(view, 16), timing.view_max_ms)
        return max(timing.render_ms, patience) * 1_000_000 // fastest_clock >= slowest

    def entered(self, key: RoundKey, view: int) -> None:
        """An honest node is in this view of a round that has no report yet."""
        known = self._bounds.get(key)
        if known is None or key in self._views:
            return
        first, bound = known
        if view > bound:
            self._fail(f"{key}: not live: no report by view {bound}, though its leader is honest and nothing fails")
        self.longest = max(self.longest, view - first)

    def certified(self, key: RoundKey, view: int) -> None:
        """An honest node holds a quorum's signatures: the round has nothing left to agree on."""
        self._views.setdefault(key, view)

    def forget(self, feed: int, before: int) -> None:
        """These rounds are over."""
        for kept in (self._begun, self._bounds, self._views):
            for key in [key for key in kept if key.feed == feed and key.checkpoint < before]:
                del kept[key]
