"""Draws a scenario of mixed troubles: a seed decides everything, however it is written down."""

from __future__ import annotations

import random

from node.agreement.simulator.byzantine import KINDS
from node.agreement.simulator.scenario import Scenario, Spell
from node.agreement.simulator.world.brokers import Outage
from node.agreement.simulator.world.chain import Reorganisation

FAULTS_END = 60_000


def drawn(seed: int, nodes: int | None = None, rounds: int | None = None) -> Scenario:
    """The scenario of a seed; the size of the committee and the number of rounds may be given instead of drawn.

    What the drawn scenario says of both draws the same scenario again, if it is given.
    """
    n = nodes if nodes is not None else _stream("nodes", seed).choice((1, 2, 3, 4, 4, 4, 5, 6, 7, 7, 10))
    rng = _stream("scenario", seed)
    f = (n - 1) // 3
    false = sorted(rng.sample(range(n), rng.choice((0, f, f, rng.randint(0, f)))))
    same = rng.choice((None, *KINDS))
    tolerant = rng.random() < 0.4
    brokers = rng.choice((1, 1, 2, 3))
    return Scenario(
        seed=seed,
        nodes=n,
        rounds=rounds if rounds is not None else _stream("rounds", seed).randint(1, 4),
        feeds=rng.choice((1, 1, 2)),
        loss=rng.choice((0.0, 0.02, 0.1, 0.3)),
        duplication=rng.choice((0.0, 0.05, 0.3)),
        delay=rng.choice((5, 50, 500, 3_000)),
        crash=rng.choice((0.0, 0.0, 0.005, 0.03)),
        down=rng.choice((100, 5_000, 30_000)),
        interval=rng.choice((3_000, 20_000, 60_000)),
        stagger=rng.choice((0, 500, 10_000)),
        skew=rng.choice((0, 0, 1_000, 100_000)),
        render=rng.choice((0, 500, 6_000) if tolerant else (0, 500, 6_000, 20_000)),
        render_failure=rng.choice((0.0, 0.0, 0.1)),
        tolerant=tolerant,
        brokers=brokers,
        outages=_outages(rng, n, brokers),
        reorganisations=_reorganisations(rng),
        asleep=_spells(rng, n, 0.15, from_start=True),
        frozen=_spells(rng, n, 0.15),
        disk_full=_spells(rng, n, 0.15),
        faults_end=FAULTS_END,
        behaviours=tuple((index, same or rng.choice(KINDS)) for index in false),
    )


def _stream(name: str, seed: int) -> random.Random:
    return random.Random(f"{name} {seed}")  # noqa: S311 - replayable on purpose


def _times(rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(FAULTS_END - 5_000)
    return start, min(start + rng.choice((1_000, 5_000, 20_000)), FAULTS_END)


def _outages(rng: random.Random, nodes: int, brokers: int) -> tuple[Outage, ...]:
    """Brokers that go away, all of them at once, nodes that lose their links, and partitions."""
    everyone, every_broker = tuple(range(nodes)), tuple(range(brokers))
    found: list[Outage] = []
    if rng.random() < 0.3:
        found += [Outage(*_times(rng), (rng.randrange(brokers),), everyone) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.1:
        found.append(Outage(*_times(rng), every_broker, everyone))
    if rng.random() < 0.2:
        found.append(Outage(*_times(rng), every_broker, (rng.randrange(nodes),)))
    if rng.random() < 0.3:
        found += _partition(rng, everyone, every_broker)
    return tuple(found)


def _partition(rng: random.Random, everyone: tuple[int, ...], every_broker: tuple[int, ...]) -> list[Outage]:
    """Two sides, each with brokers of its own; where there is one broker, the other side has none."""
    start, end = _times(rng)
    near = tuple(node for node in everyone if rng.random() < 0.5)
    far = tuple(node for node in everyone if node not in near)
    half = len(every_broker) // 2
    return [Outage(start, end, every_broker[:half], near), Outage(start, end, every_broker[half:], far)]


def _reorganisations(rng: random.Random) -> tuple[Reorganisation, ...]:
    if rng.random() < 0.7:
        return ()
    times = sorted(rng.randrange(FAULTS_END) for _ in range(rng.randint(1, 3)))
    return tuple(Reorganisation(time, rng.choice((500, 5_000, 30_000))) for time in times)


def _spells(rng: random.Random, nodes: int, chance: float, *, from_start: bool = False) -> tuple[Spell, ...]:
    found = []
    for node in range(nodes):
        if rng.random() < chance:
            start, end = _times(rng)
            found.append(Spell(node, 0 if from_start else start, end))
    return tuple(found)
