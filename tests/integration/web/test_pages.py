"""All pages together, from a node's parts to the open port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from node.config import load
from node.content.store import BlockStore
from node.errors import ConfigError, KeyFileError
from node.journal import Journal
from node.pages.service import Pages
from tests.unit.office import CONFIG, PASSWORD, make_committee, make_parts
from tests.unit.paper import make_block, make_feed

from .conftest import Source


@asynccontextmanager
async def opened(folder: Path, web: str = "port = 0") -> AsyncIterator[tuple[Pages, Any]]:
    """Pages that do not run yet, and the parts behind them."""
    (folder / "config.toml").write_text(f"{CONFIG}\n[web]\n{web}\n")
    secret = folder / "broker.password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    config = load(folder / "config.toml", environ={}, check_files=False)
    with Journal(folder / "state") as journal:
        parts: Any = await make_parts(config, make_committee(), journal)
        object.__setattr__(parts, "store", BlockStore(folder / "blocks"))
        parts.health.chain_ok(make_block(900), make_block(902))

        async def find() -> None:
            return None

        parts.duty.locator = SimpleNamespace(find=find)
        gallery = cast(Any, Source())
        gallery.proof = lambda *_: None
        yield Pages(config, parts, gallery, lambda: [make_feed()]), parts


async def serving(pages: Pages) -> str:
    async with asyncio.timeout(20):
        while pages.bound is None:
            await asyncio.sleep(0.01)
    return f"http://127.0.0.1:{pages.bound}"


async def test_pages__of_a_node__are_served_until_it_stops(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pages, _):
        work = asyncio.create_task(pages.run())
        url = await serving(pages)
        async with aiohttp.ClientSession() as session:
            for path in ("/", "/verify", "/network", "/operator", "/livez", "/static/operator.js"):
                async with session.get(url + path) as response:
                    assert response.status == 200, path
            async with session.get(f"{url}/api/network") as response:
                network = await response.json()
            assert (network["final"], len(network["members"]), network["feeds"][0]["next_checkpoint"]) == (900, 4, 910)
            async with session.get(f"{url}/api/operator/overview") as response:
                overview = await response.json()
            assert (overview["name"], overview["journal"]["doubts"], overview["visitors"]["open"]) == ("north", 0, 1)
            async with session.get(f"{url}/api/operator/configuration") as response:
                text = await response.text()
            assert PASSWORD not in text
            assert "planted-endpoint-key-72" not in text
            async with session.get(f"{url}/api/events") as stream:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                assert b"event: network" in await stream.read()


async def test_pages__network_that_cannot_be_looked_at__are_served_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pages, parts):
        parts.terms.committee = lambda: 1 // 0
        work = asyncio.create_task(pages.run())
        url = await serving(pages)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/livez") as response:
                assert response.status == 200
            async with session.get(f"{url}/api/network") as response:
                assert response.status == 503
        assert not work.done()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_pages__port_that_is_taken__says_which_setting(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with opened(tmp_path, f"port = {port}") as (pages, _):
        with pytest.raises(ExceptionGroup) as raised:
            await pages.run()
        assert raised.group_contains(ConfigError, match=r"web\.port")
    server.close()


async def test_pages__token_that_is_too_short__says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short")
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(KeyFileError, match="openssl rand"):
        async with opened(tmp_path, 'port = 0\noperator_token_file = "token"'):
            pass
