"""What surrounds simulated nodes: time, brokers, a chain, keys, and one random generator that decides everything."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from node.agreement.messages import kind_of
from node.agreement.simulator.scenario import Scenario
from node.agreement.simulator.world.brokers import Brokers, Weather
from node.agreement.simulator.world.clock import Events
from node.agreement.simulator.world.keys import FORMER, ToyKeys

__all__ = ["Tell", "World"]

Tell = Callable[[int, int, str], None]
"""Takes one line of the story: when (milliseconds), who (a node, or -1 for the world), what."""


class World:
    """Shared by all nodes of a run; `tell` is None where nobody listens to the story."""

    def __init__(self, scenario: Scenario, tell: Tell | None = None) -> None:
        self.scenario = scenario
        self.tell = tell
        self.keys = ToyKeys(scenario.nodes)
        self.former = ToyKeys(scenario.nodes, FORMER)
        self.rng = random.Random(f"world {scenario.seed}")  # noqa: S311 - replayable on purpose
        self.events = Events()
        self.troubles: Counter[str] = Counter()
        weather = Weather(
            scenario.faults_end, scenario.loss, scenario.duplication, scenario.delay, scenario.censorships
        )
        self.brokers = Brokers(
            self.events, self.rng, scenario.nodes, scenario.brokers, scenario.outages, weather, self.kind
        )

    def kind(self, raw: bytes) -> str:
        """What a message is about, to whoever looks into it on its way."""
        opened = self.keys.verify(raw)
        return "" if opened is None else kind_of(opened.message)

    @property
    def now(self) -> int:
        """The virtual time in milliseconds."""
        return self.events.now

    def chance(self, probability: float) -> bool:
        """Whether a fault of this probability strikes now: none does once the faults are over."""
        return bool(probability) and self.events.now < self.scenario.faults_end and self.rng.random() < probability
