"""Messages on their way: a real process for each, a real HTTP server at the other end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from node.notices import courier as module
from node.notices.courier import Courier, Message
from node.notices.targets import Target, TargetUrl

MESSAGE = Message("Patina north: low balance", "It is *so* <b>low</b> \\n that `it` shows.\n\nSecond.", "critical")


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
    """A port, and what was sent to /take/...; /hang/... never answers, and /refuse/... says what it was told."""
    taken: list[dict[str, Any]] = []
    released = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        taken.append(await request.json())
        return web.Response()

    async def hang(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403, reason=str(request.url)[:100], text=str(request.url))

    app = web.Application()
    app.add_routes([web.post("/take/{_}", take), web.post("/hang/{_}", hang), web.post("/refuse/{_}", refuse)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], taken
    released.set()
    await runner.cleanup()


def target(url: str) -> Target:
    return Target("me", "info", TargetUrl(url))


def children() -> list[str]:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


async def test_courier__target_that_takes_it__gets_it_word_for_word(
    server: tuple[int, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, taken = server
    monkeypatch.setenv("PATINA_SIGNING_PASSWORD", "never-for-a-child")
    assert "PATINA_SIGNING_PASSWORD" not in module._variables()
    assert await Courier(60)(target(f"json://localhost:{port}/take/planted-tok-1122"), MESSAGE) == ""
    (message,) = taken
    assert (message["title"], message["message"], message["type"]) == (MESSAGE.title, MESSAGE.body, "failure")


async def test_courier__target_that_never_answers__is_given_up_and_its_process_is_gone(
    server: tuple[int, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    why = await Courier(1.5)(target(f"json://localhost:{server[0]}/hang/planted-tok-1122"), MESSAGE)
    assert why == "took longer than 1.5 s"
    assert children() == before


async def test_courier__targets_that_do_not_take_it__say_why_without_their_urls(
    server: tuple[int, list[dict[str, Any]]],
) -> None:
    urls = (
        f"json://user:planted-pass-3344@localhost:{server[0]}/refuse/planted-tok-1122",
        "nonsense://planted-tok-1122",
        "discord://planted-tok-1122",
    )
    refused, unknown, unfit = await asyncio.gather(*(Courier(60)(target(url), MESSAGE) for url in urls))
    assert "error=403" in refused
    assert unknown.startswith("apprise cannot use this URL")
    assert unfit == unknown
    assert "planted" not in refused + unknown + unfit


async def test_courier__process_that_dies__is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    assert await Courier(60)(target("json://localhost:1/x"), MESSAGE) == "the process that sends ended with status 1"
    monkeypatch.setattr(module.sys, "executable", "/nowhere/python")
    assert "cannot be started" in await Courier(60)(target("json://localhost:1/x"), MESSAGE)


async def test_courier__cancelled__leaves_no_process(server: tuple[int, list[dict[str, Any]]]) -> None:
    before = children()
    sending = asyncio.create_task(Courier(60)(target(f"json://localhost:{server[0]}/hang/x"), MESSAGE))
    while children() == before:
        await asyncio.sleep(0.01)
    sending.cancel()
    assert isinstance((await asyncio.gather(sending, return_exceptions=True))[0], asyncio.CancelledError)
    assert children() == before
