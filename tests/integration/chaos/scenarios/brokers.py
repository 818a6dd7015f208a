"""Every broker stopped for a while: killed, or frozen with its connections open; and all but one lost for good."""

from __future__ import annotations

import asyncio

from tests.integration.chaos.arena import Arena
from tests.integration.chaos.scenario import Scenario

OUTAGE = (2.0, 6.0)
"""Seconds; below what nodes wait before they vote on chain."""


async def play(arena: Arena, outages: int) -> None:
    """Let crossings happen while no broker is there, and while one alone is."""
    for turn in range(outages):
        arena.log("every broker goes away")
        for broker in arena.brokers:
            await (broker.kill() if turn % 2 == 0 else broker.stop())
        await arena.move()
        await asyncio.sleep(arena.random.uniform(*OUTAGE))
        assert not any([await broker.listening() for broker in arena.brokers])
        arena.tried["outages of every broker"] += 1
        for broker in arena.brokers:
            await broker.start()
        await arena.landed()

        arena.log("every broker freezes")
        for broker in arena.brokers:
            broker.freeze()
        await arena.move()
        await asyncio.sleep(arena.random.uniform(*OUTAGE))
        for broker in arena.brokers:
            broker.thaw()
        arena.tried["freezes of every broker"] += 1
        await arena.landed()

        survivor = arena.random.choice(arena.brokers)
        arena.log("all brokers but one go away")
        for broker in arena.brokers:
            if broker is not survivor:
                await broker.kill()
        await arena.cross()
        arena.tried["losses of all brokers but one"] += 1
        for broker in arena.brokers:
            if broker is not survivor:
                await broker.start()


SCENARIO = Scenario(
    "brokers",
    "every broker stopped, killed or frozen for a while; all but one lost",
    play,
    lambda outages: {
        "outages of every broker": outages,
        "freezes of every broker": outages,
        "losses of all brokers but one": outages,
        "crossings landed": 3 * outages,
    },
    short=1,
    long=6,
)
