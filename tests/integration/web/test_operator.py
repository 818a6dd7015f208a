"""What the operator may read over a real socket, what visitors may, and that nobody gets from the one to the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.content.store import BlockStore
from node.keys.secrets import Secret
from node.web.app import create_app
from node.web.guard import Guard
from node.web.source import Readiness
from tests.sources import Network, Operation, figures, line

from .conftest import Source

TOKEN = "feedbead" * 8
PRIVATE = ("overview", "configuration", "log", "events")


@pytest.fixture(params=[False, True], ids=["without-token", "with-token"])
async def site(request: Any, tmp_path: Any) -> AsyncIterator[SimpleNamespace]:
    """`.client`, `.operation`, `.network`, `.token` (None without one)."""
    token = TOKEN if request.param else None
    source = Source()
    source.status = figures  # type: ignore[method-assign]
    source.ready = Readiness(ready=False, reasons=["low-balance"])
    network, operation = Network(), Operation()
    guard = Guard(None if token is None else Secret(token))
    app = create_app(
        source, BlockStore(tmp_path / "blocks"), heartbeat_s=0.05, network=network, operator=operation, guard=guard
    )
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield SimpleNamespace(client=client, operation=operation, network=network, token=token, source=source)


def paths() -> list[str]:
    return [f"/api/operator/{name}" for name in PRIVATE]


HOSTILE = {
    "rebound name": {"Host": "evil.example"},
    "proxy": {"X-Forwarded-For": "203.0.113.9"},
    "proxy by name": {"Via": "1.1 proxy"},
    "another site's page": {"Sec-Fetch-Site": "cross-site"},
    "another port's page": {"Origin": "http://127.0.0.1:3000"},
    "wrong token": {"Authorization": "Bearer wrong", "Host": "node.example"},
    "bytes that are no text": {"Authorization": "Bearer \udcff\udcfe", "Host": "node.example"},
}


@pytest.mark.parametrize("headers", HOSTILE.values(), ids=HOSTILE)
async def test_operator__whoever_is_not_it__is_told_nothing(site: SimpleNamespace, headers: dict[str, str]) -> None:
    for path in paths():
        async with site.client.get(path, headers=headers) as response:
            body = await response.text()
            assert response.status in (401, 403)
            assert "north" not in body
            assert response.headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in response.headers
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("headers", HOSTILE.values(), ids=HOSTILE)
async def test_status__whoever_is_not_the_operator__is_told_what_everybody_may_know(
    site: SimpleNamespace, headers: dict[str, str]
) -> None:
    async with site.client.get("/api/status", headers=headers) as response:
        told = await response.json()
    assert set(told) == {"oracle", "config_digest", "committee", "quorum", "chain", "ready"}
    assert set(told["chain"]) == {"id", "final", "head"}
    async with site.client.get("/readyz", headers=headers) as response:
        assert (response.status, await response.json()) == (503, {"ready": False})


async def test_operator__this_machine__reads_everything(site: SimpleNamespace) -> None:
    async with site.client.get("/api/operator/overview") as response:
        assert await response.json() == site.operation.figures
    async with site.client.get("/api/operator/configuration") as response:
        assert await response.json() == site.operation.settings
    async with site.client.get("/api/status") as response:
        assert (await response.json())["address"]
    async with site.client.get("/readyz") as response:
        assert (await response.json())["reasons"] == ["low-balance"]


async def test_operator__token_through_a_proxy__reads_everything(site: SimpleNamespace) -> None:
    if site.token is None:
        return
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "node.example", "X-Forwarded-For": "203.0.113.9"}
    async with site.client.get("/api/operator/overview", headers=headers) as response:
        assert (response.status, (await response.json())["name"]) == (200, "north")
    async with site.client.get("/api/status", headers=headers) as response:
        assert (await response.json())["address"]


async def test_page__itself__is_there_for_whoever_a_token_would_let_in(site: SimpleNamespace) -> None:
    async with site.client.get("/operator", headers={"Host": "node.example"}) as response:
        assert response.status == (200 if site.token else 403)
        assert "north" not in await response.text()
    async with site.client.get("/network", headers={"Host": "node.example"}) as response:
        assert response.status == 200
        assert ("/operator" in await response.text()) == bool(site.token)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_operator__anything_but_reading__is_refused(site: SimpleNamespace, method: str) -> None:
    for path in [*paths(), "/operator", "/network", "/api/network", "/api/events"]:
        async with site.client.request(method, path) as response:
            assert response.status == 405
            assert "Access-Control-Allow-Methods" not in response.headers


async def test_log__asked_for_a_level_and_a_text__gives_those_lines(site: SimpleNamespace) -> None:
    site.operation.log = [
        line("a"),
        line("Broker gone", "warning"),
        line("b", "error", why="no broker"),
        line("c", "error"),
    ]

    async def found(query: str) -> list[str]:
        async with site.client.get(f"/api/operator/log?{query}") as response:
            assert response.status == 200
            return [each["event"] for each in (await response.json())["lines"]]

    assert await found("") == ["a", "Broker gone", "b", "c"]
    assert await found("level=warning") == ["Broker gone", "b", "c"]
    assert await found("level=info&text=BROKER") == ["Broker gone", "b"]
    async with site.client.get("/api/operator/log?level=loud") as response:
        assert response.status == 400


async def events(response: Any) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream, as (name, value)."""
    name = ""
    async with asyncio.timeout(20):
        async for raw in response.content:
            text = raw.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text[7:]
            elif text.startswith("data: "):
                yield name, json.loads(text[6:])


async def test_stream__figures_and_lines_change__pushed_in_order(site: SimpleNamespace) -> None:
    async with site.client.get("/api/operator/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        found = events(response)
        assert await anext(found) == ("overview", site.operation.figures)
        assert await anext(found) == ("log", site.operation.log)
        site.operation.figures = site.operation.figures | {"name": "south"}
        site.operation.log = [*site.operation.log, line("again")]
        assert (await anext(found))[1]["name"] == "south"
        assert await anext(found) == ("log", [line("again")])


async def test_network__read_by_many__encoded_once_and_not_sent_twice(site: SimpleNamespace) -> None:
    async with site.client.get("/api/network") as response:
        told, tag = await response.json(), response.headers["ETag"]
    assert [each["seat"] for each in told["members"]] == [0, 1, 2, 3]
    async with site.client.get("/api/network", headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    assert site.network.shown is not None
    site.network.show(None)
    async with site.client.get("/api/network") as response:
        assert response.status == 503
        assert response.headers["Retry-After"]


async def test_network__view__does_not_tell_which_seat_is_this_nodes(site: SimpleNamespace) -> None:
    async with site.client.get("/api/network") as response:
        text = await response.text()
    assert "own" not in {name for each in json.loads(text)["members"] for name in each}
    assert "north" not in text


async def test_events__network_moves__told_by_its_own_name(site: SimpleNamespace) -> None:
    async with site.client.get("/api/events") as response:
        found = events(response)
        assert {await anext(found), await anext(found)} == {("revision", 1), ("network", 1)}
        assert await anext(found) == ("ready", 0)  # and not a word of what ails it
        site.network.show(None)
        assert await anext(found) == ("network", 2)
        site.source.move()
        assert await anext(found) == ("revision", 2)


async def test_stream__asked_for_its_head__is_refused_and_not_begun(site: SimpleNamespace) -> None:
    for path in ("/api/events", "/api/operator/events"):
        async with site.client.head(path) as response:
            assert response.status == 404
