"""The SQLite file itself: opened, locked, migrated, and every failure turned into a JournalError."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.errors import JournalError
from node.journal.backup.keep import before_migration
from node.journal.explained import DAMAGED, explained
from node.journal.safety.lock import DirectoryLock
from node.journal.schema import migrate, standing

if TYPE_CHECKING:
    from sqlite_utils import Database

FILE_NAME = "journal.db"
UNFINISHED: Final = "unfinished-restore"
"""Lies beside the journal while a restore has taken a damaged one away and not put the new one there."""
Row = dict[str, Any]


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
        self.saved: Path | None = None
        """The backup that was made because this journal had to be migrated, if it had."""
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
        if self.path.with_name(UNFINISHED).exists():
            raise JournalError(f"journal {self.path}: a restore was cut off here: run patina db restore again")
        self.path.touch(mode=0o600, exist_ok=True)
        self._db = db = Database(sqlite3.connect(self.path, timeout=5), execute_plugins=False)
        schema = standing(db)
        db.enable_wal()
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise JournalError(f"journal {self.path}: {DAMAGED} ({verdict})")
        if schema.applied and schema.pending:
            self.saved = before_migration(db.conn, self.path.parent, schema)
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

    def each(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of one SELECT one after another, for what may be longer than memory has room for.

        Nothing may be written to this journal until the last one was taken.
        """
        with self._explained("read"):
            cursor = self.db.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, row, strict=True))

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

    def _explained(self, step: str) -> AbstractContextManager[None]:
        return explained(self.path, step)
