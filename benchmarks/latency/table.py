"""The figures of timed rounds and of an idle daemon as rows and as a table."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.latency.idle import Idle, idle
from benchmarks.latency.network import Scene, open_network
from benchmarks.latency.rounds import Timed, play
from benchmarks.latency.scrape import Scraped, scrape
from benchmarks.latency.steps import STEPS, durations, summary
from benchmarks.table import lines

ROUNDS = 24
NODES = 4
GOAL_MS = 300
"""Goal: the median from the final checkpoint block to the broadcast."""
GOAL_MIB = 150
"""Goal: resident memory of a node that has nothing to do and renders nothing."""


async def _measure(nodes: int, rounds: int) -> tuple[Scene, list[Timed], Idle, Scraped]:
    with tempfile.TemporaryDirectory(prefix="patina-bench-") as folder:
        async with open_network(Path(folder), nodes=nodes) as scene:
            played = await play(scene, rounds)
            return scene, played, await idle(scene), await scrape(scene)


@cache
def rows(nodes: int = NODES, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """The whole way, its steps, and an idle node: what, median, 95th percentile, unit, goal. Measured once."""
    scene, played, resting, scraped = asyncio.run(_measure(nodes, rounds))
    where = f"{nodes} processes, {scene.broker} broker, {scene.chain} chain looked at {scene.looks}"
    parts = durations(played, scene.committee.quorum)
    found = [_times("final block to broadcast", [one.sent - one.asked for one in played], where, GOAL_MS)]
    found += [_times(f"  {step}", parts[step], where) for step in STEPS]
    found.append(_times("  of it, making the block itself", [one.final - one.asked for one in played], where))
    found.append(_row("idle node, resident memory", resting.mebibytes, None, "MiB", where, GOAL_MIB))
    found.append(_row("idle node, processor time", resting.milliseconds, None, "ms/s", where))
    found.append(_times("metrics, one scrape", scraped.seconds, where))
    found.append(_row("metrics, size of a scrape", scraped.size, None, "bytes", where))
    return found


def _times(what: str, seconds: list[float], where: str, goal: int | None = None) -> dict[str, Any]:
    median, high = summary(seconds)
    return _row(what, round(median * 1000), round(high * 1000), "ms", where, goal)


def _row(what: str, median: float, p95: float | None, unit: str, where: str, goal: int | None = None) -> dict[str, Any]:
    return {"what": what, "median": median, "p95": p95, "unit": unit, "goal": goal, "where": where}


def main() -> int:
    """Print the table. Always 0: times depend on the machine, and a goal that is missed is told."""
    found = rows()
    sys.stdout.write("\n".join([*lines("rounds without rendering", found), f"({found[0]['where']})"]) + "\n")
    return 0
