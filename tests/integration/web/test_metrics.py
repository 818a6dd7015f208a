"""/metrics over a real socket: the operator's on the pages' port, anyone's who reaches a port of its own."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from node.durations import Durations
from node.errors import ConfigError
from node.keys.secrets import Secret
from node.metrics.service import Metrics
from node.web.guard import Guard

TOKEN = "t0ken-of-the-operator-" + "0" * 20


class Exposition:
    """As much of the real one as is served."""

    def __init__(self) -> None:
        self.loop = Durations((1.0,))
        self.asked: list[str] = []

    def text(self, accept: str) -> tuple[bytes, str]:
        self.asked.append(accept)
        return b"patina_ready 1.0\n", "text/plain; version=0.0.4; charset=utf-8"


@pytest.fixture
async def pages():
    """The base URL of pages that have metrics among them."""
    app = web.Application()
    Metrics(Exposition(), "127.0.0.1", None).mount(app, Guard(Secret(TOKEN)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def status(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url + "/metrics", headers=headers) as response:
        if response.status != 200:
            assert b"patina_ready" not in await response.read()
        return response.status


async def test_metrics__this_machine_or_the_token__are_told_and_nobody_else_is(pages):
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    assert await status(pages) == 200
    assert await status(pages, **proxied) == 401
    assert await status(pages, **proxied, Authorization=f"Bearer {TOKEN}") == 200
    assert await status(pages, **proxied, Authorization="Bearer wrong-token-" + "0" * 30) == 401
    assert await status(pages, Host="gallery.example.org") == 401
    assert await status(pages, Origin="https://evil.example") == 403


async def test_metrics__asked_for__are_never_stored_and_in_prometheus_own_type(pages):
    async with aiohttp.ClientSession() as session, session.get(pages + "/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.text() == "patina_ready 1.0\n"


async def run(metrics: Metrics) -> asyncio.Task[None]:
    task = asyncio.create_task(metrics.run())
    async with asyncio.timeout(20):
        while metrics.bound is None and not task.done():
            await asyncio.sleep(0.001)
    return task


async def test_metrics__port_of_their_own__has_nothing_else_and_needs_no_token():
    exposition = Exposition()
    metrics = Metrics(exposition, "127.0.0.1", 0)
    app = web.Application()
    metrics.mount(app, Guard())
    assert not list(app.router.routes())
    task = await run(metrics)
    url = f"http://127.0.0.1:{metrics.bound}"
    assert await status(url, Host="patina:9464") == 200
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/api/status", "/api/operator/overview", "/readyz"):
            async with session.get(url + path) as response:
                assert response.status == 404, path
        for body, refused in ((None, 405), (b"x", 400)):
            async with session.post(url + "/metrics", data=body) as response:
                assert response.status == refused
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_metrics__port_that_is_taken__says_which_setting_it_is():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        metrics = Metrics(Exposition(), "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ExceptionGroup) as caught:
            await metrics.run()
    [error] = caught.value.exceptions
    assert isinstance(error, ConfigError)
    assert "web.metrics_port" in str(error)
