"""A node's disk: the real journal over the lives of a process, and what is left of it when the process is killed."""

from __future__ import annotations

import functools
import shutil
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.journal import Journal
from node.journal.store import FILE_NAME, Store

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


@functools.cache
def _template() -> sqlite3.Connection:
    """The same as a database in memory."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    with disks() as folder:
        (folder / FILE_NAME).write_bytes(_blank())
        source = sqlite3.connect(folder / FILE_NAME)
        source.backup(connection)
        source.close()
    return connection


class Disk(ABC):
    """Holds a journal over the lives of a process. `kill` is kill -9: what was committed stays, the rest is gone."""

    def __init__(self) -> None:
        self._journal: Journal | None = None
        self.full = False

    @property
    def journal(self) -> Journal:
        """The journal of the process that runs."""
        if self._journal is None:
            raise RuntimeError("no process holds this journal")
        return self._journal

    @property
    def _connection(self) -> sqlite3.Connection:
        return self.journal._store.db.conn

    def open(self) -> None:
        """A process starts."""
        self._journal = self._opened()
        self.fill(self.full)

    def fill(self, full: bool) -> None:
        """Let every write fail from now on, or none."""
        self.full = full
        if self._journal is not None:
            self._connection.execute(f"PRAGMA query_only={'ON' if full else 'OFF'}")

    def close(self) -> None:
        """Let go of everything."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    @abstractmethod
    def _opened(self) -> Journal:
        """The journal as the last process left it."""

    @abstractmethod
    def kill_before_commit(self) -> None:
        """The process is going to be killed within its next write, when SQLite is about to commit.

        The caller must `kill` once the write returns or fails.
        """

    @abstractmethod
    def kill(self) -> None:
        """The process is gone, and never got to close anything."""


class FileDisk(Disk):
    """Files in a folder of their own: SQLite recovers what a killed process left, its write-ahead log included."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._life = 0
        self._snapshot: Path | None = None
        home = self._home()
        home.mkdir(parents=True)
        (home / FILE_NAME).write_bytes(_blank())

    def _home(self) -> Path:
        return self._folder / str(self._life)

    def _opened(self) -> Journal:
        return Journal(self._home())

    def kill_before_commit(self) -> None:
        """The files are copied at that instant."""

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
        """The next process finds the files as they are now."""
        if self._journal is None:
            return
        if self._snapshot is None:
            self._copy()
        self._snapshot = None
        self._connection.set_trace_callback(None)
        self.close()
        shutil.rmtree(self._home())
        self._life += 1


class _MemoryStore(Store):
    """The journal's own statements and transactions, on a database in memory that outlives the process.

    `torn`: transactions fail when they are about to commit.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        from sqlite_utils import Database

        self.path = Path(FILE_NAME)
        self.saved = None
        self.torn = False
        self._lock = None
        self._db = Database(connection, execute_plugins=False)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            if self.torn:
                raise sqlite3.OperationalError("killed when it was about to commit")

    def close(self) -> None:
        """The process has it no more; the database stays."""
        self._db = None


class MemoryDisk(Disk):
    """A database in memory: a third of the time of files, and the same rows after every death."""

    def __init__(self) -> None:
        super().__init__()
        self._held = sqlite3.connect(":memory:")
        _template().backup(self._held)
        self._held.execute("PRAGMA foreign_keys=ON")
        self._store: _MemoryStore | None = None

    def _opened(self) -> Journal:
        self._store = _MemoryStore(self._held)
        return Journal(self._store.path, store=self._store)

    def kill_before_commit(self) -> None:
        """What it wrote by then is rolled back, as SQLite does when it finds a log without a commit."""
        if self._store is not None:
            self._store.torn = True

    def kill(self) -> None:
        """What was not committed is rolled back."""
        super().close()
        self._held.rollback()

    def close(self) -> None:
        """Nothing is left."""
        super().close()
        self._held.close()
