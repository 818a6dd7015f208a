"""What SQLite's failures mean, in words with a remedy: every one becomes a JournalError."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from node.errors import JournalError, JournalUnwritableError

DAMAGED: Final = "the file is damaged: restore a backup of it (patina db restore); do not start without it"
_REMEDY: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; nothing was signed or stored since",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is not a journal: restore a backup of it (patina db restore); do not start "
    "without it",
    sqlite3.SQLITE_READONLY: "it cannot be written: check the owner and the mode of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check the folder, its owner and its mode",
    sqlite3.SQLITE_IOERR: "the disk does not read or write: check it before going on",
    sqlite3.SQLITE_BUSY: "another process is writing to it: stop that process first",
}
_PASSING: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY)
"""What somebody can mend while the node runs."""


class _Explained:
    """A class, since every statement of the journal runs in one: a generator takes three times as long."""

    __slots__ = ("_path", "_step")

    def __init__(self, path: Path, step: str) -> None:
        self._path = path
        self._step = step

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.Error):
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            remedy = _REMEDY.get(code, str(error))
            kind = JournalUnwritableError if code in _PASSING else JournalError
            raise kind(f"journal {self._path}, {self._step}: {remedy}") from error
        if isinstance(error, OverflowError):
            raise JournalError(f"journal {self._path}, {self._step}: a number is beyond 64 bits") from error


def explained(path: Path, step: str) -> AbstractContextManager[None]:
    """Say in words what SQLite means of the journal at `path`; its own text is kept, values are not.

    Raises:
        JournalUnwritableError: what somebody can mend while the node runs.
        JournalError: everything else.
    """
    return _Explained(path, step)
