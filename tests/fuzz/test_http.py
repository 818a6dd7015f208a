"""HTTP in both directions over a unix socket: any request at the node's pages, any answer from peers and endpoints."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from node.artworks.peers import Peers
from node.chain.endpoints.pool import PoolSettings, RpcPool
from node.cli.status import fetch
from node.content.cid import DAG_PB, Cid, raw_cid, sha256
from node.content.edition import build_placeholder
from node.content.store import BlockStore
from node.content.unixfs import MAX_BLOCK
from node.errors import ChainError, ContentError, PatinaError
from node.keys.secrets import SecretUrl
from node.preflight.survey import date_of
from node.publish.kubo import Kubo
from node.publish.link import Link
from node.publish.pinning import PinningService
from node.publish.target import Parcel, TargetError
from node.verify.blocks import Blocks, Gateway
from node.web.app import create_app
from node.web.source import Readiness
from tests.fuzz.hold import assert_clear, modest
from tests.fuzz.mutations import any_input, odd_json, spelled
from tests.sources import Network, Operation

BLOCK = b"a block of a peer's"
SOURCE: Any = SimpleNamespace(
    revision=1, editions=list, readiness=lambda: Readiness(ready=True), status=lambda: {"peers": 3}
)


def request(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: node\r\n{headers}\r\n".encode()


def answer(body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


async def first_line(path: Path, raw: bytes, patience: float = 60) -> bytes:
    """What a server answers to raw bytes, after which the client is gone; nothing to a request that never ends."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(raw)
        return await asyncio.wait_for(reader.readline(), patience)
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def site(runner: asyncio.Runner) -> Iterator[SimpleNamespace]:
    with tempfile.TemporaryDirectory() as folder:
        store = BlockStore(Path(folder) / "blocks")
        root = build_placeholder(store, "Tide", "Light", 1, 3)
        pages = create_app(SOURCE, store, network=Network(), operator=Operation())
        app = web.AppRunner(pages, access_log=None, shutdown_timeout=0.1)
        path = Path(folder) / "site"

        async def start() -> None:
            await app.setup()
            await web.UnixSite(app, path).start()

        runner.run(start())
        yield SimpleNamespace(path=path, root=root)
        runner.run(app.cleanup())


def requests(root: bytes) -> tuple[bytes, ...]:
    from node.content.cid import directory_cid

    cid = directory_cid(root)
    return (
        request("/"),
        request("/api/editions"),
        request("/api/editions/0x5FbDB2315678afecb367f032d93F642f64180aa3/1", 'If-None-Match: "a", W/"b"\r\n'),
        request("/api/status"),
        request("/readyz"),
        request("/api/network", 'If-None-Match: "a"\r\n'),
        request("/api/operator/overview", "Authorization: Bearer a b\r\nOrigin: null\r\nSec-Fetch-Site: none\r\n"),
        request("/api/operator/log?level=info&text=%ff%00", "Forwarded: for=[::1]\r\n"),
        request(f"/ipfs/{cid}"),
        request(f"/ipfs/{cid}/1000001.json?format=raw", "Range: bytes=0-9\r\n"),
        request(f"/ipfs/{cid}?format=car&dag-scope=entity&entity-bytes=0:*&car-dups=y", "Range: bytes=5-1\r\n"),
        request(f"/ipfs/{cid}", "Accept: application/vnd.ipld.car;version=1;order=dfs;dups=n;q=0.5, */*;q=0.1\r\n"),
        request(f"/ipfs/{cid}/%2e%2e/%ff%00/%ed%a0%80?format=car"),
        request("/assets/../%2e%2e/etc/passwd"),
        b"HEAD /livez HTTP/1.0\r\nConnection: close\r\n\r\n",
        b"POST /api/editions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
    )


def test_pages__any_request__is_answered_without_a_fault_of_the_servers(
    runner: asyncio.Runner, site: SimpleNamespace
) -> None:
    @modest(60)
    @given(any_input(requests(site.root)))
    def fed(raw: bytes) -> None:
        line = runner.run(first_line(site.path, raw, patience=0.05))
        # aiohttp answers 501 or 505 to methods and versions that HTTP knows and nobody has.
        assert b" 500 " not in line, raw
        assert runner.run(first_line(site.path, request("/livez"))).startswith(b"HTTP/1.1 200")

    fed()


