"""A change is told to everybody who has not seen it, once."""

from __future__ import annotations

import asyncio

from node.revision import Revision


async def test_changed__several_wait__each_told_of_the_change_and_not_again() -> None:
    revision = Revision()
    waiting = [asyncio.create_task(revision.changed(0)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    revision.move()
    async with asyncio.timeout(10):
        assert await asyncio.gather(*waiting) == [1, 1, 1]
    late = asyncio.create_task(revision.changed(1))
    await asyncio.sleep(0)
    assert not late.done()
    revision.move()
    async with asyncio.timeout(10):
        assert await late == 2


async def test_changed__moved_while_nobody_waited__told_at_once() -> None:
    revision = Revision()
    revision.move()
    revision.move()
    async with asyncio.timeout(10):
        assert await revision.changed(0) == 2
