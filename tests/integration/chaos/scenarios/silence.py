"""Every broker gone for longer than nodes wait: crossings land by votes on chain, and by reports again afterwards."""

from __future__ import annotations

import asyncio

from tests.integration.chaos.arena import VOTE_AFTER, Arena
from tests.integration.chaos.scenario import Scenario


async def play(arena: Arena, turns: int) -> None:
    """Let crossings happen in silence, with a node killed while it votes, and call the brokers back."""
    for _ in range(turns):
        arena.log("every broker goes away for long")
        for broker in arena.brokers:
            await broker.kill()
        arena.tried["outages longer than nodes wait"] += 1
        await arena.move()
        await asyncio.sleep(VOTE_AFTER)
        victim = arena.random.choice(arena.processes)
        await asyncio.sleep(arena.random.uniform(0, 2))
        await victim.kill()
        arena.log(f"killed {victim.folder.name} about when it votes")
        await victim.start()
        await arena.landed()
        await arena.cross()
        assert not any([await broker.listening() for broker in arena.brokers])
        arena.tried["crossings without any broker"] += 2
        for broker in arena.brokers:
            await broker.start()
        await arena.heal()
        arena.log("the brokers are back")
        await arena.cross()


SCENARIO = Scenario(
    "silence",
    "every broker gone until nodes vote on chain",
    play,
    lambda turns: {
        "outages longer than nodes wait": turns,
        "crossings without any broker": 2 * turns,
        "crossings landed": 3 * turns,
        "crossings landed by votes": 2 * turns,
    },
    short=1,
    long=4,
)
