"""A whole run: nodes, checkpoints, brokers, and a chain that takes the reports of each feed in turn."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.agreement.effects import RoundKey, Transmit
from node.agreement.machine import Machine
from node.agreement.simulator.byzantine import BEHAVIOURS, TWINS, Twin
from node.agreement.simulator.byzantine.honest import Honest
from node.agreement.simulator.checks.watch import Watch
from node.agreement.simulator.nodes.disk import Disk, FileDisk, MemoryDisk, disks
from node.agreement.simulator.nodes.driver import MachineFactory, SimulatedNode
from node.agreement.simulator.scenario import Scenario
from node.agreement.simulator.world.chain import BLOCKS, Chain
from node.agreement.simulator.world.world import Tell, World

LOOK_MS: Final = 250
"""How often it is looked whether every honest node is up again."""
WEIGH_MS: Final = 15_000
"""How often an honest node is weighed, each in its turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    `skipped` rounds were overtaken by newer ones of their feed. `points` are the steps at which each node could
    have died, `views` the most that a calm round took, and `heaviest` the most bytes that a machine kept.
    """

    landed: int
    skipped: int
    highest_view: int
    views: int
    messages: int
    virtual_ms: int
    heaviest: int
    points: tuple[int, ...]
    drops: Counter[str]
    troubles: Counter[str]


class _Run:
    def __init__(self, scenario: Scenario, make: MachineFactory, tell: Tell | None, folder: Path | None) -> None:
        self.scenario = scenario
        self.world = world = World(scenario, tell)
        false = dict(scenario.behaviours)
        self.watch = Watch(world, [index for index in range(scenario.nodes) if index not in false])
        self.chain = Chain(
            world.events, world.rng, scenario.feeds, scenario.nodes, scenario.reorganisations, self.shown
        )
        self.make, self.folder = make, folder
        self.nodes: list[SimulatedNode] = []
        self.places: list[list[SimulatedNode]] = []
        for index in range(scenario.nodes):
            self.places.append([self.node(behaviour) for behaviour in self.behaviours(index, false.get(index))])
        self.honest = [node for node in self.nodes if node.honest]
        self.plan()

    def behaviours(self, index: int, name: str | None) -> list[Honest]:
        if name is None:
            return [Honest(self.world, index)]
        if name == TWINS:
            return [Twin(self.world, index, side) for side in (0, 1)]
        return [BEHAVIOURS[name](self.world, index)]

    def node(self, behaviour: Honest) -> SimulatedNode:
        disk: Disk = MemoryDisk() if self.folder is None else FileDisk(self.folder / str(len(self.nodes)))
        node = SimulatedNode(self.world, self.watch, behaviour, self.make, self.send, disk)
        self.nodes.append(node)
        self.world.brokers.connect(node.index, node.hear)
        return node

    def plan(self) -> None:
        scenario, events = self.scenario, self.world.events
        asleep = {spell.node: spell.end for spell in scenario.asleep}
        for node in self.nodes:
            events.at(asleep.get(node.index, 0) if node.honest else 0, node.start)
            for feed in range(1, scenario.feeds + 1):
                for number in range(1, scenario.rounds + 1):
                    late = self.world.rng.randint(0, scenario.stagger)
                    key = RoundKey(feed, number * BLOCKS)
                    events.at((number - 1) * scenario.interval + late, self.see, node, key)
        for spell in scenario.frozen:
            events.at(spell.start, self.freeze, spell.node, spell.end)
        for spell in scenario.disk_full:
            events.at(spell.start, self.fill, spell.node, True)
            events.at(spell.end, self.fill, spell.node, False)
        events.at(scenario.faults_end, self.look)
        events.at(WEIGH_MS, self.weigh, 0)

    # -- what happens -----------------------------------------------------------------------------------------------

    def see(self, node: SimulatedNode, key: RoundKey) -> None:
        if key.checkpoint > self.chain.newest(key.feed):
            node.see(key)

    def freeze(self, index: int, until: int) -> None:
        for node in self.places[index]:
            self.world.troubles["freezes"] += 1
            node.freeze(until)

    def fill(self, index: int, full: bool) -> None:
        for node in self.places[index]:
            self.world.troubles["full disks"] += full
            node.fill(full)

    def send(self, report: Transmit) -> None:
        self.chain.send(report, self.world.chance(self.scenario.loss))

    def shown(self, index: int, key: RoundKey) -> None:
        for node in self.places[index]:
            node.landed(key)

    def look(self) -> None:
        """Once nothing fails any more and everyone is up, rounds may take only so many views."""
        views: dict[RoundKey, list[int]] = {}
        for node in self.honest:
            if node.machine is None:
                break
            for status in node.machine.rounds():
                views.setdefault(status.key, []).append(status.view)
        else:
            self.watch.calm(views)
        self.world.events.after(LOOK_MS, self.look)

    def weigh(self, turn: int) -> None:
        """See how much one of the honest nodes keeps, and forget what is over."""
        node = self.honest[turn % len(self.honest)]
        if node.machine is not None:
            self.watch.weigh(node.index, node.machine)
        for feed in range(1, self.scenario.feeds + 1):
            settled = min((node.settled(feed) for node in self.honest), default=0)
            self.watch.forget(feed, settled)
        self.world.events.after(WEIGH_MS, self.weigh, turn + 1)

    # -- the end ---------------------------------------------------------------------------------------------------

    def finished(self) -> bool:
        self.chain.changed = False
        last = self.scenario.rounds * BLOCKS
        return all(self.chain.newest(feed) == last for feed in range(1, self.scenario.feeds + 1))

    def run(self) -> Outcome:
        scenario, world = self.scenario, self.world
        reorganised = max((each.time for each in scenario.reorganisations), default=0)
        last = max(scenario.faults_end, scenario.rounds * scenario.interval + scenario.stagger)
        world.events.at(reorganised, self.chain.touch)
        events, chain, end = world.events, self.chain, last + scenario.patience
        while not (chain.changed and self.finished() and events.now >= reorganised):
            if not events.step() or events.now > end:
                stuck = [node.highest_view for node in self.nodes]
                self.watch.fail(f"not live: landed {self.chain.newest_of_all()}, highest views {stuck}")
        for node in self.honest:
            if node.machine is not None:
                self.watch.weigh(node.index, node.machine)
        return self.outcome()

    def outcome(self) -> Outcome:
        drops: Counter[str] = Counter()
        for node in self.nodes:
            drops += node.drops
        landed = sum(map(len, self.chain.landed().values()))
        self.world.troubles["vanished reports"] += self.chain.vanished
        return Outcome(
            landed=landed,
            skipped=self.scenario.rounds * self.scenario.feeds - landed,
            highest_view=max(node.highest_view for node in self.nodes),
            views=self.watch.longest,
            messages=self.world.brokers.messages,
            virtual_ms=self.world.now,
            heaviest=self.watch.heaviest,
            points=tuple(node.points for node in self.nodes),
            drops=drops,
            troubles=+self.world.troubles,
        )

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@contextmanager
def _left_alone() -> Iterator[None]:
    """Look for cycles among all objects a hundred times less often: a run makes millions, and hardly a cycle."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100 * thresholds[0], *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def simulate(scenario: Scenario, make: MachineFactory = Machine, tell: Tell | None = None) -> Outcome:
    """Run a scenario to its end; `tell` gets its story line by line.

    Raises InvariantError if a promise was broken on the way, or the end never came.
    """
    with _left_alone(), disks() if scenario.on_files else nullcontext() as folder:
        run = _Run(scenario, make, tell, folder)
        try:
            return run.run()
        finally:
            run.close()
