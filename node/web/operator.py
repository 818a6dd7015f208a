"""What the operator of a node may read of it: figures, settings and log lines, behind the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec
import structlog
from aiohttp import web

from node.web.guard import Guard
from node.web.streams import Streams

LISTENERS: Final = 16
"""Streams of operators at once."""
LOOK_S: Final = 1.0
"""Seconds between two looks at what is pushed; one look serves all listeners."""
HEARTBEAT: Final = 15
"""Looks without news after which a comment tells that the stream lives."""
LINES: Final = 500
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_LONGEST: Final = 200
"""Characters of a text that log lines are searched for."""

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode

log = structlog.get_logger("web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OperatorSource(Protocol):
    """What the daemon implements; nothing waits for the chain, and nothing returned holds a secret."""

    def overview(self) -> dict[str, Any]:
        """The node's figures, for eyes that may see all of them."""
        ...

    def configuration(self) -> dict[str, Any]:
        """Every setting in force, secrets masked: section -> key -> value."""
        ...

    def lines(self, since: int) -> tuple[int, list[dict[str, Any]]]:
        """Log lines after the first `since` that there ever were, oldest first, and how many there were by now."""
        ...


class OperatorPages:
    """Routes under /api/operator/: all of them read, each of them guarded, and none to be kept by a cache."""

    def __init__(self, source: OperatorSource, guard: Guard, look_s: float = LOOK_S) -> None:
        self._source = source
        self._guard = guard
        self._look_s = look_s
        self._streams = Streams(LISTENERS, LISTENERS)
        self._held: tuple[float, bytes | None] | None = None
        self._failed = ""
        self.close = self._streams.close

    def mount(self, app: web.Application) -> None:
        """Add the routes. Those of a stream answer GET alone: HEAD would never end."""
        app.router.add_get("/api/operator/overview", self._guarded(self._overview))
        app.router.add_get("/api/operator/configuration", self._guarded(self._configuration))
        app.router.add_get("/api/operator/log", self._guarded(self._log))
        app.router.add_get("/api/operator/events", self._guarded(self._events), allow_head=False)
        app.on_shutdown.append(self.close)

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            self._guard.admit(request)
            return await handler(request)

        return guarded

    async def _overview(self, _request: web.Request) -> web.Response:
        figures = self._figures()
        if figures is None:
            raise web.HTTPServiceUnavailable(text="the node cannot tell its figures now: see its log\n")
        return _answer(figures)

    async def _configuration(self, _request: web.Request) -> web.Response:
        return _answer(_encode(self._source.configuration()))

    async def _log(self, request: web.Request) -> web.Response:
        """GET .../log?level=warning&text=broker: the lines of at least that level in which that text stands."""
        level, text = request.query.get("level", "debug"), request.query.get("text", "")[:_LONGEST].lower()
        if level not in LEVELS:
            raise web.HTTPBadRequest(text=f"level: write one of {', '.join(LEVELS)}\n")
        _, lines = self._source.lines(0)
        wanted = LEVELS[LEVELS.index(level) :]
        found = [line for line in lines if line.get("level") in wanted and text in _encode(line).decode().lower()]
        return _answer(_encode({"lines": found[-LINES:]}))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._streams.serve(request, self._push)

    async def _push(self, response: web.StreamResponse) -> None:
        """Events: `overview` when it changed, `log` with new lines."""
        told, seen, quiet = b"", 0, 0
        while True:
            quiet += 1
            figures = self._figures()
            if figures is not None and figures != told:
                told, quiet = figures, 0
                await response.write(b"event: overview\ndata: " + figures + b"\n\n")
            seen, lines = self._source.lines(seen)
            if lines:
                quiet = 0
                await response.write(b"event: log\ndata: " + _encode(lines[-LINES:]) + b"\n\n")
            if quiet >= HEARTBEAT:
                quiet = 0
                await response.write(b": still here\n\n")
            await asyncio.sleep(self._look_s)

    def _figures(self) -> bytes | None:
        """The figures as they are now; None while they cannot be told: log lines go on, which say why."""
        now = asyncio.get_running_loop().time()
        if self._held is None or now - self._held[0] >= self._look_s / 2:
            try:
                self._held = now, _encode(self._source.overview())
                self._failed = ""
            except Exception as error:
                self._held = now, None
                if self._failed != repr(error):
                    self._failed = repr(error)
                    log.error("figures not told on the operator's page", exc_info=error)
        return self._held[1]


def _answer(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
