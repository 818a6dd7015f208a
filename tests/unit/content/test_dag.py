"""Paths through directories, and what is remembered of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.content.cid import RAW, Cid
from node.content.dag import Listings, NoEntryError, listing, trace
from node.content.store import BlockStore, MissingBlockError
from node.content.unixfs import directory, file


class Counting(BlockStore):
    """A store that counts what is read."""

    reads = 0

    def get(self, digest: bytes) -> bytes:
        self.reads += 1
        return super().get(digest)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    return Counting(tmp_path)


def folder(store: BlockStore, names: list[str]) -> Cid:
    target, blocks = file(b"{}")
    made, own = directory(dict.fromkeys(names, target))
    store.put_all([*blocks, *own])
    return made.cid


def test_listings__directory_asked_for_again__is_not_read_again(store: Counting) -> None:
    root = folder(store, ["1.json", "2.json"])
    listed, before = Listings(store), store.reads
    found = [trace(store, root, [name], listed)[-1] for name in ("1.json", "2.json", "1.json")]
    assert store.reads == before + 1
    assert found[0] == found[2]
    assert listed(root) == listing(store, root)
    with pytest.raises(NoEntryError):
        trace(store, root, ["3.json"], listed)


def test_listings__more_than_are_held__the_oldest_are_let_go_of_and_read_again(store: Counting) -> None:
    roots = [folder(store, [f"{number}-{entry}" for entry in range(10)]) for number in range(4)]
    listed = Listings(store, most=25)
    for root in roots:
        assert listed(root) == listing(store, root)
    before = store.reads
    listed(roots[3])
    listed(roots[2])
    assert store.reads == before
    listed(roots[0])
    assert store.reads == before + 1


def test_listings__files_and_what_is_missing__are_as_without_them(store: Counting) -> None:
    listed = Listings(store)
    assert listed(Cid(RAW, bytes(32))) is None
    missing = Cid(0x70, bytes(32))
    for _ in range(2):
        with pytest.raises(MissingBlockError):
            listed(missing)
    root = folder(store, ["a"])
    assert listed(root) is not None
