"""Coin on development chains of both kinds, and on none else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.devnet.anvil import find_anvil, serve_anvil
from node.devnet.faucet import MOST, fund, is_devnet
from node.devnet.rpc.server import serve_chain
from node.errors import ChainError

SOMEBODY = "0x" + "11" * 20


@pytest.mark.parametrize(
    "serve",
    [
        serve_chain,
        pytest.param(serve_anvil, marks=pytest.mark.skipif(find_anvil() is None, reason="anvil is not on the PATH")),
    ],
)
async def test_fund__development_chain__adds_to_what_the_account_has(serve: object) -> None:
    async with serve() as chain:  # type: ignore[operator]
        assert await is_devnet(chain.url)
        assert await fund(chain.url, SOMEBODY, 5) == 5
        assert await fund(chain.url, SOMEBODY, MOST) == MOST + 5
        for wrong in (0, -1, MOST + 1):
            with pytest.raises(ChainError, match="the faucet gives"):
                await fund(chain.url, SOMEBODY, wrong)


@asynccontextmanager
async def chain_of(version: object, asked: list[str]) -> AsyncIterator[str]:
    """An endpoint that says so of itself."""

    async def answer(request: web.Request) -> web.Response:
        message = await request.json()
        asked.append(message["method"])
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": version})

    application = web.Application()
    application.router.add_post("/{key}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/key-of-mine"))


@pytest.mark.parametrize("version", ["Geth/v1.16.0", "anvil", "", None, {"anvil/": 1}, "Geth\n\x1b[2Jpatina-devnet/1"])
async def test_fund__any_other_chain__is_refused_and_asked_for_nothing(version: object) -> None:
    asked: list[str] = []
    async with chain_of(version, asked) as url:
        assert not await is_devnet(url)
        with pytest.raises(ChainError, match="is no development chain") as caught:
            await fund(url, SOMEBODY, 5)
    assert "faucets of their own" in str(caught.value)
    assert "key-of-mine" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert set(asked) == {"web3_clientVersion"}


async def test_fund__nothing_answers__says_so() -> None:
    with pytest.raises(ChainError):
        await fund("http://127.0.0.1:1", SOMEBODY, 5)
