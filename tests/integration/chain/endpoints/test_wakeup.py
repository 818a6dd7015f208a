"""A WebSocket makes the node look sooner, and nothing that it says or does not say changes what the node finds."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import structlog
from aiohttp import WSMsgType, web

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.endpoints.wakeup import WakeSettings, WakeUp
from node.devnet.evm.chain import DevnetChain
from node.devnet.rpc.server import DevnetServer
from node.devnet.settings import ChainSettings

FAST = WakeSettings(least=0.0, pause=0.01, longest=0.05, silence=30.0)
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


def announced(number: int, subscription: str = "0xabc") -> str:
    params = {"subscription": subscription, "result": {"number": hex(number)}}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})


class Server:
    """Speaks WebSocket: confirms a subscription as told, then does what `talk` says; counts connections."""

    def __init__(self, talk: Talk, confirm: Any = "0xabc") -> None:
        self.talk, self.confirm = talk, confirm
        self.connections = 0
        self.asked: list[Any] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        message = await socket.receive()
        if message.type is WSMsgType.TEXT:
            asked = json.loads(message.data)
            self.asked.append((asked["method"], asked["params"]))
            if self.confirm is not None:
                await socket.send_str(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": self.confirm}))
            await self.talk(socket)
        return socket


@asynccontextmanager
async def serving(handler: Any, path: str = "") -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


class Ear:
    """Wake-ups that run for as long as the test does."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def server(self, talk: Talk, **settings: Any) -> Server:
        server = Server(talk, **settings)
        server.url = await self._stack.enter_async_context(serving(server.handle))
        return server

    async def wakeup(self, *urls: str, settings: WakeSettings = FAST) -> WakeUp:
        wakeup = WakeUp(urls, settings, jitter=lambda: 0.0)
        task = asyncio.create_task(wakeup.run())

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)
        return wakeup


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    async with AsyncExitStack() as stack:
        yield Ear(stack)


async def silent(socket: web.WebSocketResponse) -> None:
    async for _ in socket:  # pings are answered: it looks alive
        pass


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not met():
            await asyncio.sleep(0.005)


async def test_new_head__announced__ends_the_wait(ear: Ear) -> None:
    go = asyncio.Event()

    async def talk(socket: web.WebSocketResponse) -> None:
        await go.wait()
        await socket.send_str(announced(7))
        await silent(socket)

    server = await ear.server(talk)
    wakeup = await ear.wakeup(server.url)
    waiting = asyncio.create_task(wakeup.wait(3_600))
    await until(lambda: wakeup.connected == 1 and bool(server.asked))
    assert not waiting.done()
    go.set()
    async with asyncio.timeout(20):
        await waiting
    assert server.asked == [("eth_subscribe", ["newHeads"])]
    assert wakeup.status() == {"connected": 1, "configured": 1, "heads": 1, "wakes": 1}


async def test_new_head__while_the_node_is_busy__is_not_lost(ear: Ear) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str(announced(7))
        await silent(socket)

    wakeup = await ear.wakeup((await ear.server(talk)).url)
    await until(lambda: wakeup.counters["heads"] == 1)
    async with asyncio.timeout(20):
        await wakeup.wait(3_600)