paths = st.lists(
    st.text(max_size=8) | st.sampled_from(("..", ".", "api", "ipfs", "%00", "editions", "9" * 90)), max_size=6
)


@given(paths, st.text(max_size=12))
def test_pages__any_path__is_answered_without_a_fault_of_the_servers(
    runner: asyncio.Runner, site: SimpleNamespace, segments: list[str], query: str
) -> None:
    from urllib.parse import quote

    path = "/" + "/".join(quote(segment, safe="%", errors="surrogatepass") for segment in segments)
    path += "?format=" + quote(query, errors="surrogatepass")
    line = runner.run(first_line(site.path, request(path)))
    assert line.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in line


class Liar:
    """Answers each connection with the same bytes, whatever is asked, and closes."""

    def __init__(self, path: Path) -> None:
        self.raw = b""
        self._path = path

    async def start(self) -> asyncio.Server:
        """Listen."""
        return await asyncio.start_unix_server(self._serve, self._path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.raw)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(self._path)), cookie_jar=aiohttp.DummyCookieJar()
        )


@pytest.fixture(scope="module")
def liar(runner: asyncio.Runner) -> Iterator[Liar]:
    with tempfile.TemporaryDirectory() as folder:
        lying = Liar(Path(folder) / "liar")
        server = runner.run(lying.start())
        yield lying
        server.close()


