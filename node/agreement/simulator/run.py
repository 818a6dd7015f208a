"""A whole run: nodes, checkpoints and a chain that takes the first report of each checkpoint."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from node.agreement.effects import Transmit
from node.agreement.machine import Machine
from node.agreement.simulator.behaviours import BEHAVIOURS, Honest
from node.agreement.simulator.invariants import Watch
from node.agreement.simulator.node import MachineFactory, SimulatedNode
from node.agreement.simulator.scenario import Scenario
from node.agreement.simulator.world import World

_BLOCKS = 100
"""Blocks from one checkpoint to the next: any number does."""
_MINING_MS = 1_000
_RESEND_MS = 15_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `rivals` counts rounds in which quorums signed reports in several views."""

    landed: int
    skipped: int
    rivals: int
    highest_view: int
    messages: int
    virtual_ms: int
    drops: Counter[str]


class _Run:
    def __init__(self, scenario: Scenario, make: MachineFactory) -> None:
        self.scenario = scenario
        self.world = World(scenario)
        self.watch = Watch(self.world)
        self.landed: dict[int, int] = dict.fromkeys(range(1, scenario.feeds + 1), 0)
        self.count = 0
        false = dict(scenario.behaviours)
        self.nodes: list[SimulatedNode] = []
        for index in range(scenario.nodes):
            behaviour = BEHAVIOURS[false[index]] if index in false else Honest
            self.nodes.append(
                SimulatedNode(self.world, self.watch, behaviour(self.world, index), make, self.publish, self.transmit)
            )
        for feed in self.landed:
            for number in range(1, scenario.rounds + 1):
                self.schedule(feed, number)

    def schedule(self, feed: int, number: int) -> None:
        for node in self.nodes:
            late = self.world.rng.randint(0, self.scenario.stagger)
            time = (number - 1) * self.scenario.interval + late
            self.world.at(time, partial(self.see, node, feed, number * _BLOCKS))

    def see(self, node: SimulatedNode, feed: int, checkpoint: int) -> None:
        if checkpoint > self.landed[feed]:
            node.see(feed, checkpoint)

    def publish(self, peer: int, raw: bytes) -> None:
        # A node's own publications come back to it as well: that is what brokers do.
        self.world.carry(raw, self.nodes[peer].hear)

    def transmit(self, effect: Transmit) -> None:
        # A transaction that goes astray is sent again until it is mined: that is the sender's promise.
        astray = _RESEND_MS if self.world.chance(self.scenario.loss) else 0
        delay = astray + self.world.rng.randint(1, _MINING_MS)
        self.world.at(self.world.now + delay, partial(self.mine, effect))

    def mine(self, effect: Transmit) -> None:
        feed, checkpoint = effect.key
        if checkpoint <= self.landed[feed]:
            return
        self.landed[feed] = checkpoint
        self.count += 1
        for node in self.nodes:
            delay = self.world.rng.randint(1, _MINING_MS)
            self.world.at(self.world.now + delay, partial(node.landed, feed, checkpoint))

    def finished(self) -> bool:
        return all(checkpoint == self.scenario.rounds * _BLOCKS for checkpoint in self.landed.values())

    def run(self) -> Outcome:
        scenario = self.scenario
        last = max(scenario.faults_end, scenario.rounds * scenario.interval + scenario.stagger)
        while not self.finished():
            if not self.world.step() or self.world.now > last + scenario.patience:
                stuck = [node.highest_view for node in self.nodes]
                self.watch.fail(f"not live: landed {self.landed}, highest views {stuck}")
        drops: Counter[str] = Counter()
        for node in self.nodes:
            drops += node.drops
        return Outcome(
            landed=self.count,
            skipped=scenario.rounds * scenario.feeds - self.count,
            rivals=self.watch.rivals(),
            highest_view=max(node.highest_view for node in self.nodes),
            messages=self.world.messages,
            virtual_ms=self.world.now,
            drops=drops,
        )


def simulate(scenario: Scenario, make: MachineFactory = Machine) -> Outcome:
    """Run a scenario to its end; InvariantError if a promise was broken on the way, or the end never came."""
    return _Run(scenario, make).run()
