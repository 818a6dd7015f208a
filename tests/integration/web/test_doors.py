"""What visitors cannot do to a node, tried over raw sockets: hold its connections, its memory, its patience."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from node.clock import milliseconds
from node.content.cid import raw_cid
from node.content.store import BlockStore
from node.gossip.bucket import Rate
from node.web.app import create_app
from node.web.doors import HANDLING, Doors, Limits
from tests.sources import Network, Operation

from .conftest import Source

PATIENCE = 20.0
"""Seconds after which a test gives up on what it waits for."""

Open = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def serving(
    folder: Any, limits: Limits | None = None, clock: Callable[[], int] = milliseconds, **handling: Any
) -> AsyncIterator[SimpleNamespace]:
    """A node's pages behind doors: `.open()` connects, `.doors`, `.store`."""
    doors, store, opened = Doors(limits, HANDLING | handling, clock=clock), BlockStore(folder / "blocks"), []
    app = create_app(Source(), store, network=Network(), operator=Operation(), doors=doors)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await doors.site(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]

    async def connect(room: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """`room`: bytes that the client's own machine takes before it is read; 0: as it likes."""
        end = socket.socket()
        end.setblocking(False)
        if room:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=end)
        opened.append(writer)
        return reader, writer

    try:
        yield SimpleNamespace(open=connect, doors=doors, store=store)
    finally:
        for writer in opened:
            writer.transport.abort()
        await runner.cleanup()


def request(path: str = "/livez", *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The first line of an answer; nothing where the connection was closed instead."""
    try:
        return await asyncio.wait_for(reader.readline(), PATIENCE)
    except ConnectionError:
        return b""


async def ends(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection is closed."""
    try:
        return await asyncio.wait_for(reader.read(-1), PATIENCE)
    except ConnectionError:
        return b""


async def alive(site: SimpleNamespace) -> bool:
    reader, writer = await site.open()
    writer.write(request())
    return b" 200 " in await answered(reader)


async def test_connections__more_than_there_is_room_for__are_closed_until_one_leaves(tmp_path: Any) -> None:
    async with serving(tmp_path, Limits(connections=3, reserved=0)) as site:
        held = [await site.open() for _ in range(3)]
        for reader, writer in held:
            writer.write(request())
            assert b" 200 " in await answered(reader)
        assert not await alive(site)
        assert site.doors.counters["connections refused"] == 1
        held[0][1].transport.abort()
        async with asyncio.timeout(PATIENCE):
            while not await alive(site):
                await asyncio.sleep(0.01)


async def test_head__that_never_ends__is_waited_for_in_vain_for_a_while_only(tmp_path: Any) -> None:
    async with serving(tmp_path, keepalive_timeout=0.2) as site:
        reader, writer = await site.open()

        async def dribble() -> None:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            while not writer.is_closing():
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.02)

        slow = asyncio.create_task(dribble())
        assert await ends(reader) == b""
        slow.cancel()
        assert await alive(site)


async def test_connection__that_says_nothing__is_closed(tmp_path: Any) -> None:
    async with serving(tmp_path, keepalive_timeout=0.1) as site:
        reader, _ = await site.open()
        assert await ends(reader) == b""


@pytest.mark.parametrize(
    "raw",
    [
        request("/" + "a" * 5_000),
        request("/?" + "a=b&" * 2_000),
        request("/", "X-Long: " + "a" * 9_000),
        request("/", *(f"X-{number}: a" for number in range(80))),
    ],
    ids=["path", "query", "header", "headers"],
)
async def test_request__longer_than_any_page_needs__is_refused_and_the_node_goes_on(tmp_path: Any, raw: bytes) -> None:
    async with serving(tmp_path) as site:
        reader, writer = await site.open()
        writer.write(raw)
        assert b" 400 " in await answered(reader)
        assert await alive(site)


