"""Several brokers: every message is published to all of them, and taken from whichever brings it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from node.agreement.simulator.world.clock import Events

CALM_DELAY: Final = 50
"""The longest delay, in milliseconds, once the faults are over."""

_NOTHING: Final = (0.0,)

Hear: TypeAlias = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Outage:
    """From `start` until `end` (milliseconds) these nodes cannot reach these brokers.

    A broker that goes away is an outage for everyone; a partition is one outage for each side, which leaves it
    brokers that the other cannot reach, or none.
    """

    start: int
    end: int
    brokers: tuple[int, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Censorship:
    """From `start` until `end` hardly any message of these kinds gets through to these nodes.

    No network picks like this by accident; one that wants to hurt does, and so may a broker.
    """

    start: int
    end: int
    kinds: tuple[str, ...]
    nodes: tuple[int, ...]
    loss: float


@dataclass(frozen=True, slots=True)
class Weather:
    """How a network behaves until `end`: probabilities per copy of a message, the longest delay in milliseconds."""

    end: int
    loss: float
    duplication: float
    delay: int
    censorships: tuple[Censorship, ...] = ()


class Brokers:
    """Who can reach whom at the moment, and what happens to a message on its way.

    A node hears the copy that comes first; another one reaches it where `duplication` has it so, since what several
    brokers bring is the same bytes and what a node does with the second is the same whoever brought it.
    """

    def __init__(
        self,
        events: Events,
        rng: Random,
        nodes: int,
        brokers: int,
        outages: Sequence[Outage],
        weather: Weather,
        kind: Callable[[bytes], str],
    ) -> None:
        self._events = events
        self._random = rng.random
        self._weather = weather
        self._kind = kind
        self._censored: dict[tuple[str, int], list[float]] = {}
        self._everyone = range(nodes)
        self._ears: list[list[Hear]] = [[] for _ in self._everyone]
        self._cut = [[0] * nodes for _ in range(brokers)]
        self._routes: dict[tuple[int, int], int] = {}
        self.messages = 0
        for outage in outages:
            events.at(outage.start, self._change, outage, 1)
            events.at(outage.end, self._change, outage, -1)
        for censorship in weather.censorships:
            events.at(censorship.start, self._censor, censorship, True)
            events.at(censorship.end, self._censor, censorship, False)

    def connect(self, node: int, hear: Hear) -> None:
        """Let a process hear what reaches this node; twins are two in one place."""
        self._ears[node].append(hear)

    def _change(self, outage: Outage, by: int) -> None:
        for broker in outage.brokers:
            for node in outage.nodes:
                self._cut[broker][node] += by
        self._routes.clear()

    def _censor(self, censorship: Censorship, begins: bool) -> None:
        for kind in censorship.kinds:
            for node in censorship.nodes:
                losses = self._censored.setdefault((kind, node), [])
                if begins:
                    losses.append(censorship.loss)
                else:
                    losses.remove(censorship.loss)
                    if not losses:
                        del self._censored[kind, node]

    def _route(self, sender: int, peer: int) -> int:
        """How many brokers both can reach."""
        found = sum(not cut[sender] and not cut[peer] for cut in self._cut)
        self._routes[sender, peer] = found
        return found

    def publish(self, sender: int, raw: bytes) -> None:
        """Send bytes to everyone; a node's own come back to it: that is what brokers do."""
        self._spread(sender, self._everyone, raw)

    def carry(self, sender: int, peer: int, raw: bytes) -> None:
        """Send bytes to one node."""
        self._spread(sender, (peer,), raw)

    def _spread(self, sender: int, peers: Sequence[int], raw: bytes) -> None:
        """Bring bytes to each of them: perhaps late, twice or never."""
        events, weather, random, routes = self._events, self._weather, self._random, self._routes
        now, loss, longest = events.now, weather.loss, weather.delay
        calm = now >= weather.end
        self.messages += len(peers)
        kind = self._kind(raw) if self._censored and not calm else ""
        for peer in peers:
            copies = routes.get((sender, peer))
            if copies is None:
                copies = self._route(sender, peer)
            if not copies:
                continue
            if calm:
                delay, again = random() * CALM_DELAY, False
            else:
                if loss:
                    copies = sum([random() >= loss for _ in range(copies)])
                    if not copies:
                        continue
                if self._censored and random() < max(self._censored.get((kind, peer), _NOTHING)):
                    continue
                delay = longest * (random() if copies == 1 else min([random() for _ in range(copies)]))
                again = random() < weather.duplication
            for hear in self._ears[peer]:
                events.at(now + 1 + int(delay), hear, raw)
                if again:
                    events.at(now + 1 + int(random() * longest), hear, raw)
