"""The web application on a real socket, over a small source and a real block store."""

import asyncio
from types import SimpleNamespace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.content.cid import directory_cid
from node.content.edition import EditionSpec, build
from node.content.store import BlockStore
from node.web.app import create_app
from node.web.source import EditionView, FeedView, Readiness, TokenView

COLLECTION = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


class Source:
    """A source whose editions, readiness and revision a test sets."""

    def __init__(self):
        self.revision = 1
        self.views = []
        self.ready = Readiness(ready=True)
        self.reads = 0
        self.proofs = {}
        self.moved = asyncio.Event()

    async def changed(self, since):
        while self.revision <= since:
            await self.moved.wait()
        return self.revision

    def move(self):
        self.revision += 1
        self.moved.set()
        self.moved = asyncio.Event()

    def editions(self):
        self.reads += 1
        return self.views

    def proof(self, _collection, _edition, checkpoint):
        return self.proofs.get(checkpoint)

    def readiness(self):
        return self.ready

    def status(self):
        return {"peers": 3}


def view(edition=1, **changes):
    feed = FeedView(1, "0x" + "cd" * 20, "10", ["1"], "0", 3, None, [])
    token = TokenView(f"{edition}000001", "Tide #1", "/ipfs/x", "/ipfs/y")
    fields = {
        "collection": COLLECTION, "edition": edition, "name": "Tide", "artist": "Ada", "state": "revealed", "band": 0,
        "bands": 2, "root": "r", "token_uri_prefix": "ipfs://r/", "tokens": [token], "feed": feed, "history": [],
    }  # fmt: skip
    return EditionView(**(fields | changes))


@pytest.fixture
async def site(tmp_path):
    """`.client`, `.source`, `.store`, and `.root`: the CID of an edition of two tokens."""
    store = BlockStore(tmp_path / "blocks")
    spec = EditionSpec(
        31337, COLLECTION, "Tide", "", 1, 1, 300, b"\2" * 32, 0, 2, "Still", (("volatility", 1),),
        b"\3" * 32, b"\4" * 32, (b"\5" * 32, b"\6" * 32),
    )  # fmt: skip
    root = directory_cid(build(store, spec, [b"\x89PNG\r\n\x1a\nfirst", b"\x89PNG\r\n\x1a\nsecond"]))
    source = Source()
    source.views = [view(1), view(2, name="Ebb")]
    app = create_app(source, store, heartbeat_s=0.05, max_streams=2)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield SimpleNamespace(client=client, source=source, store=store, root=root)