async def test_bytes__endlessly_before_a_request_ends__are_cut_off(tmp_path: Any) -> None:
    async with serving(tmp_path, Limits(head=4_000)) as site:
        reader, writer = await site.open()
        for _ in range(3):
            writer.write(request())  # each has a share of its own
            assert b" 200 " in await answered(reader)
            await reader.readuntil(b"ok\n")
        writer.write(b"GET / HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100)
        await ends(reader)
        assert site.doors.counters["heads too long"] == 1


@pytest.mark.parametrize(
    "limits", [Limits(stall=0.1, look=0.02), Limits(unsent=100_000, look=0.02)], ids=["stall", "unsent"]
)
async def test_visitor__that_takes_nothing_of_what_it_asked_for__is_let_go(tmp_path: Any, limits: Limits) -> None:
    async with serving(tmp_path, limits) as site:
        cid = raw_cid(site.store.put(bytes(2 * 2**20)))
        greedy = []
        for _ in range(4):
            _, writer = await site.open(room=4_096)
            writer.transport.pause_reading()
            writer.write(8 * request(f"/ipfs/{cid}"))  # the kernel holds the first ones
            greedy.append(writer)
        async with asyncio.timeout(PATIENCE):
            while site.doors.counters["connections stalled"] < (4 if limits.stall < 1 else 1):
                await asyncio.sleep(0.01)
        assert await alive(site)


async def test_visitor__that_reads_slowly__is_served_to_the_end(tmp_path: Any) -> None:
    async with serving(tmp_path, Limits(stall=5.0, look=0.02)) as site:
        cid = raw_cid(site.store.put(bytes(2**20)))
        reader, writer = await site.open()
        writer.write(request(f"/ipfs/{cid}", "Connection: close"))
        found = b""
        while more := await asyncio.wait_for(reader.read(65_536), PATIENCE):
            found += more
            await asyncio.sleep(0.002)
        assert found.endswith(bytes(2**20))


@pytest.mark.parametrize(
    "headers",
    [("Content-Length: 5",), ("Transfer-Encoding: chunked",), ("Content-Length: 5", "Expect: 100-continue")],
    ids=["length", "chunks", "expectation"],
)
async def test_body__of_any_kind__is_refused_and_not_waited_for(tmp_path: Any, headers: tuple[str, ...]) -> None:
    async with serving(tmp_path, lingering_time=0.05) as site:
        reader, writer = await site.open()
        writer.write(request("/api/editions", *headers))
        said = await ends(reader)
        assert b"HTTP/1.1 400 " in said
        assert b"200 OK" not in said


HIDDEN = request("/api/operator/overview").decode()
LENGTH, CHUNKS, LAST = f"Content-Length: {len(HIDDEN)}", "Transfer-Encoding: chunked", "0\r\n\r\n"
SMUGGLED = {
    "length and chunks": request("/", LENGTH, CHUNKS).decode() + LAST + HIDDEN,
    "two lengths": request("/", "Content-Length: 0", LENGTH).decode() + HIDDEN,
    "chunks twice": request("/", CHUNKS, "Transfer-Encoding: identity").decode() + LAST + HIDDEN,
    "space before the colon": request("/", f"Content-Length : {len(HIDDEN)}").decode() + HIDDEN,
    "folded line": request("/", "X: a", f" {LENGTH}").decode() + HIDDEN,
    "length with a sign": request("/", f"Content-Length: +{len(HIDDEN)}").decode() + HIDDEN,
    "chunks of another spelling": request("/", "Transfer-Encoding: \x0bchunked").decode() + LAST + HIDDEN,
    "bare carriage return": "GET / HTTP/1.1\r\nHost: localhost\rContent-Length: 9\r\n\r\n" + HIDDEN,
    "zero byte": request("/", "X: a\0b").decode() + HIDDEN,
}


@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED)
async def test_smuggling__request_hidden_behind_another__is_never_answered(tmp_path: Any, raw: str) -> None:
    async with serving(tmp_path, lingering_time=0.05) as site:
        reader, writer = await site.open()
        writer.write(raw.encode("latin-1"))
        said = await ends(reader)
        assert b"north" not in said
        assert said.count(b"HTTP/1.1 200") == 0


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/%2e%2e/guard.py", "//etc/passwd",
        "/static/....//app.py",
        "/static/operator.js%00.css", "/operator/../../etc/passwd", "/api/operator/../status/x", "/static/\\..\\app.py",
    ],
)  # fmt: skip
async def test_path__out_of_what_is_served__leads_nowhere(tmp_path: Any, path: str) -> None:
    async with serving(tmp_path) as site:
        reader, writer = await site.open()
        writer.write(request(path, "Connection: close"))
        said = await ends(reader)
        assert said[:13] in (b"HTTP/1.1 404 ", b"HTTP/1.1 400 ", b"HTTP/1.1 403 ")
        assert b"import" not in said
        assert b"root:" not in said


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "get", "G\0T"])
async def test_method__that_no_page_has__is_refused(tmp_path: Any, method: str) -> None:
    async with serving(tmp_path) as site:
        reader, writer = await site.open()
        writer.write(request("*" if method == "OPTIONS" else "/", "Connection: close", method=method))
        said = await ends(reader)
        assert said[:10] in (b"HTTP/1.1 4", b"HTTP/1.0 4")
        assert b"Server: patina" in said
        assert b"aiohttp" not in said


