"""Live updates: each change of the source's revision, pushed as a server-sent event."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from aiohttp import web

from node.web.source import GallerySource

HEARTBEAT_S: Final = 15.0
"""A comment this often keeps proxies from closing a quiet stream, and finds visitors who left."""
GATHER_S: Final = 0.2
"""Changes closer together than this make one event: a replay may sample many checkpoints a second."""
MAX_STREAMS: Final = 256
"""Visitors listening at once; one more is refused and asks again later."""


class EventStreams:
    """`/api/events`: on connection the revision in force, then one event for each change.

    An event is named `revision`, and its data is the number alone: what changed is read from the
    interface, so a visitor who missed events misses nothing.
    """

    def __init__(self, source: GallerySource, heartbeat_s: float = HEARTBEAT_S, limit: int = MAX_STREAMS) -> None:
        self._source = source
        self._heartbeat_s = heartbeat_s
        self._limit = limit
        self._streams: set[asyncio.Task[object]] = set()
        self._closing = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /api/events. 503 with Retry-After when too many listen."""
        task = asyncio.current_task()
        if task is None or len(self._streams) >= self._limit:
            raise web.HTTPServiceUnavailable(text="too many listeners\n", headers={"Retry-After": "30"})
        response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        self._streams.add(task)
        try:
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                await self._push(response)
        except asyncio.CancelledError:
            # Ended by `close`, so that the visitor sees a whole answer and comes back; else by the server.
            if not self._closing:
                raise
        finally:
            self._streams.discard(task)
        return response

    async def close(self, _app: web.Application) -> None:
        """An `on_shutdown` signal: end every stream, or the server would wait for its visitors."""
        self._closing = True
        streams = list(self._streams)
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    async def _push(self, response: web.StreamResponse) -> None:
        revision = self._source.revision
        await response.write(b"retry: 2000\n" + _event(revision))
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    revision = await self._source.changed(revision)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            await asyncio.sleep(GATHER_S)
            revision = self._source.revision
            await response.write(_event(revision))


def _event(revision: int) -> bytes:
    return f"id: {revision}\nevent: revision\ndata: {revision}\n\n".encode()
