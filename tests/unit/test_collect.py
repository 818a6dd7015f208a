"""Artworks that landed and were not painted here: fetched whole, or tried again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.collect import Collector
from node.content.cid import DAG_PB, Cid
from node.content.edition import build_placeholder
from node.content.store import BlockStore
from node.content.unixfs import Target, directory
from node.errors import ContentError


@dataclass
class PaperPeers:
    """What others hold, and what has been fetched from them."""

    theirs: BlockStore
    ours: BlockStore
    asked: list[bytes] = field(default_factory=list)
    silent: int = 0

    def has(self, digest: bytes) -> bool:
        return self.ours.has(digest)

    async def block(self, digest: bytes) -> bytes:
        if self.ours.has(digest):
            return self.ours.get(digest)
        self.asked.append(digest)
        if self.silent:
            self.silent -= 1
            raise ContentError("nobody has it")
        block = self.theirs.get(digest)
        self.ours.put(block)
        return block


def make(tmp_path: Path, roots: list[bytes] | None = None, tokens: int = 5) -> tuple[Collector, PaperPeers, bytes]:
    peers = PaperPeers(BlockStore(tmp_path / "theirs"), BlockStore(tmp_path / "ours"))
    root = build_placeholder(peers.theirs, "Title", "Words", 1, tokens)
    known = [SimpleNamespace(content_root=one) for one in ([root] if roots is None else roots)]
    journal = SimpleNamespace(reports=SimpleNamespace(last=lambda _: known))
    return Collector(cast(Any, peers), cast(Any, journal), pause=0.001), peers, root


async def run_until_whole(collector: Collector) -> None:
    task = asyncio.create_task(collector.run())
    async with asyncio.timeout(20):
        while collector.missing:
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_fetch__nested_directories__brings_every_block_once(tmp_path: Path) -> None:
    collector, peers, inner = make(tmp_path, tokens=5)
    target, blocks = directory({"0": Target(Cid(DAG_PB, inner), 1), "1": Target(Cid(DAG_PB, inner), 1)})
    peers.theirs.put_all(blocks)
    fetched = await collector.fetch(target.cid.digest)
    assert fetched == len(peers.asked) == len(set(peers.asked)) == 1 + 1 + 5 + 1
    assert build_placeholder(peers.ours, "Title", "Words", 1, 5) == inner
    assert await collector.fetch(target.cid.digest) == 0


async def test_run__peers_that_have_nothing_yet__are_asked_again(tmp_path: Path) -> None:
    collector, peers, _ = make(tmp_path)
    peers.silent = 3
    await run_until_whole(collector)
    assert peers.ours.has(peers.asked[-1])


async def test_landed__report_without_artworks__wants_nothing(tmp_path: Path) -> None:
    collector, _, root = make(tmp_path, roots=[])
    collector.landed(cast(Any, SimpleNamespace(content_root=bytes(32))))
    assert collector.missing == 0
    collector.landed(cast(Any, SimpleNamespace(content_root=root)))
    assert collector.missing == 1
    await run_until_whole(collector)


async def test_fetch__malformed_directory__is_refused(tmp_path: Path) -> None:
    """Incident: a malformed IPFS document crashes the oracle (lido-oracle#757)."""
    collector, peers, _ = make(tmp_path, roots=[])
    digest = peers.theirs.put(b"\xff not a directory")
    with pytest.raises(ContentError):
        await collector.fetch(digest)
