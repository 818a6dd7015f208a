"""RPC endpoints that answer 429, stall, hang up, lag by 20 blocks or lie: one of each node, or all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from tests.integration.chaos.arena import Arena
from tests.integration.chaos.faults.endpoint import Fault
from tests.integration.chaos.faults.misbehaviour import (
    FalseFinality,
    FalseHashes,
    FalsePrices,
    Hangup,
    Lag,
    Refuse,
    Stall,
)
from tests.integration.chaos.scenario import Scenario

KINDS: Mapping[str, Callable[[], Fault]] = {
    "refused with 429": Refuse,
    "answered 20 blocks late": Lag,
    "left without an answer": Stall,
    "gave a false share price": FalsePrices,
    "gave a false block hash": FalseHashes,
    "called a block final too early": FalseFinality,
    "cut off": Hangup,
}
LIES = (FalsePrices, FalseHashes)


async def play(arena: Arena, rounds: int) -> None:
    """Let one endpoint of each node go wrong in every way, then all of everybody's; then lie to one from all sides.

    A single round lets four kinds of fault happen at once, more give each its own turn on every node.
    """
    kinds = list(KINDS)
    count = len(arena.endpoints)
    for turn in range(rounds):
        plans: Sequence[Sequence[str]] = [kinds[:count], [*kinds[count:], *kinds][:count]]
        if rounds > 1:
            plans = [[kind] * count for kind in kinds] + [[arena.random.choice(kinds) for _ in range(count)]]
        for phase, plan in enumerate(plans):
            if turn or phase:
                await arena.restart()  # who noticed a lie asks that endpoint last for minutes
            arena.log(f"one endpoint of each node goes wrong: {plan}")
            for some, kind in zip(arena.endpoints, plan, strict=True):
                # Whichever is asked first, and the others by turns: nobody is to know which one it is.
                some[phase % 2].fault = KINDS[kind]()
            await arena.cross()
            arena.tried["crossings with one bad endpoint of three"] += 1
            _mend(arena)
    await arena.restart()
    arena.log("every endpoint of every node: 429")
    for endpoint in arena.all_endpoints():
        endpoint.fault = Refuse()
    await arena.move()
    await asyncio.sleep(arena.random.uniform(2, 4))
    arena.tried["times that no endpoint answered anyone"] += 1
    _mend(arena)
    await arena.landed()

    liar = arena.random.randrange(count)
    lie = arena.random.choice(LIES)
    arena.log(f"every endpoint of node {liar + 1} tells the same lies")
    arena.deceived.add(arena.processes[liar].folder / "state")
    for endpoint in arena.endpoints[liar]:
        endpoint.fault = lie()
    for _ in range(rounds):
        await arena.cross()
        arena.tried["crossings with a node that is lied to from all sides"] += 1
    _mend(arena)


def _mend(arena: Arena) -> None:
    for endpoint in arena.all_endpoints():
        endpoint.fault = None


def least(rounds: int) -> Mapping[str, int]:
    """Return how often each fault must have been felt."""
    found = dict.fromkeys(KINDS, 4 * rounds if rounds > 1 else 1)
    phases = rounds * (len(KINDS) + 1 if rounds > 1 else 2)
    return found | {
        "crossings with one bad endpoint of three": phases,
        "times that no endpoint answered anyone": 1,
        "crossings with a node that is lied to from all sides": rounds,
        "crossings landed": phases + 1 + rounds,
    }


SCENARIO = Scenario(
    "endpoints",
    "RPC endpoints that refuse, stall, hang up, lag by 20 blocks or lie",
    play,
    least,
    short=1,
    long=3,
)
