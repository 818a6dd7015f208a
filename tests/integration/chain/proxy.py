"""An endpoint in front of the embedded chain that answers some methods in its own way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

Twist = Callable[[list[Any], Any], Any]
"""Parameters and the true result (None for none) in, what is answered out."""


class Proxy:
    """Forwards to `target`; `twists` change what a method answers, `swallowed` ones are not forwarded at all."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self.twists: dict[str, Twist] = {}
        self.swallowed: set[str] = set()
        self.down = False
        self.asked: Counter[str] = Counter()
        self._session = aiohttp.ClientSession()
        self._runner: web.AppRunner | None = None

    async def start(self) -> Proxy:
        application = web.Application()
        application.router.add_post("/", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def aclose(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.Response:
        message = json.loads(await request.text())
        method = message["method"]
        self.asked[method] += 1
        if self.down:
            return web.Response(status=502)
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"], "result": None}
        if method not in self.swallowed:
            async with self._session.post(self.target, json=message) as response:
                answer = await response.json()
        if method in self.twists:
            found = self.twists[method](message["params"], answer.get("result"))
            answer = {"jsonrpc": "2.0", "id": message["id"]}
            answer |= {"error": found} if isinstance(found, dict) and "code" in found else {"result": found}
        return web.json_response(answer)
