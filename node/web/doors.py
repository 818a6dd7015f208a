"""The door that visitors come in by: how many at a time, and what each may make the node hold for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from node.clock import milliseconds
from node.gossip.bucket import Rate, TokenBucket
from node.web.guard import holder, is_this_machine, plain, visitor
from node.web.security import HEADERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BUCKETS: Final = 4_096
"""Visitors whose requests are counted, the latest ones."""

HANDLING: Final[dict[str, Any]] = {
    # A connection that has not sent a whole request by then is closed: on its first one, and on each that follows.
    "keepalive_timeout": 20.0,
    "lingering_time": 1.0,
    "max_line_size": 4_096,
    "max_field_size": 8_190,
    "max_headers": 64,
    "auto_decompress": False,
}
"""How requests are read; sizes in bytes, times in seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much visitors may have. `connections` leave a process of 1,024 files enough of them for its own work.

    `reserved` are for this machine alone, so that strangers cannot keep its operator out; `each` is one visitor's
    share (see `visitor`), which this machine's requests, a proxy's perhaps, do not have. `head`: bytes from one request
    to the next; `unsent`: bytes that wait to be taken by all visitors together; `stall`: seconds in which one takes
    nothing of what waits for it, which is looked at every `look` seconds; `requests`: one visitor's.
    """

    connections: int = 512
    reserved: int = 64
    each: int = 64
    head: int = 65_536
    unsent: int = 64 * 2**20
    stall: float = 30.0
    look: float = 1.0
    requests: Rate = Rate(per_second=50, burst=400)  # noqa: RUF009 - frozen


class Doors:
    """Lets connections in and watches over them.

    doors = Doors()
    app = create_app(source, store, doors=doors)
    runner = web.AppRunner(app, **SERVER)
    await runner.setup()
    await doors.site(runner, "127.0.0.1", 8080).start()
    """

    def __init__(
        self,
        limits: Limits | None = None,
        handling: Mapping[str, Any] = HANDLING,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self.limits = Limits() if limits is None else limits
        self.handling = handling
        self._clock = clock
        self._open: dict[object, _Door] = {}
        self._share: Counter[str] = Counter()
        self._requests: dict[str, TokenBucket] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self.counters: Counter[str] = Counter()

    def site(self, runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
        """Where the runner's application is to be had; not started yet."""
        return _Site(runner, self, host, port)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what no page needs: a request with a body, and too many of them."""
        door = self._open.get(request.protocol)
        if door is not None:
            door.received = 0
        if request.body_exists:
            refusal = web.HTTPBadRequest(text="no page here takes a body\n")
            refusal.force_close()
            raise refusal
        who = visitor(request)
        if not is_this_machine(who) and not self._affords(who):
            self.counters["requests refused"] += 1
            raise web.HTTPTooManyRequests(text="too many requests\n", headers={"Retry-After": "5"})
        return await handler(request)

    def status(self) -> dict[str, int]:
        """Figures for status pages."""
        return {"open": len(self._open), **self.counters}

    def _affords(self, who: str) -> bool:
        bucket = self._requests.pop(who, None) or TokenBucket(self.limits.requests, self._clock())
        self._requests[who] = bucket
        if len(self._requests) > BUCKETS:
            del self._requests[next(iter(self._requests))]
        return bucket.take(1, self._clock())

    # -- what a door tells ---------------------------------------------------------------------------------------

    def admits(self, who: str) -> bool:
        """Whether there is room for one more connection of a visitor."""
        limits, local = self.limits, is_this_machine(who)
        room = limits.connections if local else limits.connections - limits.reserved
        if len(self._open) < room and (local or self._share[who] < limits.each):
            return True
        self.counters["connections refused"] += 1
        return False

    def enter(self, door: _Door) -> None:
        """Watch over a connection from now on."""
        self._open[door.inner] = door
        self._share[door.who] += 1
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self.limits.look, self._look)

    def leave(self, door: _Door) -> None:
        """Note that a connection is over."""
        if self._open.pop(door.inner, None) is not None:
            self._share[door.who] -= 1
            if not self._share[door.who]:
                del self._share[door.who]
        if not self._open and self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _look(self) -> None:
        """Now and then: close on those that take nothing, and on the greediest while all hold too much."""
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(self.limits.look, self._look)
        for door in list(self._open.values()):
            if door.stalled(loop.time(), self.limits.stall):
                self.counters["connections stalled"] += 1
                door.abort()
        waiting = sorted(((door.unsent, door) for door in self._open.values()), key=lambda each: each[0])
        total = sum(size for size, _ in waiting)
        while total > self.limits.unsent:
            size, door = waiting.pop()
            total -= size
            self.counters["connections stalled"] += 1
            door.abort()


class _Door(asyncio.Protocol):
    """One connection: counts what passes on its way to the server's own protocol."""

    def __init__(self, doors: Doors, server: Callable[[], asyncio.Protocol]) -> None:
        self.inner = asyncio.Protocol()  # takes what comes and does nothing
        self.who = ""
        self.received = 0
        self._doors = doors
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._unsent = 0
        self._since: float | None = None

    @property
    def unsent(self) -> int:
        """Bytes that wait to be taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def stalled(self, now: float, patience: float) -> bool:
        """Whether nothing was taken of what waits for so many seconds."""
        size, before = self.unsent, self._unsent
        self._unsent = size
        if size == 0 or size < before or self._since is None:
            self._since = now
            return False
        return now - self._since >= patience

    def abort(self) -> None:
        """Close at once, whatever waits."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP, by how the site is made
        self._transport = transport
        peer = transport.get_extra_info("peername")
        address = plain(peer[0]) if peer else None
        self.who = "" if address is None else holder(address)
        if not self._doors.admits(self.who):
            transport.abort()
            return
        self.inner = self._server()
        self._doors.enter(self)
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.received > self._doors.limits.head:
            self._doors.counters["heads too long"] += 1
            self.abort()
            return
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self.inner.eof_received()

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._doors.leave(self)
        self.inner.connection_lost(exc)


class _Handler(web.RequestHandler):
    """The server's own protocol; to what is no request it answers as plainly as to all else."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer a fault: without the bytes that were sent, and without a word of the software behind it."""
        if status >= 500:
            super().handle_error(request, status, exc, message)  # says in the log what went wrong
        elif request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        # Whoever sends garbage is counted by the doors, and writes nothing into the log of a node that signs.
        text = "a fault of this node's\n" if status >= 500 else "not a request that is served here\n"
        plainly = web.Response(status=status, text=text, headers=HEADERS)
        plainly.force_close()
        return plainly


class _Site(web.BaseSite):
    """A TCP port with doors in front of the server."""

    def __init__(self, runner: web.AppRunner, doors: Doors, host: str, port: int) -> None:
        super().__init__(runner)
        self._doors, self._host, self._port = doors, host, port

    @property
    def name(self) -> str:
        """The address in words."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen."""
        await super().start()
        server = self._runner.server
        assert server is not None  # noqa: S101 - set up, or the base class had refused
        loop = asyncio.get_running_loop()

        def handler() -> asyncio.Protocol:
            return _Handler(server, loop=loop, access_log=None, **self._doors.handling)  # type: ignore[arg-type]

        self._server = await loop.create_server(lambda: _Door(self._doors, handler), self._host, self._port)
