"""Editions to publish, and servers to publish them to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.content.edition import EditionSpec, build
from node.content.store import BlockStore

Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlockStore:
    monkeypatch.setattr("os.fsync", lambda _: None)
    return BlockStore(tmp_path / "blocks")


def paint(store: BlockStore, checkpoint: int = 300, size: int = 50, tokens: int = 2) -> bytes:
    """An edition of so many tokens, whose recipe is stored too."""
    recipe = store.put(b'{"a":"recipe"}')
    spec = EditionSpec(
        31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3", "Tide", "", 1, 1, checkpoint, b"\2" * 32, 0, 2, "Still",
        (("volatility", 1),), recipe, b"\4" * 32, tuple(bytes([index]) * 32 for index in range(1, tokens + 1)),
    )  # fmt: skip
    return build(store, spec, [b"\x89PNG\r\n\x1a\n" + bytes([index]) * size for index in range(tokens)])


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts an application on this machine and returns its URL."""
    running: list[TestServer] = []

    async def start(app: web.Application) -> str:
        server = TestServer(app, host="127.0.0.1")
        running.append(server)
        await server.start_server()
        return str(server.make_url("/")).rstrip("/")

    yield start
    for server in running:
        await server.close()
