"""Lets simulated hours go by, block after block, and takes samples."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.soak.memory import Curve, resident
from benchmarks.soak.scene import CADENCE, Scene

BLOCKS_AN_HOUR = 300
"""Of a chain with a block every 12 seconds."""
CROSSING_AT = 2 * CADENCE
"""Blocks into each hour at which both prices cross, so that the first hour has seen everything that a day brings."""
SAMPLE_EVERY = 50


@dataclass
class Soak:
    """What a soak found: each node's memory, and how many reports had landed at each hour's end."""

    curves: list[Curve]
    reports: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def steady(self) -> bool:
        """Whether every node kept within the goal, and went on with its work."""
        return all(curve.steady for curve in self.curves) and self.worked

    @property
    def worked(self) -> bool:
        """Whether reports landed in every hour: memory of nodes that do nothing says nothing."""
        totals = [0, *(self.reports[hour] for hour in sorted(self.reports))]
        return all(after > before for before, after in pairwise(totals))


async def soak(scene: Scene, hours: int, pace: float, tell: Callable[[str], None] = lambda _: None) -> Soak:
    """Make `hours` of blocks, one every `pace` seconds or as fast as the nodes follow, whichever is slower."""
    found = Soak([Curve(member.process.folder.name) for member in scene.network.members])
    began = time.monotonic()
    for hour in range(hours):
        for block in range(BLOCKS_AN_HOUR):
            if block == CROSSING_AT:
                await scene.cross(hour % 2 == 0)
            due = time.monotonic() + pace
            await scene.stage.mine()
            if (block + 1) % CADENCE == 0:
                await _followed(scene)
            if (block + 1) % SAMPLE_EVERY == 0:
                await scene.visit()
                for curve, member in zip(found.curves, scene.network.members, strict=True):
                    curve.add(hour, resident(member.process.pid))
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        found.reports[hour] = await scene.reports()
        found.seconds = time.monotonic() - began
        medians = "  ".join(f"{curve.name} {curve.median(hour):.1f} MiB" for curve in found.curves)
        tell(f"hour {hour + 1:>2} of {hours}: {medians}  reports {found.reports[hour]}  ({found.seconds:.0f} s)")
    return found


async def _followed(scene: Scene) -> None:
    """Wait until all nodes have handled the last checkpoint that is final: time must not run away from them."""
    final = await scene.stage.height("finalized")
    await scene.network.settled([feed.id for feed in scene.feeds], final // CADENCE * CADENCE)
