"""Draws a scenario of mixed troubles: a seed decides everything, however it is written down."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from node.agreement.effects import Timing
from node.agreement.simulator.byzantine import KINDS
from node.agreement.simulator.scenario import Scenario, Spell
from node.agreement.simulator.world.brokers import Censorship, Outage
from node.agreement.simulator.world.chain import BLOCKS, Reorganisation
from node.agreement.simulator.world.keys import committee_of

T = TypeVar("T")

AFTERWARDS_MS: Final = 20_000
"""How long faults go on after the last checkpoint."""
CENSORED: Final = ("artwork", "attestation", "commit", "lock", "prepare", "proposal", "timeout")
HIDDEN: Final = (
    ("attestation", "commit"),
    ("attestation", "commit", "lock"),
    ("attestation", "commit", "lock", "prepare"),
)
"""What only few get to see in a treacherous network."""
SUBTLE: Final = ("amnesiac", "doubler", "dropper", "equivocator", "forger", "recycler", "selective", "teaser", "twins")
"""Byzantine behaviours that aim at the order of votes; the others are more easily told."""


def drawn(seed: int, nodes: int | None = None, rounds: int | None = None) -> Scenario:
    """The scenario of a seed; the size of the committee and the number of rounds may be given instead of drawn.

    What the drawn scenario says of both draws the same scenario again, if it is given.
    """
    n = nodes if nodes is not None else _stream("nodes", seed).choice((1, 2, 3, 4, 4, 4, 5, 6, 7, 7, 10))
    count = rounds if rounds is not None else _stream("rounds", seed).randint(1, 4)
    rng = _stream("scenario", seed)
    theme = rng.choices((_rough, _hostile, treacherous), (5, 3, 2))[0]
    # Files at one seed of eight, so that a night shows as well that SQLite recovers them.
    return replace(theme(rng, seed, n, count), on_files=seed % 8 == 0)


def _stream(name: str, seed: int) -> random.Random:
    return random.Random(f"{name} {seed}")  # noqa: S311 - replayable on purpose


def _rough(rng: random.Random, seed: int, n: int, rounds: int) -> Scenario:
    """Everything that goes wrong by itself, and any kind of Byzantine nodes."""
    interval = rng.choice((3_000, 20_000, 60_000))
    times = _Times(rng, rounds * interval + AFTERWARDS_MS)
    tolerant, brokers = rng.random() < 0.4, rng.choice((1, 1, 2, 3))
    return Scenario(
        seed=seed,
        nodes=n,
        rounds=rounds,
        feeds=rng.choice((1, 1, 2)),
        loss=rng.choice((0.0, 0.02, 0.1, 0.3)),
        duplication=rng.choice((0.0, 0.05, 0.3)),
        delay=rng.choice((5, 50, 500, 3_000)),
        crash=rng.choice((0.0, 0.0, 0.005, 0.03)),
        down=rng.choice((100, 5_000, 30_000)),
        interval=interval,
        stagger=rng.choice((0, 500, 10_000)),
        skew=rng.choice((0, 0, 1_000, 100_000)),
        render=rng.choice((0, 500, 6_000) if tolerant else (0, 500, 6_000, 20_000)),
        render_failure=rng.choice((0.0, 0.0, 0.1)),
        tolerant=tolerant,
        brokers=brokers,
        outages=_outages(rng, times, n, brokers),
        reorganisations=_reorganisations(rng, times) if rng.random() < 0.3 else (),
        asleep=tuple(_spells(rng, times, n, from_start=True)),
        frozen=tuple(_spells(rng, times, n)),
        disk_full=tuple(_spells(rng, times, n)),
        faults_end=times.end,
        behaviours=_byzantine(rng, n, KINDS),
        timing=Timing(
            view_ms=rng.choice((2_000, 4_000)),
            view_max_ms=30_000,
            render_ms=8_000,
            grace_ms=rng.choice((0, 200, 1_000)),
            repeat_ms=rng.choice((1_000, 2_000, 3_000)),
        ),
    )


def _hostile(rng: random.Random, seed: int, n: int, rounds: int) -> Scenario:
    """A network that hurts where it can, short views, and as many subtle Byzantine nodes as there may be."""
    interval = rng.choice((5_000, 15_000))
    times = _Times(rng, rounds * interval + AFTERWARDS_MS)
    tolerant, everyone = rng.random() < 0.3, tuple(range(n))
    return Scenario(
        seed=seed,
        nodes=n,
        rounds=rounds,
        loss=rng.choice((0.0, 0.0, 0.1, 0.3)),
        duplication=rng.choice((0.0, 0.05)),
        delay=rng.choice((50, 300, 1_000)),
        crash=rng.choice((0.0, 0.0, 0.02, 0.05)),
        down=rng.choice((100, 2_000)),
        interval=interval,
        stagger=rng.choice((0, 500)),
        render=rng.choice((0, 0, 500)),
        tolerant=tolerant,
        outages=tuple(_isolations(rng, times, everyone, (0,))) if rng.random() < 0.5 else (),
        censorships=tuple(_censorships(rng, times, n)),
        faults_end=times.end,
        behaviours=_byzantine(rng, n, SUBTLE),
        timing=Timing(
            view_ms=rng.choice((500, 500, 2_000)), view_max_ms=8_000, render_ms=2_000, grace_ms=100, repeat_ms=1_000
        ),
    )


def treacherous(rng: random.Random, seed: int, n: int, rounds: int, kind: str | None = None) -> Scenario:
    """A network that shows to few what it hides from the others, and then parts them.

    Who saw a quorum of something, and acted on it, is cut off, while the others go on as if it had never been: the
    play in which a protocol either remembers or decides twice. Byzantine nodes lead the views that follow.
    """
    interval, committee = 30_000, committee_of(n)
    start = committee.leader(1, BLOCKS * rng.randint(1, rounds), rng.choice((0, 1, 1)))
    kinds = [kind or rng.choice(SUBTLE) for _ in range(committee.f)]
    behaviours = tuple(sorted(((start + place) % n, each) for place, each in enumerate(kinds)))
    honest = [index for index in range(n) if index not in dict(behaviours)]
    censorships, outages = list[Censorship](), list[Outage]()
    for number in range(rounds):
        time = number * interval
        for _ in range(rng.randint(1, 4)):
            few = tuple(sorted(rng.sample(honest, min(rng.choice((1, 1, 2, n // 3 + 1)), len(honest)))))
            others = tuple(index for index in honest if index not in few)
            parted = time + rng.choice((200, 350, 500, 900))
            again = parted + rng.choice((1_000, 2_000, 5_000))
            censorships.append(
                Censorship(time, parted + rng.choice((0, 0, 500, 2_000)), rng.choice(HIDDEN), others, 1.0)
            )
            outages.append(Outage(parted, again, (0,), few))
            time = again
    return Scenario(
        seed=seed,
        nodes=n,
        rounds=rounds,
        delay=rng.choice((30, 60)),
        crash=rng.choice((0.0, 0.0, 0.03)),
        down=500,
        interval=interval,
        stagger=0,
        render=0,
        outages=tuple(outages),
        censorships=tuple(censorships),
        faults_end=rounds * interval,
        behaviours=behaviours,
        timing=Timing(view_ms=1_000, view_max_ms=8_000, render_ms=1_000, grace_ms=100, repeat_ms=500),
    )


class _Times:
    """Moments and spells before the faults end."""

    def __init__(self, rng: random.Random, end: int) -> None:
        self._rng = rng
        self.end = end

    def spell(self, *lengths: int) -> tuple[int, int]:
        start = self._rng.randrange(self.end - 2_000)
        return start, min(start + self._rng.choice(lengths), self.end)

    def several(self, a_minute: float, draw: Callable[[], T]) -> Iterator[T]:
        """As many as there are on average, or none, or twice as many."""
        for _ in range(self._rng.randint(0, max(1, round(2 * a_minute * self.end / 60_000)))):
            yield draw()


def _byzantine(rng: random.Random, n: int, kinds: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    f = (n - 1) // 3
    false = sorted(rng.sample(range(n), rng.choice((0, f, f, rng.randint(0, f)))))
    same = rng.choice((None, *kinds))
    return tuple((index, same or rng.choice(kinds)) for index in false)


def _outages(rng: random.Random, times: _Times, nodes: int, brokers: int) -> tuple[Outage, ...]:
    """Brokers that go away, all of them at once, nodes that lose their links, and partitions."""
    everyone, every_broker = tuple(range(nodes)), tuple(range(brokers))
    lengths = (1_000, 5_000, 20_000)
    found: list[Outage] = []
    if rng.random() < 0.3:
        found += times.several(2, lambda: Outage(*times.spell(*lengths), (rng.randrange(brokers),), everyone))
    if rng.random() < 0.1:
        found += times.several(0.5, lambda: Outage(*times.spell(*lengths), every_broker, everyone))
    if rng.random() < 0.2:
        found += times.several(1, lambda: Outage(*times.spell(*lengths), every_broker, (rng.randrange(nodes),)))
    if rng.random() < 0.25:
        found += _isolations(rng, times, everyone, every_broker)
    if rng.random() < 0.3:
        for sides in times.several(1, lambda: _partition(rng, times.spell(*lengths), everyone, every_broker)):
            found += sides
    return tuple(found)


def _isolations(
    rng: random.Random, times: _Times, everyone: tuple[int, ...], every_broker: tuple[int, ...]
) -> Iterator[Outage]:
    """Nodes that come and go for moments, as on a bad line."""

    def draw() -> Outage:
        alone = tuple(rng.sample(everyone, rng.randint(1, max(1, len(everyone) // 2))))
        return Outage(*times.spell(300, 1_000, 4_000), every_broker, alone)

    return times.several(15, draw)


def _partition(
    rng: random.Random, spell: tuple[int, int], everyone: tuple[int, ...], every_broker: tuple[int, ...]
) -> list[Outage]:
    """Two sides, each with brokers of its own; where there is one broker, the other side has none."""
    near = tuple(node for node in everyone if rng.random() < 0.5)
    far = tuple(node for node in everyone if node not in near)
    half = len(every_broker) // 2
    return [Outage(*spell, every_broker[:half], near), Outage(*spell, every_broker[half:], far)]


def _censorships(rng: random.Random, times: _Times, nodes: int) -> Iterator[Censorship]:
    """Spells in which a hostile network lets some kinds of messages not through to some nodes."""

    def draw() -> Censorship:
        kinds = tuple(rng.sample(CENSORED, rng.randint(1, 3)))
        blind = tuple(rng.sample(range(nodes), rng.randint(1, nodes)))
        return Censorship(*times.spell(1_000, 4_000, 15_000), kinds, blind, rng.choice((0.7, 1.0)))

    return times.several(15, draw)


def _reorganisations(rng: random.Random, times: _Times) -> tuple[Reorganisation, ...]:
    return tuple(times.several(2, lambda: Reorganisation(times.spell(0)[0], rng.choice((500, 5_000, 30_000)))))


def _spells(rng: random.Random, times: _Times, nodes: int, *, from_start: bool = False) -> Iterator[Spell]:
    for node in range(nodes):
        if rng.random() < 0.15:
            start, end = times.spell(1_000, 5_000, 20_000)
            yield Spell(node, 0 if from_start else start, end)
