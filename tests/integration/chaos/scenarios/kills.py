"""kill -9 of random nodes at random moments, inside rounds as often as not, while crossings go on."""

from __future__ import annotations

import asyncio

from node.devnet.replay.process import NodeProcess
from tests.integration.chaos.arena import PATIENCE, Arena
from tests.integration.chaos.scenario import Scenario

DOWN = (1, 1, 1, 2)
"""How many may be down at once, drawn for each kill: two are more than four nodes tolerate, and nothing lands then."""
HUNT = 5.0
"""Seconds for which a node is watched for a round to kill it in."""


async def play(arena: Arena, kills: int) -> None:
    """Kill until it was done often enough, and ask for crossings all the while."""
    killing = asyncio.create_task(_kill(arena, kills))
    try:
        while not killing.done():
            await arena.cross(patience=3 * PATIENCE)
    finally:
        killing.cancel()
        [outcome] = await asyncio.gather(killing, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
    await arena.heal()
    await arena.cross()


async def _kill(arena: Arena, kills: int) -> None:
    async with asyncio.TaskGroup() as group:
        tried = arena.tried
        for count in range(3 * kills):
            # More of them where rounds were over each time before a blow fell.
            if count >= kills and tried["of them inside a round"] >= _inside(kills):
                break
            most = arena.random.choice(DOWN) - 1
            while len(ready := await _ready(arena)) < len(arena.processes) - most:
                await asyncio.sleep(0.1)
            process = arena.random.choice(ready)
            moment = await _moment(arena, process)
            await process.kill()
            tried["nodes killed with -9"] += 1
            tried["of them inside a round"] += moment == "inside a round"
            arena.log(f"killed {process.folder.name} {moment}")
            group.create_task(_restart(process, arena.random.uniform(0, 1.5)))


def _inside(kills: int) -> int:
    """How many of so many kills have to be inside a round."""
    return kills // 5


async def _ready(arena: Arena) -> list[NodeProcess]:
    """Return the nodes that are at work: one that is only just starting is down still."""
    up = [process for process in arena.processes if process.running]
    said = await asyncio.gather(*(arena.ready(process) for process in up))
    return [process for process, ready in zip(up, said, strict=True) if ready]


async def _moment(arena: Arena, process: NodeProcess) -> str:
    """Wait for a random moment, or for a random one inside a round."""
    if arena.random.random() < 0.3:
        await asyncio.sleep(arena.random.uniform(0, 2))
        return "at any moment"
    delay = arena.random.uniform(0, 0.4)
    try:
        async with asyncio.timeout(HUNT):
            while not ((status := await arena.status(process)) and status["rounds"]):
                await asyncio.sleep(0.02)
            await asyncio.sleep(delay)
            return "inside a round"
    except TimeoutError:
        return "at any moment"


async def _restart(process: NodeProcess, pause: float) -> None:
    await asyncio.sleep(pause)
    await process.start()


SCENARIO = Scenario(
    "kills",
    "kill -9 of random nodes at random moments",
    play,
    lambda kills: {"nodes killed with -9": kills, "of them inside a round": _inside(kills), "crossings landed": 2},
    short=5,
    long=50,
    painted=True,
)
