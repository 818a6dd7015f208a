"""Folders of files from content that somebody made to fill a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.content.cid import Cid
from node.content.store import BlockStore
from node.content.unixfs import Target, directory, file
from node.errors import ContentError
from node.export import files
from node.export.gather import Sources
from node.verify.blocks import Folder


def sources(folder: Path) -> Sources:
    return Sources([Folder(folder)])


def nested(store: BlockStore, leaf: Target, depth: int, width: int = 10) -> Cid:
    """`width ** depth` places in so many blocks as `depth`."""
    for _ in range(depth):
        leaf, own = directory({f"{number}": leaf for number in range(width)})
        store.put_all(own)
    return leaf.cid


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_write_folder__few_blocks_that_stand_everywhere__stops_before_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ALLOWANCE", 10_000)
    store = BlockStore(tmp_path / "blocks")
    leaf, blocks = file(bytes(1_000))
    store.put_all(blocks)
    root = nested(store, leaf, 6)
    with pytest.raises(ContentError, match="over and over"):
        await files.write_folder(tmp_path / "out", sources(tmp_path), [("", root)])
    assert names(tmp_path) == {"blocks"}


async def test_write_folder__folders_in_folders_without_a_file__are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BLOCKS", 500)
    store = BlockStore(tmp_path / "blocks")
    empty, own = directory({})
    store.put_all(own)
    with pytest.raises(ContentError, match="500 entries"):
        await files.write_folder(tmp_path / "out", sources(tmp_path), [("", nested(store, empty, 7))])
    assert names(tmp_path) == {"blocks"}


async def test_write_folder__equal_files_within_reason__are_written_each(tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "blocks")
    leaf, blocks = file(b"the same")
    store.put_all(blocks)
    done = await files.write_folder(tmp_path / "out", sources(tmp_path), [("", nested(store, leaf, 2))])
    assert (done.count, done.size) == (100, 800)
    assert (tmp_path / "out/3/7").read_bytes() == b"the same"
