"""A backup is one moment of a journal in use: whole, private, under its name at once, and over no other file."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from node.errors import JournalError
from node.journal import Journal
from node.journal.backup import copy
from node.journal.backup.copy import back_up
from node.journal.backup.examine import examine
from tests.unit.journal.backup.conftest import CONFIG, fill, killed


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    fill(tmp_path / "state", range(10, 20))
    return tmp_path / "state" / "journal.db"


def attested(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM attestations").fetchone()[0])


def test_back_up__node_that_writes_meanwhile__copy_is_one_moment_and_the_node_goes_on(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "STEP", 4)
    target, steps = tmp_path / "copies" / "one.db", 0
    with Journal(journal.parent) as node:

        def write(done: int, total: int) -> None:
            nonlocal steps
            steps += 1
            node.attest(CONFIG, 1, 1_000 + steps, 0, b"n" * 32, b"")

        found = back_up(journal, target, write)
        assert steps > 2
        assert attested(journal) == 10 + steps
    assert attested(target) == 10
    assert found == examine(target)
    assert found.signer is not None
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["one.db"]


def test_back_up__copy_and_its_name__are_on_disk_when_it_is_done(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, synced = tmp_path / "copies" / "one.db", []

    def note(descriptor: int, sync: Callable[[int], None] = os.fsync) -> None:
        synced.append((os.fstat(descriptor).st_ino, target.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    back_up(journal, target)
    assert synced == [(target.stat().st_ino, False), (target.parent.stat().st_ino, True)]


def test_back_up__name_that_is_taken__is_refused_and_the_file_left(journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.db"
    target.write_text("mine")
    with pytest.raises(JournalError, match=r"one\.db: exists already, and is never overwritten"):
        back_up(journal, target)
    assert target.read_text() == "mine"


def test_back_up__link_that_leads_nowhere__is_refused(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(JournalError, match="exists already"):
        back_up(journal, tmp_path / "link.db")
    assert not (tmp_path / "elsewhere.db").exists()


def test_back_up__killed_in_the_middle__no_copy_under_the_name_and_the_next_one_clears_up(
    journal: Path, tmp_path: Path
) -> None:
    target = tmp_path / "copies" / "one.db"
    killed(lambda die: back_up(journal, target, lambda *_: die()))
    assert [path.name for path in target.parent.iterdir()] == [".one.db.part"]
    back_up(journal, target)
    assert [path.name for path in target.parent.iterdir()] == ["one.db"]
    assert attested(target) == 10


def test_back_up__draft_that_is_another_name_of_a_finished_copy__copy_is_never_written_to(
    journal: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first.db"
    back_up(journal, first)
    os.link(first, tmp_path / ".second.db.part")  # as a kill between link and unlink leaves it
    before = first.read_bytes()
    fill(journal.parent, range(20, 30))
    back_up(journal, tmp_path / "second.db")
    assert first.read_bytes() == before
    assert attested(tmp_path / "second.db") == 20


def test_back_up__two_at_once_to_one_name__second_is_told(journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.db"

    def again(*_: int) -> None:
        with pytest.raises(JournalError, match="another copy to this name is being made"):
            back_up(journal, target)

    back_up(journal, target, again)
    assert attested(target) == 10


def test_back_up__no_room__is_one_clear_error_and_nothing_stays(journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "one.db"
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))
            back_up(journal, target)
        except JournalError as error:
            code = 0 if "one.db" in str(error) and "disk" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(target.parent.iterdir()) == []


def test_back_up__file_system_without_links__copy_gets_its_name_all_the_same(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    back_up(journal, tmp_path / "one.db")
    assert attested(tmp_path / "one.db") == 10


def test_back_up__damaged_journal__is_said_and_no_copy_made(journal: Path, tmp_path: Path) -> None:
    raw = bytearray(journal.read_bytes())
    raw[4_096 * 3 : 4_096 * 30] = b"\xff" * (4_096 * 27)
    journal.write_bytes(raw)
    with pytest.raises(JournalError, match="damaged"):
        back_up(journal, tmp_path / "copies" / "one.db")
    assert list((tmp_path / "copies").iterdir()) == []


def test_back_up__no_journal__is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no such file"):
        back_up(tmp_path / "journal.db", tmp_path / "one.db")


def test_back_up__made_by_root_in_a_folder_of_another__belongs_to_that_one(journal: Path) -> None:
    """Else the node, which is no root, could not keep a copy before its next migration, and would not start."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files in a folder of another user")
    os.chown(journal.parent, 12_345, 12_346)
    target = journal.parent / "backups" / "one.db"
    back_up(journal, target)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (target, target.parent)} == {(12_345, 12_346)}
