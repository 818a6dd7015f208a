"""What a simulated run is made of: everything follows from these numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from node.agreement.effects import Timing
from node.agreement.simulator.world.brokers import Censorship, Outage
from node.agreement.simulator.world.chain import Reorganisation


@dataclass(frozen=True, slots=True)
class Spell:
    """From `start` until `end` (milliseconds) something is the matter with this node."""

    node: int
    start: int
    end: int


def _timing() -> Timing:
    return Timing(view_ms=2_000, view_max_ms=30_000, render_ms=8_000, grace_ms=200, repeat_ms=2_000)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Probabilities are per event, times in virtual milliseconds.

    Until `faults_end` messages get lost, doubled and late, nodes crash, disks refuse writes, brokers and
    links are down and the chain reorganises; the Byzantine `behaviours` (by committee index) go on for ever, and
    so does the drift of the clocks. `crash` is the probability at every point where the process may die, and
    `crash_at` names such points by node and number, counted from 1 on. `asleep` are nodes that are not up yet,
    `frozen` ones whose process stands still. `stagger` is how much later some see a checkpoint than others, `skew`
    the drift of clocks in parts per million. Where `tolerant`, every node renders a root of its own, and rounds
    agree on their leader's. `patience` after the last checkpoint and the end of the faults, every feed's last
    checkpoint must have landed. `on_files`: journals are files, which SQLite has to recover after each death; else
    they are databases in memory, which lose what was not committed.
    """

    seed: int
    nodes: int = 4
    rounds: int = 3
    feeds: int = 1
    loss: float = 0.0
    duplication: float = 0.0
    delay: int = 50
    crash: float = 0.0
    crash_at: tuple[tuple[int, int], ...] = ()
    down: int = 5_000
    interval: int = 20_000
    stagger: int = 500
    skew: int = 0
    render: int = 500
    render_failure: float = 0.0
    tolerant: bool = False
    brokers: int = 1
    outages: tuple[Outage, ...] = ()
    censorships: tuple[Censorship, ...] = ()
    reorganisations: tuple[Reorganisation, ...] = ()
    asleep: tuple[Spell, ...] = ()
    frozen: tuple[Spell, ...] = ()
    disk_full: tuple[Spell, ...] = ()
    faults_end: int = 60_000
    patience: int = 600_000
    on_files: bool = False
    behaviours: tuple[tuple[int, str], ...] = ()
    timing: Timing = field(default_factory=_timing)

    @property
    def command(self) -> str:
        """What replays the run that this seed stands for."""
        return f"patina simulate --seed {self.seed} --nodes {self.nodes} --rounds {self.rounds}"
