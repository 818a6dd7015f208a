"""The chain: takes a feed's reports in the order of their checkpoints, and may take back its newest blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from node.agreement.effects import RoundKey, Transmit
from node.agreement.simulator.world.clock import Events

BLOCKS: Final = 100
"""Blocks from one checkpoint to the next: any number does."""
MINING_MS: Final = 1_000
"""The longest that a transaction waits to be mined, and a node's endpoint lags behind the head."""
RESEND_MS: Final = 15_000
"""When a sender looks whether its transaction went astray, and sends it again."""
FINAL_MS: Final = 60_000
"""Blocks this old are final: no reorganisation reaches them."""


@dataclass(frozen=True, slots=True)
class Reorganisation:
    """At `time` the blocks of the last `depth` milliseconds are replaced by others (depth below FINAL_MS)."""

    time: int
    depth: int


@dataclass(frozen=True, slots=True)
class _Entry:
    report: Transmit
    mined_at: int


class Chain:
    """Reports that stand on chain by feed, the newest last. `told(node, report)` brings news to one node."""

    def __init__(
        self,
        events: Events,
        rng: Random,
        feeds: int,
        nodes: int,
        reorganisations: Sequence[Reorganisation],
        told: Callable[[int, RoundKey], None],
    ) -> None:
        self._events = events
        self._rng = rng
        self._nodes = range(nodes)
        self._told = told
        self._standing: dict[int, list[_Entry]] = {feed: [] for feed in range(1, feeds + 1)}
        self.vanished = 0
        self.changed = True
        """Set whenever something lands or vanishes."""
        for reorganisation in reorganisations:
            events.at(reorganisation.time, self._reorganise, reorganisation.depth)

    def send(self, report: Transmit, astray: bool) -> None:
        """A transaction that goes astray is sent again until it is mined: that is the sender's promise."""
        delay = RESEND_MS if astray else 0
        self._events.after(delay + self._rng.randint(1, MINING_MS), self._mine, report)

    def touch(self) -> None:
        """Count as changed: the last reorganisation is over."""
        self.changed = True

    def newest(self, feed: int) -> int:
        """The checkpoint of the feed's newest report that stands; 0 without one."""
        standing = self._standing[feed]
        return standing[-1].report.key.checkpoint if standing else 0

    def landed(self) -> dict[int, list[Transmit]]:
        """What stands, by feed, oldest first."""
        return {feed: [entry.report for entry in standing] for feed, standing in self._standing.items()}

    def newest_of_all(self) -> dict[int, int]:
        """The newest checkpoint that stands, by feed."""
        return {feed: self.newest(feed) for feed in self._standing}

    def _mine(self, report: Transmit) -> None:
        feed, checkpoint = report.key
        if checkpoint <= self.newest(feed):
            return  # the contract refuses it: this report or a newer one stands
        self._standing[feed].append(_Entry(report, self._events.now))
        self.changed = True
        for node in self._nodes:
            self._events.after(self._rng.randint(1, MINING_MS), self._show, node, report)

    def _show(self, node: int, report: Transmit) -> None:
        # An endpoint shows what stands when it answers: some nodes never see what vanishes at once.
        if any(entry.report.key == report.key for entry in self._standing[report.key.feed]):
            self._told(node, report.key)

    def _reorganise(self, depth: int) -> None:
        self.changed = True
        since = self._events.now - min(depth, FINAL_MS - 1)
        for feed, standing in self._standing.items():
            lost = [entry for entry in standing if entry.mined_at > since]
            self._standing[feed] = [entry for entry in standing if entry.mined_at <= since]
            for entry in lost:
                self.vanished += 1
                self._events.after(self._rng.randint(1, RESEND_MS), self._mine, entry.report)
