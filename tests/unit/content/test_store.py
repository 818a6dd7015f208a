"""The block store: durable, verified, and no harm from damage or interruption."""

import os

import pytest

from node.content.cid import raw_cid, sha256
from node.content.store import BlockStore, MissingBlockError
from node.errors import ContentError


@pytest.fixture
def store(tmp_path):
    return BlockStore(tmp_path / "blocks", max_block=1000)


def stored_file(store, digest):
    name = raw_cid(digest)
    return store.path / name[-3:-1] / name


def test_put__new_block__found_by_digest_in_a_file_named_by_cid(store):
    digest = store.put(b"a block")
    assert digest == sha256(b"a block")
    assert store.get(digest) == b"a block"
    assert store.has(digest)
    assert stored_file(store, digest).read_bytes() == b"a block"
    assert BlockStore(store.path).get(digest) == b"a block"


def test_get__absent__missing(store):
    assert not store.has(sha256(b"never"))
    with pytest.raises(MissingBlockError, match="not stored"):
        store.get(sha256(b"never"))


@pytest.mark.parametrize("damage", [b"", b"a bloc", b"another one", b"x" * 2000])
def test_get__damaged_on_disk__refused_and_absent_until_put_again(store, damage):
    digest = store.put(b"a block")
    stored_file(store, digest).write_bytes(damage)
    assert not store.has(digest)
    with pytest.raises(MissingBlockError, match="damaged"):
        store.get(digest)
    assert store.put(b"a block") == digest
    assert store.get(digest) == b"a block"


def test_put__above_the_cap__refused(store):
    store.put(b"x" * 1000)
    with pytest.raises(ContentError, match="at most 1000"):
        store.put(b"x" * 1001)


def test_put__interrupted_before_the_rename__no_block_and_nothing_left(store, monkeypatch):
    def power_cut(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        store.put(b"a block")
    monkeypatch.undo()
    assert not store.has(sha256(b"a block"))
    assert [path for path in store.path.rglob("*") if path.is_file()] == []


def test_put__disk_full__refused_with_its_reason(store, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ContentError, match="No space left"):
        store.put(b"a block")


def test_get__folder_in_the_place_of_a_block__missing(store):
    digest = sha256(b"a block")
    stored_file(store, digest).mkdir(parents=True)
    with pytest.raises(MissingBlockError, match="cannot be read"):
        store.get(digest)


@pytest.mark.parametrize("digest", [b"", b"\0" * 31, b"../../../../etc/passwd"])
def test_get__not_a_digest__refused(store, digest):
    with pytest.raises(ContentError, match="32 bytes"):
        store.get(digest)
