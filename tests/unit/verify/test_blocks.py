"""Blocks from sources that nobody trusts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from node.content.cid import DAG_PB, RAW, Cid, raw_cid, sha256
from node.content.store import BlockStore
from node.content.unixfs import CHUNK, directory, file
from node.errors import ContentError
from node.verify import blocks as module
from node.verify.blocks import Blocks, Folder


class Offer:
    """A source that offers one thing, whatever it is asked for."""

    def __init__(self, block: bytes | None, why: str = "") -> None:
        self.name, self.asked = "a source", 0
        self._block, self._why = block, why

    async def offer(self, _: bytes) -> tuple[bytes | None, str]:
        self.asked += 1
        return self._block, self._why


async def test_block__wrong_bytes_first__the_next_source_is_asked_and_the_block_kept() -> None:
    good = Offer(b"block")
    blocks = Blocks([Offer(b"other"), Offer(None, "is away"), good])
    assert await blocks.block(sha256(b"block")) == b"block"
    assert await blocks.block(sha256(b"block")) == b"block"
    assert good.asked == 1


async def test_block__nowhere__says_what_every_source_said() -> None:
    with pytest.raises(ContentError) as caught:
        await Blocks([Offer(b"other"), Offer(None, "is away")]).block(sha256(b"block"))
    said = str(caught.value)
    assert raw_cid(sha256(b"block")) in said
    assert "do not hash to it" in said
    assert "is away" in said
    with pytest.raises(ContentError, match="no source"):
        await Blocks([]).block(bytes(32))


async def test_block__more_than_any_token_needs__refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BLOCKS", 2)

    class Any:
        name = "any"

        async def offer(self, digest: bytes) -> tuple[bytes, str]:
            return {sha256(bytes([n])): bytes([n]) for n in range(4)}[digest], ""

    blocks = Blocks([Any()])
    for number in range(2):
        await blocks.block(sha256(bytes([number])))
    with pytest.raises(ContentError, match="more than 2"):
        await blocks.block(sha256(b"\x02"))


def stored(folder: Path, content: bytes) -> Cid:
    target, pieces = file(content)
    BlockStore(folder).put_all(pieces)
    return target.cid


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
async def test_file__of_any_size__is_put_together(tmp_path: Path, size: int) -> None:
    content = hashlib.shake_128(b"seed").digest(size)
    cid = stored(tmp_path, content)
    assert await Blocks([Folder(tmp_path)]).file(cid) == content
    if size:
        with pytest.raises(ContentError):
            await Blocks([Folder(tmp_path)]).file(cid, size - 1)


async def test_entries__of_a_directory__by_name_and_refused_for_a_file(tmp_path: Path) -> None:
    target, _ = file(b"a")
    made, pieces = directory({"a.json": target})
    BlockStore(tmp_path).put_all(pieces)
    blocks = Blocks([Folder(tmp_path)])
    assert await blocks.entries(made.cid) == {"a.json": target.cid}
    with pytest.raises(ContentError, match="plain bytes"):
        await blocks.entries(target.cid)
    with pytest.raises(ContentError):
        await blocks.file(made.cid)


async def test_entries__any_bytes_for_a_directory__refused_without_a_crash(tmp_path: Path) -> None:
    """Incident: a malformed IPFS document crashes the oracle (lido-oracle#757)."""
    store = BlockStore(tmp_path)
    for junk in (b"", b"\0" * 40, b"\xff" * 3_000, b"\x12\xff\xff\xff\xff\x0f"):
        with pytest.raises(ContentError):
            await Blocks([Folder(tmp_path)]).entries(Cid(DAG_PB, store.put(junk)))


async def test_folder__of_a_node__has_its_blocks_and_recipes(tmp_path: Path) -> None:
    BlockStore(tmp_path / "state" / "blocks").put(b"block")
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.json").write_bytes(b"{}")
    blocks = Blocks([Folder(tmp_path)])
    assert await blocks.block(sha256(b"block")) == b"block"
    assert await blocks.file(Cid(RAW, sha256(b"{}"))) == b"{}"
    with pytest.raises(ContentError, match="does not have it"):
        await blocks.block(sha256(b"absent"))


def test_folder__that_is_not_there__refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no folder"):
        Folder(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []
