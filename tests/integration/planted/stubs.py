"""Services that a node talks to, and that say back whatever secrets they were given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Stubs:
    """Their ports, and what notice targets took: (path, message)."""

    http: int = 0
    mqtt: int = 0
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: int = 0
    asked: int = 0
    dialled: int = 0


@asynccontextmanager
async def stubs() -> AsyncIterator[Stubs]:
    """An endpoint, a broker and two notice targets, one of which refuses."""
    state = Stubs()

    async def endpoint(request: web.Request) -> web.Response:
        state.asked += 1
        told = {"url": str(request.url), "headers": dict(request.headers)}
        error = {"code": -32000, "message": f"unauthorized: {json.dumps(told)}", "data": told}
        return web.json_response({"jsonrpc": "2.0", "id": 1, "error": error}, status=401, reason=str(told["url"])[:200])

    async def target(request: web.Request) -> web.Response:
        state.taken.append((request.path, await request.json()))
        return web.Response()

    async def refusing(request: web.Request) -> web.Response:
        state.refused += 1
        return web.Response(status=403, text=f"{request.url} {dict(request.headers)}")

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.dialled += 1
        packet = await reader.read(4096)
        writer.write(b"\x20\x02\x00\x05" + packet)  # refused, with all that it was told
        await writer.drain()
        writer.close()

    app = web.Application()
    app.router.add_route("*", "/v2/{rest:.*}", endpoint)
    app.router.add_post("/take/{token}", target)
    app.router.add_post("/refuse/{token}", refusing)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    state.http, state.mqtt = runner.addresses[0][1], server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        await runner.cleanup()
