"""Blocks from several sources: in order whoever is slow, a few at once, forged ones passed over, missing ones named."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from node.content.cid import DAG_PB, RAW, Cid, sha256
from node.content.edition import build_placeholder
from node.content.store import BlockStore, MissingBlockError
from node.content.walk import Walk, car_pieces
from node.errors import ContentError
from node.export.files import car_stream
from node.export.gather import AHEAD, MAX_NAMED, AbsentError, Sources, in_order


class Slow:
    """A store that answers in any order, and counts how many ask at once."""

    name = "slow"

    def __init__(self, store: BlockStore, seed: int = 0) -> None:
        self._store, self._draw = store, random.Random(seed)
        self.asking = self.most = 0

    async def offer(self, digest: bytes) -> tuple[bytes | None, str]:
        self.asking += 1
        self.most = max(self.most, self.asking)
        for _ in range(self._draw.randrange(20)):
            await asyncio.sleep(0)
        self.asking -= 1
        try:
            return self._store.get(digest), ""
        except MissingBlockError:
            return None, "does not have it"


class Forger:
    """Has every block, and none of them is right."""

    name = "forger"

    async def offer(self, digest: bytes) -> tuple[bytes | None, str]:
        return b"forged", ""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlockStore:
    monkeypatch.setattr("os.fsync", lambda _: None)
    return BlockStore(tmp_path)


@pytest.mark.parametrize("seed", range(5))
async def test_car_stream__answers_in_any_order__the_same_bytes_as_from_a_store(store: BlockStore, seed: int) -> None:
    root = Cid(DAG_PB, build_placeholder(store, "Tide", "", 1, 60))
    slow, seen = Slow(store, seed), list[int]()
    sources = Sources([Forger(), slow], lambda: seen.append(1))
    made = b"".join([piece async for piece in car_stream(sources, [root], Walk([root]))])
    assert made == b"".join(car_pieces(store.get, [root], Walk([root])))
    assert 2 <= slow.most <= AHEAD
    assert len(seen) == 1 + 60 + 1, "no block is asked for twice"


async def test_in_order__many_missing__the_rest_comes_and_all_are_told(store: BlockStore) -> None:
    root = Cid(DAG_PB, build_placeholder(store, "Tide", "", 1, 60))
    for path in sorted(store.path.rglob("bafkrei*")):
        if path.name != str(Cid(RAW, root.digest)):
            path.unlink()
    found = []

    async def gather() -> None:
        async for cid, _ in in_order(Sources([Slow(store)]), Walk([root])):
            found.append(cid)

    with pytest.raises(ContentError, match="61 blocks are missing") as caught:
        await gather()
    assert found == [root]
    assert str(caught.value).count("bafkrei") == MAX_NAMED
    assert f"and {61 - MAX_NAMED} more" in str(caught.value)


async def test_block__forged_by_the_only_source__refused(store: BlockStore) -> None:
    with pytest.raises(AbsentError, match="forger offered bytes that do not hash to it"):
        await Sources([Forger()]).block(Cid(RAW, sha256(b"block")))


async def test_in_order__given_up_half_way__nothing_is_left_asking(store: BlockStore) -> None:
    root = Cid(DAG_PB, build_placeholder(store, "Tide", "", 1, 60))
    before = asyncio.all_tasks()
    blocks = in_order(Sources([Slow(store)]), Walk([root]))
    await anext(blocks)
    await anext(blocks)
    await blocks.aclose()
    assert asyncio.all_tasks() == before