ANSWERS = (
    answer(BLOCK),
    answer(BLOCK, "Content-Type: application/vnd.ipld.raw\r\n"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + BLOCK + b"\r\n0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    answer(BLOCK, "Content-Encoding: gzip\r\n"),
    b"HTTP/1.1 100 Continue\r\n\r\n" + answer(BLOCK),
)


@given(any_input(ANSWERS))
def test_peer__any_answer__is_the_block_or_refused(runner: asyncio.Runner, liar: Liar, raw: bytes) -> None:
    liar.raw = raw

    async def ask() -> tuple[Any, Any]:
        async with liar.session() as session:
            with tempfile.TemporaryDirectory() as folder:
                found: list[Any] = []
                peers = Peers(session, ["http://peer.example"], BlockStore(Path(folder)), MAX_BLOCK)
                blocks = Blocks([Gateway(session, SecretUrl("http://peer.example"))])
                for fetch_block in (peers.block, blocks.block):
                    try:
                        found.append(await fetch_block(sha256(BLOCK)))
                    except ContentError as error:
                        assert_clear(str(error))
                        assert raw_cid(sha256(BLOCK)) in str(error)  # noqa: PT017
                        found.append(BLOCK)
                return found[0], found[1]

    assert runner.run(ask()) == (BLOCK, BLOCK)


PARCEL = Parcel((Cid(DAG_PB, sha256(BLOCK)),), 1, len(BLOCK), "Tide", lambda: pieces())
ROOT = str(PARCEL.roots[0])
IMPORTED = b'{"Root":{"Cid":{"/":"%s"},"PinErrorMsg":""}}\n{"Stats":{"BlockCount":1}}\n' % ROOT.encode()
PIN = {
    "requestid": "a/b",
    "status": "failed",
    "pin": {"cid": ROOT, "name": "patina x"},
    "info": {"status_details": "x"},
}
TARGETS = (
    answer(IMPORTED),
    answer(json.dumps({"Keys": {ROOT: {"Type": "recursive"}}}).encode()),
    answer(b'{"Version":"0.40.1"}'),
    answer(json.dumps({"count": 1, "results": [PIN]}).encode()),
    b"HTTP/1.1 500 X\r\nContent-Length: 37\r\n\r\n" + b'{"Message":"path is not pinned","x":0}'[:37],
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno, never",
)


async def pieces() -> AsyncGenerator[bytes, None]:
    """A CAR, so far as any of these servers looks."""
    yield BLOCK


class PaperLink(Link):
    """A link to a server on a unix socket."""

    liar: Liar

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with self.liar.session() as session:
            yield session


@modest(60)
@given(any_input(TARGETS))
def test_target__any_answer__is_judged_in_words(runner: asyncio.Runner, liar: Liar, raw: bytes) -> None:
    """A publishing target, or whatever answers at its address."""
    liar.raw = raw
    link = PaperLink("attic", SecretUrl("http://attic.example"), silent_s=20)
    link.liar = liar

    async def ask() -> None:
        for target in (Kubo(link), PinningService(link)):
            for act in (target.publish(PARCEL), target.withdraw(PARCEL.roots[0]), target.examine()):
                try:
                    await act
                except TargetError as error:
                    assert_clear(str(error))

    runner.run(ask())


RPC = tuple(answer(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()) for result in ("0x1", None, []))


@given(any_input((*RPC, b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", *ANSWERS)))
def test_endpoint__any_answer__is_a_result_or_refused(runner: asyncio.Runner, liar: Liar, raw: bytes) -> None:
    liar.raw = raw

    async def sleep(_: float) -> None:
        pass

    async def ask() -> Any:
        pool = RpcPool(["http://endpoint.example"], PoolSettings(rounds=1), sleep=sleep, clock=lambda: 0.0)
        async with liar.session() as session:
            pool._session = session
            try:
                return await pool.request("eth_chainId")
            except ChainError as error:
                assert_clear(str(error))
                return error
            finally:
                pool._session = None

    runner.run(ask())


FIGURES = {
    "config_digest": "0x", "name": "a", "member": 1, "committee": 4, "quorum": 3, "address": "0x", "images_rendered": 0,
    "chain": {"id": 1, "final": 2, "head": 3, "error": ""}, "brokers": {"connected": 1, "configured": 1},
    "rounds": [{"feed": 1, "phase": "observing", "observations": [1]}], "rendering": {"jobs": [], "workers": []},
    "transactions": [{"key": "k", "for": "f", "state": "sent", "nonce": 4, "age_s": 61, "waits_for": "waits to x; y"}],
    "version": "1", "up_s": 7_300, "disk": {"free_bytes": 5, "journal_bytes": 1, "content_bytes": 2},
    "feeds": [{"id": 1, "vault": "0x", "band": 1, "bands": 3, "answer": "5", "missing": 0, "next_checkpoint": 170,
               "nearest": [{"at": "11", "up": True, "band": 2, "distance": "6"}]}],
    "peers": [{"member": 0, "own": False, "heard_s": 3.2}, {"member": 2, "own": False, "heard_s": None}],
    "sender": {"balance": "1000", "low_balance": False, "waiting": {"sent": 1}},
    "staking": {"own": {"state": "seated", "era": 3, "token": {"symbol": "P", "decimals": 18}, "bond": "15",
                        "claimable": "1", "reports_attended": 9, "reports_due": 10, "strikes": 1}},
}  # fmt: skip
READY = {"ready": True, "reasons": []}


@modest(60)
@given(odd_json(FIGURES).map(spelled) | any_input((json.dumps(FIGURES).encode(),)), odd_json(READY).map(spelled))
def test_status__any_figures_of_another_program__are_shown_or_refused(figures: bytes, ready: bytes) -> None:
    """`patina status` asks a port of this machine, at which any program may listen."""
    from io import BytesIO
    from unittest.mock import patch

    from node.cli.screen import show
    from node.cli.status_screen import screen_of

    with patch("urllib.request.urlopen", lambda url, timeout: BytesIO(figures if "status" in url else ready)):
        try:
            show(screen_of(*fetch("http://127.0.0.1:1"), "http://127.0.0.1:1"))
        except PatinaError as error:
            assert_clear(str(error))


DATES = st.lists(
    st.sampled_from(["Sun,", "06", "9" * 14, "Nov", "1994", "08:49:37", "GMT", "+9999", "::", "1:2:3:4", "(", ";", "0"])
)


@modest(200)
@given(st.text(max_size=60) | DATES.map(" ".join))
def test_date_of__any_header_of_a_server__is_a_time_or_nothing(header: str) -> None:
    found = date_of(header)
    assert found is None or isinstance(found, float)
