"""Work that several checks need and that is done once, and work that blocks, away from the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Once(Generic[Answer]):
    """Begun when first asked for; whoever asks waits for the same answer, or the same error."""

    def __init__(self, work: Callable[[], Awaitable[Answer]]) -> None:
        self._work = work
        self._task: asyncio.Future[Answer] | None = None

    async def get(self) -> Answer:
        """The answer. That one who asks gives up ends nothing for the others."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._work())
        return await asyncio.shield(self._task)

    @property
    def made(self) -> Answer | None:
        """The answer where there is one by now."""
        task = self._task
        return task.result() if task and task.done() and not task.cancelled() and not task.exception() else None

    async def aclose(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


async def in_thread(work: Callable[[], Answer]) -> Answer:
    """Do what blocks in a thread that nobody waits for at the end.

    Not `asyncio.to_thread`: a disk that never answers would keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(answer)  # type: ignore[arg-type]  # with no error there is an answer

    def run() -> None:
        answer, failure = None, None
        try:
            answer = work()
        except BaseException as error:  # whatever it is, it belongs to whoever asked
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile: nobody asks any more
            loop.call_soon_threadsafe(settle, answer, failure)

    threading.Thread(target=run, daemon=True, name="check").start()
    return await done