async def test_streams__many_at_once__leave_the_node_answering(tmp_path: Any) -> None:
    async with serving(tmp_path, Limits(connections=60, reserved=0)) as site:
        for _ in range(80):
            _, writer = await site.open()
            writer.write(request("/api/events"))
        assert not await alive(site)
        assert site.doors.status()["open"] <= 60


@pytest.mark.parametrize("target", ["http://evil.example/api/operator/overview", "http://localhost/api/operator/log"])
async def test_target__with_a_host_in_it__is_no_operators(tmp_path: Any, target: str) -> None:
    async with serving(tmp_path) as site:
        reader, writer = await site.open()
        writer.write(request(target, "Connection: close"))
        said = await ends(reader)
        assert said.startswith(b"HTTP/1.1 403 ")
        assert b"north" not in said


async def test_visitors__of_a_proxy_on_this_machine__have_a_share_each(tmp_path: Any) -> None:
    async with serving(tmp_path, Limits(requests=Rate(per_second=1, burst=2)), lambda: 0) as site:
        for forwarded, expected in (
            ("203.0.113.9", [b"200", b"200", b"429"]),
            ("203.0.113.9, 203.0.113.10", [b"200", b"200", b"429"]),
            (None, [b"200"] * 3),
        ):
            said = []
            for _ in range(3):
                reader, writer = await site.open()
                headers = [] if forwarded is None else [f"X-Forwarded-For: {forwarded}"]
                writer.write(request("/livez", *headers))
                said.append((await answered(reader)).split()[1])
            assert said == expected


def stranger(who: str) -> Any:
    return SimpleNamespace(inner=object(), who=who, received=0, unsent=0, stalled=lambda *_: False)


async def test_strangers__however_many__leave_room_for_this_machine_and_each_other() -> None:
    doors = Doors(Limits(connections=6, reserved=2, each=2))
    held = []
    for who in ("203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"):
        if doors.admits(who):
            held.append(stranger(who))
            doors.enter(held[-1])
    assert [door.who[-1] for door in held] == ["1", "1", "2", "3"]
    assert doors.admits("127.0.0.1")
    assert doors.admits("::/64")
    doors.leave(held[0])
    assert doors.admits("203.0.113.4")
    for door in held:
        doors.leave(door)
    assert doors.status()["open"] == 0


async def test_garbage__however_much__writes_nothing_into_the_log(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as site:
        for raw in (
            b"\x16\x03\x01\x02\x00",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET\r\n\r\n",
            request("/", "X: a\0b"),
            b"{}\r\n\r\n",
        ):
            reader, writer = await site.open()
            writer.write(raw)
            writer.write_eof()
            said = await ends(reader)
            assert b"aiohttp" not in said
            assert b"\\x" not in said
        assert await alive(site)
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []
