"""Live updates: each change of what pages show, pushed as a server-sent event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from aiohttp import web

from node.web.streams import Streams

HEARTBEAT_S: Final = 15.0
"""A comment this often keeps proxies from closing a quiet stream, and finds visitors who left."""
GATHER_S: Final = 0.2
"""Changes closer together than this make one event: a replay may sample many checkpoints a second."""
MAX_STREAMS: Final = 256
"""Visitors listening at once; one more is refused and asks again later."""


class Moving(Protocol):
    """Something with a revision that grows with every change."""

    @property
    def revision(self) -> int:
        """The number of changes so far."""
        ...

    async def changed(self, since: int) -> int:
        """Wait until `revision` is above `since` (at once if it is), then return it. Cancellable."""
        ...


class EventStreams:
    """`/api/events`: on connection the revisions in force, then one event for each change.

    An event is named as its source is (`revision` for the gallery, `network` for the network page), and its data is
    the number alone: what changed is read from the interface, so a visitor who missed events misses nothing. `ready`,
    0 or 1, tells that the node cannot do its work, or can again; a node that is well says nothing of it at first.
    """

    def __init__(
        self,
        sources: Mapping[str, Moving],
        heartbeat_s: float = HEARTBEAT_S,
        limit: int = MAX_STREAMS,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._sources = dict(sources)
        self._ready = ready
        self._heartbeat_s = heartbeat_s
        self._streams = Streams(limit)
        self.close = self._streams.close

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /api/events. 503 or 429 with Retry-After when too many listen."""
        return await self._streams.serve(request, self._push)

    async def _push(self, response: web.StreamResponse) -> None:
        told = {name: source.revision for name, source in self._sources.items()}
        await response.write(b"retry: 2000\n" + b"".join(_event(name, number) for name, number in told.items()))
        well = True
        while True:
            if self._ready() != well:
                well = not well
                await response.write(f"event: ready\ndata: {well:d}\n\n".encode())
            if not await self._moved(told):
                await response.write(b": still here\n\n")
                continue
            await asyncio.sleep(GATHER_S)
            for name, source in self._sources.items():
                if source.revision != told[name]:
                    told[name] = source.revision
                    await response.write(_event(name, told[name]))

    async def _moved(self, told: Mapping[str, int]) -> bool:
        """Wait until any source is past what was told of it; False when nothing was for a heartbeat."""
        waiting = [asyncio.ensure_future(source.changed(told[name])) for name, source in self._sources.items()]
        try:
            done, _ = await asyncio.wait(waiting, timeout=self._heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return bool(done)


def _event(name: str, revision: int) -> bytes:
    return f"id: {revision}\nevent: {name}\ndata: {revision}\n\n".encode()
