"""Timed rounds: a checkpoint becomes final, and the clock runs until the first node has broadcast its report."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.latency.network import CADENCE, FINAL_AFTER, HIGH, LOW, Scene

PATIENCE = 60.0


@dataclass(frozen=True)
class Line:
    """One line of a node's log about a checkpoint; `at` is this machine's clock in seconds."""

    at: float
    event: str
    checkpoint: int


@dataclass
class Timed:
    """One round: when its checkpoint was asked to become final, and everything that happened then, in seconds."""

    checkpoint: int
    asked: float
    final: float
    marks: dict[str, list[float]] = field(default_factory=dict)
    """What happened -> when, earliest first: kinds of messages at the broker, and events of the nodes' logs."""

    @property
    def sent(self) -> float:
        """When the first node said that the chain had taken its transaction."""
        return self.marks["report sent"][0]


class Logs:
    """Reads what nodes' logs gained."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._read = {path: path.stat().st_size for path in paths}

    def fresh(self) -> list[Line]:
        """The lines about checkpoints since the last call."""
        found = []
        for path, at in self._read.items():
            with path.open("rb") as file:
                file.seek(at)
                raw = file.read()
            whole = raw[: raw.rfind(b"\n") + 1]
            self._read[path] = at + len(whole)
            for line in whole.splitlines():
                fields = json.loads(line)
                if "checkpoint" in fields:
                    stamp = datetime.fromisoformat(fields["timestamp"]).timestamp()
                    found.append(Line(stamp, fields["event"], fields["checkpoint"]))
        return found


async def play(scene: Scene, rounds: int, seed: int = 1) -> list[Timed]:
    """Play so many rounds, one after another; a few before them are not counted."""
    draws = random.Random(seed)  # noqa: S311 - when the chain moves, not a secret
    logs = Logs(member.process.log_path for member in scene.network.members)
    played = [await _round(scene, logs, HIGH if number % 2 == 0 else LOW, draws) for number in range(rounds + 2)]
    return played[2:]


async def _round(scene: Scene, logs: Logs, price: int, draws: random.Random) -> Timed:
    await scene.set_price(price)
    head = await scene.height()
    checkpoint = -(-head // CADENCE) * CADENCE
    await scene.mine(checkpoint + FINAL_AFTER - 1 - head)
    # Nodes look at what is new; and the last block comes at any moment between two of their looks.
    await asyncio.sleep(0.6 + 0.3 * draws.random())
    logs.fresh()
    asked = time.time()
    await scene.mine(1)
    timed = Timed(checkpoint, asked, time.time())
    until = time.monotonic() + PATIENCE
    marks: dict[str, list[float]] = {}
    while "report sent" not in marks:
        if not all(member.process.running for member in scene.network.members):
            raise RuntimeError("a node has ended by itself")
        if time.monotonic() > until:
            raise RuntimeError(f"no report for checkpoint {checkpoint} within {PATIENCE:.0f} s")
        await asyncio.sleep(0.02)
        for line in logs.fresh():
            if line.checkpoint == checkpoint:
                marks.setdefault(line.event, []).append(line.at)
    await scene.mine(1)
    await scene.network.settled([scene.feed], checkpoint)
    for one in scene.tap.heard:
        if one.checkpoint == checkpoint:
            marks.setdefault(one.kind, []).append(one.at)
    timed.marks = {what: sorted(times) for what, times in marks.items()}
    return timed
