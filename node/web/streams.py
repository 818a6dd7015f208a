"""Answers that go on: how many visitors may listen at once, and how their streams end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from node.web.guard import is_this_machine, visitor

EACH: Final = 12
"""Streams of one visitor (see `visitor`): a browser with a few pages open has that many."""

Push = Callable[[web.StreamResponse], Awaitable[None]]
"""Writes to a stream until it is cancelled, or the visitor is gone."""


class Streams:
    """Server-sent events to at most `limit` listeners, of one visitor to at most `each`."""

    def __init__(self, limit: int, each: int = EACH) -> None:
        self._limit = limit
        self._each = each
        self._tasks: set[asyncio.Task[object]] = set()
        self._share: Counter[str] = Counter()
        self._closing = False

    async def serve(self, request: web.Request, push: Push) -> web.StreamResponse:
        """Answer with a stream that `push` writes. 503 or 429 with Retry-After when too many listen."""
        task, who = asyncio.current_task(), visitor(request)
        if task is None or len(self._tasks) >= self._limit:
            raise _closing(web.HTTPServiceUnavailable(text="too many listeners\n", headers={"Retry-After": "30"}))
        if not is_this_machine(who) and self._share[who] >= self._each:
            text = "too many streams from one address\n"
            raise _closing(web.HTTPTooManyRequests(text=text, headers={"Retry-After": "30"}))
        response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        self._tasks.add(task)
        self._share[who] += 1
        try:
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                await push(response)
        except asyncio.CancelledError:
            # Ended by `close`, so that the visitor sees a whole answer and comes back; else by the server.
            if not self._closing:
                raise
        finally:
            self._tasks.discard(task)
            self._share[who] -= 1
            if not self._share[who]:
                del self._share[who]
        return response

    async def close(self, _app: web.Application) -> None:
        """An `on_shutdown` signal: end every stream, or the server would wait for its visitors."""
        self._closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _closing(refusal: web.HTTPException) -> web.HTTPException:
    """A refusal after which the connection makes room for others."""
    refusal.force_close()
    return refusal
