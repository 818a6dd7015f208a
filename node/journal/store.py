"""The SQLite file itself: opened, locked, migrated, and every failure turned into a JournalError."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.errors import JournalError, JournalUnwritableError
from node.journal.safety.lock import DirectoryLock
from node.journal.schema import migrate

if TYPE_CHECKING:
    from sqlite_utils import Database

FILE_NAME = "journal.db"
Row = dict[str, Any]

_REMEDY = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; nothing was signed or stored since",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a backup of it; do not start without it",
    sqlite3.SQLITE_NOTADB: "the file is not a journal: restore a backup of it; do not start without it",
    sqlite3.SQLITE_READONLY: "it cannot be written: check the owner and the mode of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check the folder, its owner and its mode",
    sqlite3.SQLITE_IOERR: "the disk does not read or write: check it before going on",
    sqlite3.SQLITE_BUSY: "another process is writing to it: stop that process first",
}
_PASSING = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY)
"""What somebody can mend while the node runs."""


class Store:
    """A connection to `<directory>/journal.db` in WAL mode with synchronous=FULL.

    With these two a commit has been fsync'd when it returns (https://www.sqlite.org/pragma.html,
    synchronous), which the attestation rule needs. Used from one thread only.
    """

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        """Open, and unless `read_only` also create, lock and migrate; raises JournalError."""
        self.path = directory / FILE_NAME
        self._lock: DirectoryLock | None = None
        self._db: Database | None = None
        try:
            if not read_only:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = DirectoryLock(directory)
            with self._explained("open"):
                self._open(read_only)
        except OSError as error:
            self.close()
            raise JournalError(f"journal {self.path}: {error.strerror}") from None
        except BaseException:
            self.close()
            raise

    def _open(self, read_only: bool) -> None:
        from sqlite_utils import Database

        # Plugins installed for sqlite-utils have no business in a signing node (execute_plugins).
        if read_only:
            uri = f"{self.path.resolve().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True)
            self._db = Database(connection, execute_plugins=False)
            return
        self.path.touch(mode=0o600, exist_ok=True)
        self._db = db = Database(sqlite3.connect(self.path, timeout=5), execute_plugins=False)
        db.enable_wal()
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise JournalError(f"journal {self.path}: {_REMEDY[sqlite3.SQLITE_CORRUPT]} ({verdict})")
        migrate(db)

    @property
    def db(self) -> Database:
        """The open database; JournalError after `close`."""
        if self._db is None:
            raise JournalError(f"journal {self.path} is closed")
        return self._db

    @property
    def in_transaction(self) -> bool:
        """True inside `transaction()`."""
        return bool(self.db.conn.in_transaction)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of the block, or none; nested blocks are savepoints; durable when the outermost ends."""
        with self._explained("write"), self.db.atomic():
            yield

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one write statement and return the number of rows it changed."""
        with self._explained("write"):
            return self.db.execute(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one SELECT."""
        with self._explained("read"):
            cursor = self.db.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of one SELECT, if any."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def close(self) -> None:
        """Close the file and give the lock back; harmless when repeated."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextmanager
    def _explained(self, step: str) -> Iterator[None]:
        """Say in words what SQLite means; its own text is kept, values are not."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            remedy = _REMEDY.get(code, str(error))
            kind = JournalUnwritableError if code in _PASSING else JournalError
            raise kind(f"journal {self.path}, {step}: {remedy}") from error
        except OverflowError as error:
            raise JournalError(f"journal {self.path}, {step}: a number is beyond 64 bits") from error
