"""A JSON-RPC endpoint that misbehaves on demand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

Reply = Any
Answer = Callable[[str, list[Any]], Reply]


@dataclass
class FakeEndpoint:
    """Answers each method from `answers`: a result, a web.Response, an exception's JSON-RPC error, or a function."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)
    url: str = ""
    hits: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.hits += 1
        if request.method != "POST":
            return web.Response(status=405)
        message = json.loads(await request.text())
        method, params = message["method"], message["params"]
        self.asked.append((method, params))
        answer = self.answers.get(method, error(-32601, f"the method {method} does not exist"))
        if isinstance(answer, list):  # one after another, the last for good
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(*params)
            if isinstance(answer, Awaitable):
                answer = await answer
        if isinstance(answer, web.StreamResponse):
            # A response object can be sent once.
            return web.Response(status=answer.status, headers=answer.headers, body=getattr(answer, "body", b""))
        body = {"jsonrpc": "2.0", "id": message["id"]}
        body |= {"error": answer.value} if isinstance(answer, error) else {"result": answer}
        return web.json_response(body)


@dataclass
class error:  # noqa: N801 - reads as a word in the tables of the tests
    """A JSON-RPC error as an answer."""

    code: int
    message: str
    data: Any = None

    @property
    def value(self) -> dict[str, Any]:
        found = {"code": self.code, "message": self.message}
        return found if self.data is None else found | {"data": self.data}


class Net:
    """Starts fake endpoints and notes the seconds that were slept."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.slept: list[float] = []
        self.now = 0.0
        self.error = error

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now

    async def start(self, path: str = "", **answers: Any) -> FakeEndpoint:
        endpoint = FakeEndpoint(answers)
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", endpoint.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        return endpoint

    async def pool(self, *endpoints: FakeEndpoint | str, **settings: Any) -> Any:
        from node.chain.endpoints.pool import PoolSettings, RpcPool

        urls = [one if isinstance(one, str) else one.url for one in endpoints]
        pool = RpcPool(urls, PoolSettings(**settings), sleep=self.sleep, clock=self.clock)
        self._stack.push_async_callback(pool.aclose)
        return pool


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    async with AsyncExitStack() as stack:
        yield Net(stack)
