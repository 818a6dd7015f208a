"""RPC endpoints that invent the oracle's logs, or hide them: one of three, and one of two."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tests.integration.chaos.arena import Arena
from tests.integration.chaos.faults.endpoint import Fault
from tests.integration.chaos.faults.misbehaviour import FalseLogs, Hangup, NoLogs
from tests.integration.chaos.scenario import Scenario

HELD = 3.0
"""Seconds in which a node that has only a liar and one honest endpoint must not be fooled."""


async def play(arena: Arena, turns: int) -> None:
    """Let every node's first endpoint lie about logs, and then leave it no third one to decide."""
    members = [member.address for member in arena.members]
    invented = FalseLogs(arena.feed.id, members, arena.layout.cadence)
    for turn in range(turns):
        lies: list[Fault] = [invented, NoLogs()]
        for at, lie in enumerate(lies if turn % 2 == 0 else reversed(lies)):
            arena.log(f"one endpoint of each node: {type(lie).__name__}")
            for number, some in enumerate(arena.endpoints):
                some[(turn + at + number) % len(some)].fault = lie
            await arena.cross()
            arena.tried["crossings beside an endpoint that lies about logs"] += 1
            _mend(arena)
        arena.log("a liar and an honest endpoint")
        for some in arena.endpoints:
            some[0].fault, some[1].fault, some[2].fault = invented, None, Hangup()
        await arena.move()
        await asyncio.sleep(HELD)
        arena.tried["times that a liar and an honest endpoint were left"] += 1
        _mend(arena)
        await arena.landed()
        await arena.restart()  # who has heard endpoints disagree calls itself unready for a minute


def _mend(arena: Arena) -> None:
    for endpoint in arena.all_endpoints():
        endpoint.fault = None


def least(turns: int) -> Mapping[str, int]:
    """Return how often each lie must have been told."""
    return {
        FalseLogs.told: 4 * turns,
        NoLogs.told: turns,
        "crossings beside an endpoint that lies about logs": 2 * turns,
        "times that a liar and an honest endpoint were left": turns,
        "crossings landed": 3 * turns,
    }


SCENARIO = Scenario(
    "logs",
    "an RPC endpoint of each node that invents reports and votes, or hides them",
    play,
    least,
    short=1,
    long=6,
)