async def test_web_socket_reconnects_and_delivers_nothing__chainlink_1573_web3_py_3689__new_blocks_are_still_seen(
    ear: Ear,
) -> None:
    """It connects, confirms, and says nothing; it is closed, connects again, and says nothing again."""
    node = DevnetChain(ChainSettings(finality_depth=2))
    rpc = DevnetServer(node)
    await rpc.start()

    async def talk(socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(0.05)
        await socket.close()

    server = await ear.server(talk)
    wakeup = await ear.wakeup(server.url)
    try:
        async with RpcPool([rpc.url]) as pool:
            chain = Chain(pool, "0x" + "0a" * 20)
            seen = set()
            for _ in range(12):
                node.mine()
                await wakeup.wait(0.05)
                seen.add((await chain.head()).number)
    finally:
        await rpc.aclose()
    assert seen == set(range(1, 13))
    assert wakeup.counters["wakes"] == 0
    assert wakeup.counters["reconnects"] >= 2


async def test_silence__for_too_long__is_counted_and_connected_anew(ear: Ear) -> None:
    server = await ear.server(silent)
    wakeup = await ear.wakeup(server.url, settings=WakeSettings(least=0.0, pause=0.01, longest=0.02, silence=0.1))
    await until(lambda: server.connections >= 3)
    assert wakeup.counters["silent"] >= 2
    assert wakeup.counters["heads"] == 0


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[" * 100_000,
        "null",
        "[]",
        '{"method": "eth_subscription"}',
        '{"method": "eth_subscription", "params": []}',
        announced(7, subscription="0xother"),
        '{"id": 2, "result": "0xabc"}',
    ],
)
async def test_nonsense__instead_of_a_head__wakes_nobody_and_ends_nothing(ear: Ear, said: str) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str(said)
        await socket.send_str(announced(7))
        await silent(socket)

    wakeup = await ear.wakeup((await ear.server(talk)).url)
    await until(lambda: wakeup.counters["heads"] == 1)
    assert wakeup.counters["odd"] == 1


@pytest.mark.parametrize("confirm", [{"a": 1}, 7, False])
async def test_subscription__refused__is_tried_again(ear: Ear, confirm: Any) -> None:
    server = await ear.server(silent, confirm=confirm)
    wakeup = await ear.wakeup(server.url)
    await until(lambda: wakeup.counters["refused"] >= 2)


async def test_message__above_the_limit__ends_the_connection(ear: Ear) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("x" * 300_000)
        await silent(socket)

    server = await ear.server(talk)
    wakeup = await ear.wakeup(server.url)
    await until(lambda: server.connections >= 2)
    assert wakeup.counters["heads"] == 0


async def test_flood_of_heads__wakes_no_oftener_than_the_least_time(ear: Ear) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            await socket.send_str(announced(7))
            await asyncio.sleep(0.001)

    settings = WakeSettings(least=0.2, pause=0.01)
    wakeup = await ear.wakeup((await ear.server(talk)).url, settings=settings)
    await until(lambda: wakeup.counters["heads"] >= 1)
    loop = asyncio.get_running_loop()
    times = [loop.time()]
    for _ in range(4):
        await wakeup.wait(30)
        times.append(loop.time())
    assert times[-1] - times[1] >= 3 * 0.19
    assert wakeup.counters["wakes"] == 4


async def test_redirect__is_not_followed(ear: Ear) -> None:
    trap = await ear.server(silent)

    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": trap.url.replace("ws://", "http://")})

    async with serving(redirect) as url:
        wakeup = await ear.wakeup(url)
        await until(lambda: wakeup.counters["reconnects"] >= 2)
    assert trap.connections == 0


async def test_several__one_of_them_dead__the_other_wakes(ear: Ear) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str(announced(7))
        await silent(socket)

    wakeup = await ear.wakeup("ws://127.0.0.1:1/", (await ear.server(talk)).url)
    async with asyncio.timeout(20):
        await wakeup.wait(3_600)
    assert wakeup.connected == 1


async def test_no_url__only_the_poll_counts() -> None:
    wakeup = WakeUp([])
    await wakeup.run()
    await wakeup.wait(0.0)
    assert wakeup.status() == {"connected": 0, "configured": 0}


async def test_planted_secret__near_mpc_2362_vega_11319__is_shown_nowhere(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "s3cretKey0123456789abcdef"

    async def echo(_: web.Request) -> web.Response:
        return web.Response(status=401, text=secret, reason=f"unknown {secret}")

    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        async with serving(echo, f"/v3/{secret}") as url:
            wakeup = await ear.wakeup(url, f"ws://user:{secret}@127.0.0.1:1/?key={secret}")
            await until(lambda: wakeup.counters["reconnects"] >= 4)
    assert logs
    assert secret not in str(logs) + caplog.text + str(wakeup.status()) + repr(wakeup)
