"""A node's disk: the real journal in a folder of its own, and what is left of it when the process is killed."""

from __future__ import annotations

import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.journal import Journal
from node.journal.store import FILE_NAME

_FILES = (FILE_NAME, f"{FILE_NAME}-wal")
_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory: fsync costs nothing there


@contextmanager
def disks() -> Iterator[Path]:
    """A folder for the disks of one run, in memory where there is such a file system; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="patina-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@functools.cache
def _blank() -> bytes:
    """A journal's file just after its migrations: they take a hundred times as long as everything else here."""
    with disks() as folder:
        Journal(folder).close()
        return (folder / FILE_NAME).read_bytes()


class Disk:
    """Holds a journal over the lives of a process. `kill` is kill -9: what was committed stays, the rest is gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._life = 0
        self._journal: Journal | None = None
        self._snapshot: Path | None = None
        self.full = False
        home = self._home()
        home.mkdir(parents=True)
        (home / FILE_NAME).write_bytes(_blank())

    def _home(self) -> Path:
        return self._folder / str(self._life)

    @property
    def _connection(self) -> sqlite3.Connection:
        return self.journal._store.db.conn

    @property
    def journal(self) -> Journal:
        """The journal of the process that runs."""
        if self._journal is None:
            raise RuntimeError("no process holds this journal")
        return self._journal

    def open(self) -> None:
        """A process starts: SQLite recovers what the last one left, write-ahead log included."""
        self._journal = Journal(self._home())
        self.fill(self.full)

    def fill(self, full: bool) -> None:
        """Let every write fail from now on, or none."""
        self.full = full
        if self._journal is not None:
            self._connection.execute(f"PRAGMA query_only={'ON' if full else 'OFF'}")

    def kill_before_commit(self) -> None:
        """The process is going to be killed within its next write, when SQLite is about to commit.

        The files are copied at that instant; the caller must `kill` once the write returns or fails.
        """

        def trace(statement: str) -> None:
            if self._snapshot is None and statement.startswith("COMMIT"):
                self._snapshot = self._copy()

        self._connection.set_trace_callback(trace)

    def _copy(self) -> Path:
        target = self._folder / str(self._life + 1)
        target.mkdir()
        for name in _FILES:
            source = self._home() / name
            if source.exists():
                shutil.copyfile(source, target / name)
        return target

    def kill(self) -> None:
        """The process is gone, and never got to close anything: the next one finds the files as they are now."""
        if self._journal is None:
            return
        if self._snapshot is None:
            self._copy()
        self._snapshot = None
        self._connection.set_trace_callback(None)
        self._journal.close()
        self._journal = None
        shutil.rmtree(self._home())
        self._life += 1

    def close(self) -> None:
        """Let go of the files."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
