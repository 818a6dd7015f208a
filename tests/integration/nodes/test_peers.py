"""Blocks from peers over HTTP: whatever a peer offers instead is refused, and the next one is asked."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.artworks.peers import Peers
from node.content.cid import raw_cid
from node.content.edition import build_placeholder
from node.content.gateway import add_gateway
from node.content.store import BlockStore
from node.devnet.ports import free_port
from node.errors import ContentError

MAX_BLOCK = 256 * 1024
BLOCK = bytes(range(256)) * 800  # 200 KiB: it arrives in many pieces
DIGEST = hashlib.sha256(BLOCK).digest()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """A node's block store, and gateways that a test starts."""

    def __init__(self, folder: Path, stack: AsyncExitStack, session: aiohttp.ClientSession) -> None:
        self.folder, self.stack, self.session = folder, stack, session
        self.store = BlockStore(folder / "mine", MAX_BLOCK)
        self.asked: list[str] = []

    def peers(self, *gateways: str) -> Peers:
        return Peers(self.session, gateways, self.store, MAX_BLOCK)

    async def serve(self, app: web.Application) -> str:
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        self.stack.push_async_callback(server.close)
        return str(server.make_url("/"))

    async def gateway(self, *blocks: bytes) -> str:
        """A real gateway over a store with these blocks."""
        store = BlockStore(self.folder / f"peer-{len(list(self.folder.iterdir()))}", MAX_BLOCK)
        store.put_all(blocks)
        app = web.Application()
        add_gateway(app, store)
        return await self.serve(app)

    async def odd(self, handler: Handler) -> str:
        """A server that answers in its own way."""

        async def noted(request: web.Request) -> web.StreamResponse:
            self.asked.append(request.path_qs)
            return await handler(request)

        app = web.Application()
        app.router.add_get("/{path:.*}", noted)
        return await self.serve(app)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Site(tmp_path, stack, session)


async def test_block__in_the_store__asks_nobody(site: Site) -> None:
    site.store.put(BLOCK)
    assert await site.peers("http://127.0.0.1:1").block(DIGEST) == BLOCK


async def test_block__at_another_node__is_fetched_whole_and_kept(site: Site) -> None:
    peers = site.peers(await site.gateway(BLOCK))
    assert await peers.block(DIGEST) == BLOCK
    assert site.store.get(DIGEST) == BLOCK


async def test_block__damaged_in_the_store__is_fetched_again(site: Site) -> None:
    site.store.put(BLOCK)
    [file] = [path for path in (site.folder / "mine").rglob("*") if path.is_file()]
    file.write_bytes(BLOCK[:-1])
    assert await site.peers(await site.gateway(BLOCK)).block(DIGEST) == BLOCK
    assert file.read_bytes() == BLOCK


async def test_block__directory__travels_under_its_raw_name(site: Site) -> None:
    origin = BlockStore(site.folder / "origin")
    root = build_placeholder(origin, "Tide", "", 1, 3)
    peers = site.peers(await site.gateway(origin.get(root)))
    assert await peers.block(root) == origin.get(root)


async def wrong(_: web.Request) -> web.Response:
    return web.Response(body=BLOCK[:-1] + b"\x00")


async def empty(_: web.Request) -> web.Response:
    return web.Response(body=b"")


async def missing(_: web.Request) -> web.Response:
    return web.Response(status=404, body=BLOCK)


async def broken(_: web.Request) -> web.Response:
    raise web.HTTPInternalServerError


async def short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(BLOCK))})
    await response.prepare(request)
    await response.write(BLOCK[:5_000])
    assert request.transport is not None
    request.transport.abort()
    return response


async def no_gzip(_: web.Request) -> web.Response:
    return web.Response(body=b"not gzip", headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("handler", [wrong, empty, missing, broken, short, no_gzip])
async def test_block__peer_offers_something_else__is_refused_and_the_next_one_asked(
    site: Site, handler: Handler
) -> None:
    """Incident: any bytes at all are refused without a crash (lido-oracle#757)."""
    bad = await site.odd(handler)
    with pytest.raises(ContentError, match=raw_cid(DIGEST)):
        await site.peers(bad).block(DIGEST)
    assert not site.store.has(DIGEST)
    assert await site.peers(bad, await site.gateway(BLOCK)).block(DIGEST) == BLOCK
    assert site.asked == [f"/ipfs/{raw_cid(DIGEST)}?format=raw"] * 2


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
async def test_block__endless_answer__is_broken_off_at_the_largest_block(site: Site, packed: bool) -> None:
    ended = asyncio.Event()
    written: list[int] = []

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"} if packed else {})
        await response.prepare(request)
        piece = gzip.compress(bytes(64 * MAX_BLOCK)) if packed else bytes(MAX_BLOCK)
        try:
            for _ in range(1_000):
                await response.write(piece)
                written.append(len(piece))
        except ConnectionError:
            pass
        finally:
            ended.set()
        return response

    with pytest.raises(ContentError):
        await site.peers(await site.odd(endless)).block(DIGEST)
    await asyncio.wait_for(ended.wait(), 20)
    assert len(written) < 1_000


@pytest.mark.parametrize("extra", [0, 1])
async def test_block__as_large_as_is_allowed__is_taken_and_one_byte_more_is_not(site: Site, extra: int) -> None:
    block = bytes(MAX_BLOCK + extra)

    async def exact(_: web.Request) -> web.Response:
        return web.Response(body=block)

    peers = site.peers(await site.odd(exact))
    if extra:
        with pytest.raises(ContentError):
            await peers.block(hashlib.sha256(block).digest())
    else:
        assert await peers.block(hashlib.sha256(block).digest()) == block


async def test_block__peer_that_redirects__is_not_followed(site: Site) -> None:
    good = await site.gateway(BLOCK)

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{good.rstrip('/')}{request.path_qs}")

    with pytest.raises(ContentError):
        await site.peers(await site.odd(elsewhere)).block(DIGEST)


async def test_block__peer_that_does_not_speak_http__is_passed_over(site: Site) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff SSH-2.0-nonsense\r\n\r\n" * 40)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        odd = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await site.peers(odd, await site.gateway(BLOCK)).block(DIGEST) == BLOCK


@pytest.mark.parametrize("dead", ["closed port", "no URL"])
async def test_block__dead_peer__is_passed_over(site: Site, dead: str) -> None:
    address = {
        "closed port": f"http://127.0.0.1:{free_port()}",
        "no URL": "http://[",
    }
    assert await site.peers(address[dead], await site.gateway(BLOCK)).block(DIGEST) == BLOCK


async def test_block__no_peers_at_all__says_what_is_missing(site: Site) -> None:
    with pytest.raises(ContentError, match="neither in the store nor at 0 peers"):
        await site.peers().block(DIGEST)


async def test_incident__gateway_that_takes_its_time__is_asked_last_from_then_on(site: Site) -> None:
    """One that stalls each question would hold up every picture of an artwork that all the others serve at once."""
    blocks = [bytes([number]) * 100 for number in range(20)]
    asked = []

    async def stall(request: web.Request) -> web.Response:
        asked.append(request.path)
        await asyncio.sleep(0.5)
        raise web.HTTPNotFound

    peers = site.peers(await site.odd(stall), await site.gateway(*blocks))
    for block in blocks:
        assert await peers.block(hashlib.sha256(block).digest()) == block
    assert len(asked) == 1
