"""Blocks over HTTP, from gateways that may say anything."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.content.gateway import add_gateway
from node.content.store import BlockStore
from node.content.unixfs import MAX_BLOCK
from node.errors import ContentError
from node.keys.secrets import SecretUrl
from node.verify.blocks import Blocks, Gateway

BLOCK = bytes(range(256)) * 800  # it arrives in many pieces
DIGEST = hashlib.sha256(BLOCK).digest()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Servers that a test starts, and blocks from them."""

    def __init__(self, stack: AsyncExitStack, session: aiohttp.ClientSession) -> None:
        self._stack, self._session = stack, session

    async def serve(self, app: web.Application) -> str:
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        self._stack.push_async_callback(server.close)
        return str(server.make_url("/"))

    async def odd(self, handler: Handler) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        return await self.serve(app)

    def blocks(self, *urls: str) -> Blocks:
        return Blocks([Gateway(self._session, SecretUrl(url)) for url in urls])


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        yield Site(stack, await stack.enter_async_context(aiohttp.ClientSession()))


@pytest.mark.parametrize("suffix", ["", "/", "ipfs", "ipfs/"])
async def test_block__at_a_real_gateway__is_had_however_its_address_ends(
    site: Site, tmp_path: Path, suffix: str
) -> None:
    store = BlockStore(tmp_path)
    store.put(BLOCK)
    app = web.Application()
    add_gateway(app, store)
    url = (await site.serve(app)).rstrip("/")
    assert await site.blocks(f"{url}/{suffix}" if suffix else url).block(DIGEST) == BLOCK


async def wrong(_: web.Request) -> web.Response:
    return web.Response(body=BLOCK[:-1] + b"\x00")


async def missing(_: web.Request) -> web.Response:
    return web.Response(status=404, body=BLOCK)


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=500, body=BLOCK)


async def elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPFound("http://127.0.0.1:9/")


async def no_gzip(_: web.Request) -> web.Response:
    return web.Response(body=b"not gzip", headers={"Content-Encoding": "gzip"})


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(1_000):
            await response.write(bytes(MAX_BLOCK // 4))
    except ConnectionError:
        pass
    return response


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (wrong, "do not hash to it"),
        (missing, "does not have it"),
        (broken, "HTTP 500"),
        (elsewhere, "HTTP 302"),
        (no_gzip, "cannot be reached"),
        (endless, "more than"),
    ],
)
async def test_block__gateway_that_offers_something_else__is_refused_with_the_reason(
    site: Site, handler: Handler, said: str
) -> None:
    with pytest.raises(ContentError, match=said):
        await site.blocks(await site.odd(handler)).block(DIGEST)


async def test_block__gateway_with_a_key_in_its_address__is_named_without_it(site: Site) -> None:
    """Incident: keys in RPC URLs written to logs."""
    with pytest.raises(ContentError) as caught:
        await site.blocks("http://user:planted-gateway-key-01@127.0.0.1:1/v2/planted-gateway-key-02").block(DIGEST)
    assert "planted-gateway-key" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)
