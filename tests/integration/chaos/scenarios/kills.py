"""kill -9 of random nodes at random moments, inside rounds as often as not, while crossings go on."""

from __future__ import annotations

import asyncio

from node.devnet.replay.process import NodeProcess
from tests.integration.chaos.arena import Arena
from tests.integration.chaos.scenario import Scenario

DOWN_AT_ONCE = 2
"""One more than four nodes tolerate: then nothing lands for a while, and must land later."""
HUNT = 4.0
"""Seconds for which a node is watched for a round to kill it in."""


async def play(arena: Arena, kills: int) -> None:
    """Kill until it was done often enough, and ask for crossings all the while."""
    killing = asyncio.create_task(_kill(arena, kills))
    try:
        while not killing.done():
            await arena.cross()
    finally:
        killing.cancel()
        [outcome] = await asyncio.gather(killing, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
    await arena.heal()
    await arena.cross()


async def _kill(arena: Arena, kills: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(kills):
            while (
                len(up := [process for process in arena.processes if process.running])
                <= len(arena.processes) - DOWN_AT_ONCE
            ):
                await asyncio.sleep(0.05)
            process = arena.random.choice(up)
            moment = await _moment(arena, process)
            await process.kill()
            arena.tried["nodes killed with -9"] += 1
            arena.tried["of them inside a round"] += moment == "inside a round"
            arena.log(f"killed {process.folder.name} {moment}")
            group.create_task(_restart(process, arena.random.uniform(0, 1.5)))


async def _moment(arena: Arena, process: NodeProcess) -> str:
    """Wait for a random moment, or for a random one inside a round."""
    if arena.random.random() < 0.4:
        await asyncio.sleep(arena.random.uniform(0, 3))
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
    lambda kills: {"nodes killed with -9": kills, "of them inside a round": kills // 5, "crossings landed": 2},
    short=6,
    long=50,
)
