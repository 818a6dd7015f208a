"""Two questions at once: both answers, or the first error by itself; nothing goes on behind one's back."""

from __future__ import annotations

import asyncio

import pytest

from node.errors import ChainError
from node.together import both


async def answer(value: int, after: asyncio.Event | None = None) -> int:
    if after is not None:
        await after.wait()
    return value


async def fail(words: str) -> int:
    raise ChainError(words)


async def test_both__each_waits_for_the_other__both_answers() -> None:
    """Put one after the other they would never end."""
    first, second = asyncio.Event(), asyncio.Event()

    async def ask(mine: asyncio.Event, others: asyncio.Event, value: int) -> int:
        mine.set()
        return await answer(value, others)

    async with asyncio.timeout(10):
        assert await both(ask(first, second, 1), ask(second, first, 2)) == (1, 2)


@pytest.mark.parametrize("first_fails", [True, False])
async def test_both__one_fails__its_error_alone_and_the_other_is_ended(first_fails: bool) -> None:
    ended = asyncio.Event()

    async def patient() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 0

    steps = (fail("no"), patient()) if first_fails else (patient(), fail("no"))
    with pytest.raises(ChainError, match="no"):
        await both(*steps)
    assert ended.is_set()


async def test_both__cancelled_from_outside__both_are_and_the_caller_hears_of_it() -> None:
    running, ended = asyncio.Event(), list[int]()

    async def patient(number: int) -> int:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    task = asyncio.create_task(both(patient(1), patient(2)))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [1, 2]
