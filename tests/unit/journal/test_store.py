"""The file: one holder, migrations, and disks that are full, damaged or not ours."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from node.errors import JournalError, JournalUnwritableError
from node.journal import Journal


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


HOLDER = """
import sys
from pathlib import Path
from node.journal import Journal

journal = Journal(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_two_copies_of_one_node__second_refuses_and_names_the_first(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(JournalError, match=f"in use by process {holder.pid} on .*stop that node"):
            Journal(tmp_path)
        # A look at it is allowed, a write is not.
        with Journal(tmp_path, read_only=True) as beside:
            assert beside.rounds.unfinished() == []
            with pytest.raises(JournalError, match="cannot be written"):
                beside.cursors.set("a", 1)
        holder.kill()
        holder.wait(timeout=60)
    with Journal(tmp_path) as journal:
        journal.cursors.set("a", 1)


def test_two_copies_of_one_node__in_one_process__are_refused_too(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(JournalError, match=f"process {os.getpid()}"):
        Journal(tmp_path)
    Journal(tmp_path).close()


def test_lock__forked_worker_outlives_its_parent__holds_nothing(tmp_path: Path) -> None:
    script = """
        import os, sys, time
        from pathlib import Path
        from node.journal import Journal

        journal = Journal(Path(sys.argv[1]))
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            sys.stdin.read()
            os._exit(0)
        os.kill(os.getpid(), 9)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.wait(timeout=60)
        os.kill(child, 0)
        Journal(tmp_path).close()


def _write_and_fail(journal: Journal) -> None:
    journal.cursors.set("a", 1)
    journal.rounds.open(1, 10, b"h" * 32, 5, [1], "band")
    raise ZeroDivisionError


def test_transaction__error_inside__leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        with pytest.raises(ZeroDivisionError), journal.transaction():
            _write_and_fail(journal)
        assert journal.cursors.get("a") is None
        assert journal.rounds.get(1, 10) is None
        with journal.transaction():
            journal.cursors.set("a", 1)
            with pytest.raises(JournalError), journal.transaction():
                journal.cursors.set("b", 2**63)
            journal.cursors.set("c", 3)
        assert [journal.cursors.get(name) for name in "abc"] == [1, None, 3]


def test_blocks_missed_over_a_restart__chainlink_5936__cursor_and_effects_are_one(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from node.journal import Journal

        journal = Journal(Path(sys.argv[1]))
        left = int(sys.argv[2])

        def count(statement):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        journal._store.db.conn.set_trace_callback(count)
        done = journal.cursors.get("c") or 0
        for checkpoint in range(done + 1, 4):
            with journal.transaction():
                if not journal.rounds.open(1, checkpoint, b"h" * 32, 0, [], "band"):
                    sys.exit(9)  # handled twice
                journal.cursors.set("c", checkpoint)
        sys.exit(0)
    """
    codes = []
    for statement in (2, 3, 4, 5, 6, 40):
        codes.append(run(script, tmp_path, statement).returncode)
        with Journal(tmp_path) as journal:
            handled = [row.checkpoint for row in reversed(journal.rounds.last(9))]
            assert handled == list(range(1, (journal.cursors.get("c") or 0) + 1))
    assert codes[:-1] == [-9] * 5
    assert codes[-1] == 0
    assert handled == [1, 2, 3]


def test_disk_full__is_said_and_nothing_half_stays(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        pages = journal._store.db.execute("PRAGMA page_count").fetchone()[0]
        journal._store.db.execute(f"PRAGMA max_page_count={pages + 3}")
        with pytest.raises(JournalUnwritableError, match="disk is full"):
            journal.attest(b"c" * 32, 1, 1, 0, b"d" * 32, b"r" * 100_000)
        assert journal.attestations.digests(b"c" * 32, 1, 1) == {}
        journal._store.db.execute(f"PRAGMA max_page_count={pages + 3_000}")
        assert journal.attest(b"c" * 32, 1, 1, 0, b"d" * 32, b"r" * 100_000)


def test_disk_full__real_write_failure__is_a_journal_error(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    done = run(
        """
        import resource, signal, sys
        from pathlib import Path
        from node.errors import JournalUnwritableError
        from node.journal import Journal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = Journal(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            for checkpoint in range(50):
                journal.attest(b"c" * 32, 1, checkpoint, 0, b"d" * 32, b"r" * 20_000)
        except JournalUnwritableError as error:
            print(checkpoint, error)
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    count, _, words = done.stdout.partition(" ")
    assert "disk" in words
    with Journal(tmp_path) as journal:
        assert len(journal.attestations.last(99)) == int(count) > 0


def test_damaged__in_the_middle__is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for checkpoint in range(60):
            journal.attest(b"c" * 32, 1, checkpoint, 0, b"d" * 32, b"r" * 3_000)
    path = tmp_path / "journal.db"
    raw = bytearray(path.read_bytes())
    for page in range(1, len(raw) // 4096):
        raw[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(raw)
    with pytest.raises(JournalError, match="damaged"):
        Journal(tmp_path)


@pytest.mark.parametrize("content", [b"not a database at all" * 50, b"SQLite format 3\0" + b"\xff" * 4_096])
def test_not_a_journal__is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.db"):
        Journal(tmp_path)
    assert path.read_bytes() == content
    # And the lock was given back.
    path.unlink()
    Journal(tmp_path).close()


def test_newer_version__is_refused(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('journal', '0099_later', '')"
        )
        # Each migration of it raised the count in the header.
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(JournalError, match=r"0099_later.*upgrade"):
        Journal(tmp_path)


def test_open__directory_that_cannot_be__is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError):
        Journal(tmp_path / "file" / "state")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path, read_only=True)


def test_files__are_for_the_owner_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "state") as journal:
        journal.cursors.set("a", 1)
        modes = {file.name: file.stat().st_mode & 0o077 for file in (tmp_path / "state").iterdir()}
    assert modes
    assert not any(modes.values()), modes


def test_bind__another_chain_or_oracle__is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.bind(1, "0xA")
        journal.bind(1, "0xA")
        for chain_id, oracle in ((2, "0xA"), (1, "0xB")):
            with pytest.raises(JournalError, match="belongs to chain 1, oracle 0xA"):
                journal.bind(chain_id, oracle)


def test_closed__says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.cursors.get("a")
