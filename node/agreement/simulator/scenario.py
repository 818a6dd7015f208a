"""What a simulated run is made of: everything follows from these numbers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from node.agreement.effects import Timing


@dataclass(frozen=True, slots=True)
class Scenario:
    """Probabilities are per event, times in virtual milliseconds.

    Until `faults_end` messages get lost, doubled and late, and nodes crash; the Byzantine `behaviours`
    (by committee index) go on for ever. Where `tolerant`, every node renders a root of its own, and rounds agree
    on their leader's. `patience` after the last checkpoint and the end of the faults, every feed's last checkpoint
    must have landed.
    """

    seed: int
    nodes: int = 4
    rounds: int = 3
    feeds: int = 1
    loss: float = 0.0
    duplication: float = 0.0
    delay: int = 50
    crash: float = 0.0
    down: int = 5_000
    interval: int = 20_000
    stagger: int = 500
    render: int = 500
    render_failure: float = 0.0
    tolerant: bool = False
    faults_end: int = 60_000
    patience: int = 600_000
    behaviours: tuple[tuple[int, str], ...] = ()
    timing: Timing = field(
        default_factory=lambda: Timing(
            view_ms=2_000, view_max_ms=20_000, render_ms=8_000, grace_ms=200, repeat_ms=1_000
        )
    )

    @classmethod
    def drawn(cls, seed: int, nodes: int | None = None, rounds: int | None = None) -> Scenario:
        """A scenario of mixed troubles; `nodes` and `rounds` may be fixed, the seed decides the rest."""
        from node.agreement.simulator.behaviours import BEHAVIOURS

        rng = random.Random(f"scenario {seed}")  # noqa: S311 - replayable on purpose
        n = nodes if nodes is not None else rng.choice((1, 2, 3, 4, 4, 4, 5, 6, 7, 7, 10))
        f = (n - 1) // 3
        false = rng.sample(range(n), rng.randint(0, f))
        names = sorted(BEHAVIOURS)
        same = rng.choice((None, *names))
        drawn_rounds = rng.randint(1, 4)
        return cls(
            seed=seed,
            nodes=n,
            rounds=rounds if rounds is not None else drawn_rounds,
            feeds=rng.choice((1, 1, 2)),
            loss=rng.choice((0.0, 0.02, 0.1, 0.3)),
            duplication=rng.choice((0.0, 0.05, 0.3)),
            delay=rng.choice((5, 50, 500, 3_000)),
            crash=rng.choice((0.0, 0.0, 0.01, 0.05)),
            down=rng.choice((100, 5_000, 30_000)),
            interval=rng.choice((3_000, 20_000, 60_000)),
            stagger=rng.choice((0, 500, 10_000)),
            render=rng.choice((0, 500, 6_000, 20_000)),
            render_failure=rng.choice((0.0, 0.0, 0.1)),
            behaviours=tuple((index, same or rng.choice(names)) for index in sorted(false)),
            tolerant=rng.random() < 0.4,
        )
