"""Reorganisations before finality, of one block and of ten: what landed is undone, and lands once all the same."""

from __future__ import annotations

import asyncio

from tests.integration.chaos.arena import TICK, Arena
from tests.integration.chaos.scenario import Scenario

DEPTHS = (1, 10)
NOTICE = 1.2
"""Seconds that nodes get to see something before it is undone."""


async def play(arena: Arena, turns: int) -> None:
    """Undo landed reports, and whole checkpoints that were not final yet."""
    for _ in range(turns):
        for depth in DEPTHS:
            # Its sender may be so quick that the report is in the new blocks at once: then it was not gone.
            while not await _undo_landing(arena, depth):
                pass
        await _undo_checkpoint(arena)


async def _undo_landing(arena: Arena, depth: int) -> bool:
    """Let a report land, and take its block away again with all that were built on it; say whether it was gone."""
    before = arena.band
    await arena.move()
    async with asyncio.timeout(120), arena.mining:
        while await arena.stage.band(arena.feed) == before:
            await asyncio.sleep(TICK)
            await arena.stage.mine()
        await arena.stage.mine(depth - 1)
        # The nodes see it landed, and go on to other things, before it is gone.
        await asyncio.sleep(NOTICE)
        await arena.stage.reorganise(depth)
        gone = await arena.stage.band(arena.feed) == before
    arena.log(f"landed, and {depth} blocks were undone; the report is {'gone' if gone else 'there again'}")
    arena.tried[f"reorganisations of {depth} block" + "s" * (depth > 1)] += 1
    arena.tried["landed reports undone"] += gone
    await arena.landed()
    return gone


async def _undo_checkpoint(arena: Arena) -> None:
    """Show the network a checkpoint with another price that is gone before it is final: nothing may come of it."""
    stood, false = arena.band, arena.another_band()
    async with arena.mining:
        height = await arena.stage.height()
        cadence = arena.layout.cadence
        # Seven blocks before the checkpoint, and two after it: undoing ten takes the price away with it.
        await arena.stage.mine((cadence - 7 - height) % cadence)
        checkpoint = await arena.stage.height() + 7
        setting = asyncio.create_task(arena.set_band(false))
        while not setting.done():
            await asyncio.sleep(0.1)
            await arena.stage.mine()
        await setting
        height = await arena.stage.height()
        assert height < checkpoint, "the price came too late for its checkpoint"
        await arena.stage.mine(checkpoint + 2 - height)
        assert await arena.stage.height("finalized") < checkpoint - 8
        await asyncio.sleep(NOTICE)
        await arena.stage.reorganise(10)
    arena.log(f"checkpoint {checkpoint}, in band {false} for a moment, was undone")
    arena.tried["reorganisations of 10 blocks"] += 1
    arena.tried["checkpoints undone before they were final"] += 1
    for _ in range(2):
        await arena.checkpoint()
        await asyncio.sleep(NOTICE)
    assert await arena.stage.band(arena.feed) == stood, "a checkpoint that is gone changed the band"


SCENARIO = Scenario(
    "reorgs",
    "one-block and ten-block reorganisations before finality",
    play,
    lambda turns: {
        "reorganisations of 1 block": turns,
        "reorganisations of 10 blocks": 2 * turns,
        "landed reports undone": 2 * turns,
        "checkpoints undone before they were final": turns,
        "crossings landed": 2 * turns,
    },
    short=1,
    long=8,
)
