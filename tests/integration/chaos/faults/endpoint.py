"""A JSON-RPC endpoint that can be made to refuse, stall, lag or lie: a real HTTP server before the real chain."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
from aiohttp import web

Message = dict[str, Any]


class Fault(Protocol):
    """What is wrong with an endpoint: answers a request in its way, and counts each time it did harm."""

    async def answer(self, endpoint: Endpoint, request: web.Request, messages: list[Message]) -> Any:
        """Return a list of answers as long as `messages`, or a whole response."""


class Endpoint:
    """One node's way to the chain; without a fault it passes everything on."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self.url = ""
        self.fault: Fault | None = None
        self.harm: Counter[str] = Counter()
        """How often each kind of fault was really felt."""
        self.requests = 0
        self._upstream = upstream
        self._session = session

    async def ask(self, method: str, *params: Any) -> Any:
        """Return what the chain itself answers."""
        return (await self.forward([{"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}]))[0].get(
            "result"
        )

    async def forward(self, messages: list[Message]) -> list[Message]:
        """Return the chain's answers."""
        async with self._session.post(self._upstream, json=messages) as response:
            answers: list[Message] = await response.json()
        by_id = {json.dumps(answer.get("id")): answer for answer in answers}
        return [by_id[json.dumps(message.get("id"))] for message in messages]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body = json.loads(await request.read())
        messages = body if isinstance(body, list) else [body]
        fault = self.fault
        answers = await (self.forward(messages) if fault is None else fault.answer(self, request, messages))
        if isinstance(answers, web.StreamResponse):
            return answers
        return web.json_response(answers if isinstance(body, list) else answers[0])


@asynccontextmanager
async def serve_endpoints(upstream: str, count: int) -> AsyncIterator[list[Endpoint]]:
    """Run `count` endpoints before one chain, each on a port of its own."""
    runners: list[web.AppRunner] = []
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        endpoints = [Endpoint(upstream, session) for _ in range(count)]
        try:
            for endpoint in endpoints:
                app = web.Application(client_max_size=8 << 20)
                app.router.add_post("/", endpoint.handle)
                runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
                runners.append(runner)
                await runner.setup()
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield endpoints
        finally:
            await asyncio.gather(*(runner.cleanup() for runner in runners))
