"""The virtual clock, the network, and the truth that honest nodes measure."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable

from node.agreement.effects import Trigger
from node.agreement.simulator.keys import ToyKeys
from node.agreement.simulator.scenario import Scenario

NOISE = 5
"""Honest answers differ by at most this much from the truth."""


class World:
    """Events in order of time, then of scheduling; one random generator decides everything."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.keys = ToyKeys(scenario.nodes)
        self.rng = random.Random(f"world {scenario.seed}")  # noqa: S311 - replayable on purpose
        self.now = 0
        self.messages = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time: int, event: Callable[[], None]) -> None:
        """Let something happen at a time, not before now."""
        self._count += 1
        heapq.heappush(self._events, (max(time, self.now), self._count, event))

    def step(self) -> bool:
        """Let the next event happen; False if there is none."""
        if not self._events:
            return False
        self.now, _, event = heapq.heappop(self._events)
        event()
        return True

    @property
    def faulty(self) -> bool:
        """Whether network and machines still fail."""
        return self.now < self.scenario.faults_end

    def chance(self, probability: float) -> bool:
        """Whether a fault of this probability strikes now."""
        return self.faulty and self.rng.random() < probability

    def carry(self, raw: bytes, deliver: Callable[[bytes], None]) -> None:
        """Send bytes to one node: perhaps late, twice or never."""
        self.messages += 1
        if self.chance(self.scenario.loss):
            return
        for _ in range(2 if self.chance(self.scenario.duplication) else 1):
            longest = self.scenario.delay if self.faulty else min(self.scenario.delay, 50)
            self.at(self.now + self.rng.randint(1, longest), lambda: deliver(raw))

    def truth(self, feed: int, checkpoint: int) -> Trigger:
        """What an exact node measures."""
        seed = hashlib.blake2b(b"truth %d %d %d" % (self.scenario.seed, feed, checkpoint)).digest()
        answer = int.from_bytes(seed[:4], "big") - (1 << 31)
        return Trigger(feed, checkpoint, seed[:32], answer, (answer // 3, answer // 5, -answer))

    def measured(self, index: int, feed: int, checkpoint: int) -> Trigger:
        """What a node measures: the truth with a little noise, the same each time it looks."""
        true = self.truth(feed, checkpoint)
        noise = hashlib.blake2b(b"noise %d" % index, key=true.block_hash).digest()[0] % (2 * NOISE + 1) - NOISE
        signals = tuple(signal + noise for signal in true.signals)
        return Trigger(feed, checkpoint, true.block_hash, true.answer + noise, signals)


ABSENT = b"absent"
"""What a root begins with that nobody can fetch."""
EDGE = b"edge"
"""What a root begins with that half of the nodes find like enough to their own, and half do not."""


def own_root(index: int, block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bytes:
    """What one node's renderer makes of these inputs where floats decide: the last byte is each node's own."""
    return true_root(block_hash, answer, signals)[:-1] + bytes([index])


def alike(root: bytes, block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bool:
    """Whether a root is some node's render of these inputs."""
    return root[:-1] == true_root(block_hash, answer, signals)[:-1]


def true_root(block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bytes:
    """What every honest renderer makes of these inputs."""
    return hashlib.blake2b(repr((block_hash, answer, signals)).encode(), digest_size=32).digest()
