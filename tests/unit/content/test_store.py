"""The block store: durable, verified, and no harm from damage or interruption."""

import os
import signal
import subprocess
import sys

import pytest

from node.content.cid import raw_cid, sha256
from node.content.store import DRAFTS, BlockStore, MissingBlockError
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


# Stands still with a block half written, as a slow disk makes it.
HALF = """
import os, sys, time
from pathlib import Path
from node.content.store import BlockStore
def still(_):
    print("half", flush=True)
    time.sleep(60)
os.fsync = still
BlockStore(Path(sys.argv[1])).put(b"a block")
"""


@pytest.fixture
def writer(store):
    with subprocess.Popen([sys.executable, "-c", HALF, str(store.path)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"half\n"
            yield process
        finally:
            process.kill()


def drafts(store):
    return list((store.path / DRAFTS).iterdir())


def test_open__another_process_is_writing__its_draft_stays(store, writer):
    assert len(drafts(store)) == 1
    BlockStore(store.path)
    assert len(drafts(store)) == 1
    assert writer.poll() is None


def test_open__after_a_writer_was_killed__its_draft_is_gone_and_blocks_stay(store, writer):
    """Incident: kill -9 leaves half a block behind."""
    kept = store.put(b"another block")
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(drafts(store)) == 1
    assert BlockStore(store.path).get(kept) == b"another block"
    assert drafts(store) == []
    assert not store.has(sha256(b"a block"))
    assert store.get(store.put(b"a block")) == b"a block"


def test_put__swept_away_before_it_was_locked__is_written_anew(store, monkeypatch):
    real, calls = os.open, []

    def sweeping(path, flags, *mode, **more):
        handle = real(path, flags, *mode, **more)
        if flags & os.O_EXCL and not calls:
            calls.append(path)
            BlockStore(store.path)
            assert drafts(store) == []
        return handle

    monkeypatch.setattr(os, "open", sweeping)
    assert store.get(store.put(b"a block")) == b"a block"
    assert calls


def test_open__a_link_among_the_drafts__leads_nowhere(store, tmp_path):
    (store.path / DRAFTS).mkdir()
    (tmp_path / "precious").write_text("kept")
    (store.path / DRAFTS / "link").symlink_to(tmp_path / "precious")
    BlockStore(store.path)
    assert (tmp_path / "precious").read_text() == "kept"
