"""Brokers that stay connected and swallow what nodes say: crossings land by votes, and by reports once they deliver."""

from __future__ import annotations

import asyncio
import time

from tests.integration.chaos.arena import VOTE_AFTER, Arena
from tests.integration.chaos.scenario import Scenario


async def play(arena: Arena, turns: int) -> None:
    """Let crossings happen while every broker answers nodes' own questions and hands on nothing else."""
    for _ in range(turns):
        await arena.wait_ready(*arena.processes)
        await _until_connected(arena)
        arena.log("every broker swallows what nodes say")
        for broker in arena.brokers:
            broker.censor()
        arena.tried["times that every broker swallowed messages"] += 1
        since = time.monotonic()
        await arena.move()
        await asyncio.sleep(VOTE_AFTER / 2)
        assert await arena.stage.band(arena.feed) != arena.band, "the brokers still hand on messages"
        await arena.landed()
        assert time.monotonic() - since > VOTE_AFTER
        await _all_connected(arena)
        await arena.cross()
        arena.tried["crossings past brokers that swallow messages"] += 2
        for broker in arena.brokers:
            broker.release()
        arena.log("the brokers deliver again")
        await arena.settle()
        voted = await _votes(arena)
        await arena.cross()
        await arena.settle()
        assert await _votes(arena) == voted, "a node voted although gossip was there"
        arena.tried["crossings by gossip afterwards"] += 1


async def _until_connected(arena: Arena) -> None:
    """Wait until every node has found every broker again, whatever happened to them before."""
    async with asyncio.timeout(60):
        for process in arena.processes:
            while (status := await arena.status(process)) is None or status["brokers"]["connected"] < len(
                arena.brokers
            ):
                await asyncio.sleep(0.1)


async def _all_connected(arena: Arena) -> None:
    """Nobody has lost a broker: it is the silence that counts, not the connection."""
    for process in arena.processes:
        status = await arena.status(process)
        assert status is not None
        assert status["brokers"]["connected"] == len(arena.brokers), status["brokers"]
        assert status["voting"]["silent_s"] >= VOTE_AFTER, status["voting"]


async def _votes(arena: Arena) -> int:
    """Return how many votes nodes have sent since they started."""
    answers = await asyncio.gather(*(arena.status(process) for process in arena.processes))
    assert all(answers)
    return sum(answer["voting"]["sent"] for answer in answers if answer is not None)


SCENARIO = Scenario(
    "censors",
    "every broker connected, and swallowing what nodes say",
    play,
    lambda turns: {
        "times that every broker swallowed messages": turns,
        "crossings past brokers that swallow messages": 2 * turns,
        "crossings by gossip afterwards": turns,
        "crossings landed": 3 * turns,
    },
    short=1,
    long=4,
)
