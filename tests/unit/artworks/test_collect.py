"""Artworks that landed and were not painted here: fetched whole, or tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.artworks.collect import RECENT, Collector
from node.backoff import Backoff
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
    journal = SimpleNamespace(reports=SimpleNamespace(last=lambda most: known[:most]))
    return Collector(cast(Any, peers), cast(Any, journal), backoff=Backoff(0.001, 0.01)), peers, root


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


class Unhelpful:
    """Peers that have nothing; how often they were asked for which root, and when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.asked = clock, dict[bytes, list[float]]()

    def has(self, _: bytes) -> bool:
        return False

    async def block(self, digest: bytes) -> bytes:
        self.asked.setdefault(digest, []).append(self.clock())
        raise ContentError("nobody has it")


def wanting(*roots: bytes, most: int = RECENT) -> tuple[Collector, Unhelpful, list[float]]:
    """A collector on a clock of its own, whose journal holds reports with these roots, newest first."""
    now = [0.0]
    peers = Unhelpful(lambda: now[0])
    known = [SimpleNamespace(content_root=root) for root in roots]
    journal = SimpleNamespace(reports=SimpleNamespace(last=lambda count: known[:count]))
    collector = Collector(cast(Any, peers), cast(Any, journal), most=most, clock=lambda: now[0])
    return collector, peers, now


async def test_run__artworks_that_nobody_has__are_asked_for_ever_more_rarely_but_within_ten_minutes() -> None:
    collector, peers, now = wanting(b"r" * 32)
    while now[0] < 3_600:
        now[0] = max(now[0], await collector.look() or 0.0)
    waits = [later - earlier for earlier, later in pairwise(peers.asked[b"r" * 32])]
    for turn, wait in enumerate(waits):
        longest = min(600.0, 2.0 * 2**turn)
        assert longest / 2 <= wait <= longest
    assert len(waits) < 30
    assert len(set(waits)) > 1


async def test_run__one_root_that_nobody_has__keeps_no_new_one_waiting(tmp_path: Path) -> None:
    collector, peers, root = make(tmp_path, roots=[b"r" * 32])
    peers.silent = 1
    collector._backoff = Backoff(3_600, 3_600)
    await collector.look()
    task = asyncio.create_task(collector.run())
    await asyncio.sleep(0)
    collector.landed(cast(Any, SimpleNamespace(content_root=root)))
    async with asyncio.timeout(20):
        while collector.missing > 1:
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert peers.ours.has(root)


async def test_landed__more_than_are_looked_after__oldest_are_given_up() -> None:
    roots = [bytes([number]) * 32 for number in range(9, 0, -1)]  # as the journal gives them, newest first
    collector, peers, _ = wanting(*roots, most=4)
    assert collector.missing == 4
    collector.landed(cast(Any, SimpleNamespace(content_root=b"n" * 32)))
    collector.landed(cast(Any, SimpleNamespace(content_root=b"n" * 32)))
    assert collector.missing == 4
    await collector.look()
    assert list(peers.asked) == [*reversed(roots[:3]), b"n" * 32]
