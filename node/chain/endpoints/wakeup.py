"""New heads over WebSocket, as a wake-up alone: it makes the node look sooner, and never tells it anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from node.chain.endpoints.answers import parsed
from node.chain.endpoints.names import Shown, unreachable
from node.keys.secrets import SecretUrl

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, ClientWebSocketResponse

log = structlog.get_logger("chain")

SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})

_FAREWELL = 0.5
"""Seconds that the other side has to close a connection in good form."""


@dataclass(frozen=True, slots=True)
class WakeSettings:
    """Seconds, except `max_bytes` of a message.

    `least` is the least time between two wake-ups, whatever comes in; a connection that says nothing for `silence`
    is made anew. Pauses between connections grow from `pause` to `longest`, each with jitter.
    """

    connect: float = 10.0
    silence: float = 120.0
    least: float = 0.25
    pause: float = 1.0
    longest: float = 60.0
    max_bytes: int = 2**18


class WakeUp:
    """Ends a wait early when an endpoint announces a new head (`eth_subscribe`, `newHeads`).

    What is announced is not even read: the next poll asks as it always does, so a connection that says nothing, or
    lies, changes nothing but when that poll happens.
    """

    def __init__(
        self,
        urls: Sequence[str | SecretUrl],
        settings: WakeSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`urls`: ws:// or wss://, none for a node that only polls; `jitter` gives numbers from 0 to 1."""
        self._urls = [url if isinstance(url, SecretUrl) else SecretUrl(url) for url in urls]
        self._settings = settings or WakeSettings()
        self._clock = clock
        self._jitter = jitter
        self._news = asyncio.Event()
        self._woken = -self._settings.least
        self.connected = 0
        self.counters: Counter[str] = Counter()

    def status(self) -> dict[str, object]:
        """Figures for status pages."""
        return {"connected": self.connected, "configured": len(self._urls), **self.counters}

    async def wait(self, seconds: float) -> None:
        """Sleep for so long, or until a new head is announced, but at least the least time since the last wake-up."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
                await asyncio.sleep(max(0.0, self._woken + self._settings.least - self._clock()))
                self.counters["wakes"] += 1
        except TimeoutError:
            pass
        self._news.clear()
        self._woken = self._clock()

    async def run(self) -> None:
        """Keep a subscription at every URL until cancelled; without URLs it returns at once."""
        if not self._urls:
            return
        import aiohttp

        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, middlewares=(refuse_redirects,)
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            for url in self._urls:
                group.create_task(self._keep(session, url))

    async def _keep(self, session: ClientSession, url: SecretUrl) -> None:
        import aiohttp

        shown = Shown(url)
        failures = 0
        while True:
            heads = self.counters["heads"]
            try:
                fault = await self._listen(session, url)
            except (OSError, ValueError, aiohttp.ClientError) as error:
                # aiohttp's own texts show the URL.
                fault = unreachable(error)
            failures = 0 if self.counters["heads"] > heads else failures + 1
            self.counters["reconnects"] += 1
            wait = min(self._settings.longest, self._settings.pause * 2 ** min(failures, 10))
            level = log.warning if failures in (0, 1) else log.debug
            level("no new heads announced, polling goes on", endpoint=shown.name, why=shown.redact(fault[:2_000])[:200])
            await asyncio.sleep(wait * (0.5 + self._jitter() / 2))

    async def _listen(self, session: ClientSession, url: SecretUrl) -> str:
        """Subscribe and pass on what is announced; return why it ended."""
        import aiohttp

        async with asyncio.timeout(self._settings.connect):
            socket = await session.ws_connect(
                url.reveal(),
                max_msg_size=self._settings.max_bytes,
                heartbeat=self._settings.silence / 2,
                timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL),
            )
        try:
            self.connected += 1
            await socket.send_str(SUBSCRIBE)
            return await self._hear(socket)
        finally:
            self.connected -= 1
            # One that goes on talking must not keep us: close() alone reads on until its farewell.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await socket.close()

    async def _hear(self, socket: ClientWebSocketResponse) -> str:
        import aiohttp

        subscription: object = None
        heard = self._clock()
        while True:
            left = heard + self._settings.silence - self._clock()
            try:
                # Not receive()'s own timeout: that one begins anew with every pong.
                async with asyncio.timeout(max(0.0, left)):
                    message = await socket.receive()
            except TimeoutError:
                self.counters["silent"] += 1
                return "connected, and says nothing"
            if message.type is not aiohttp.WSMsgType.TEXT:
                return f"closed ({message.type.name.lower()})"
            said = parsed(message.data.encode()) or {}
            if said.get("id") == 1:
                if not isinstance(said.get("result"), str):
                    self.counters["refused"] += 1
                    return f"no subscription: {said.get('error')}"
                subscription = said["result"]
            elif subscription is not None and _subscription(said) == subscription:
                heard = self._clock()
                self.counters["heads"] += 1
                self._news.set()
            else:
                self.counters["odd"] += 1
            # Whatever is sent faster than heads can come waits in the socket.
            await asyncio.sleep(self._settings.least / 4)


def _subscription(said: dict[str, Any]) -> object:
    params = said.get("params")
    wanted = said.get("method") == "eth_subscription" and isinstance(params, dict)
    return params.get("subscription") if wanted and isinstance(params, dict) else None


async def refuse_redirects(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """A redirect would carry the request to a host that nobody configured."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise OSError("redirected")
    return response
