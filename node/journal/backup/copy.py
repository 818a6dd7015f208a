"""Copies a journal that may be in use into one new file: checked, private, complete or absent."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from node.errors import JournalError
from node.journal.backup.examine import Examined, check_header, examine, open_read_only
from node.journal.explained import explained

STEP: Final = 1_024
"""Pages between two reports of progress: 4 MiB of a journal's pages."""
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
"""What file systems without hard links answer, FAT among them."""

Progress = Callable[[int, int], None]
"""Told how many pages are copied, and of how many."""


def back_up(journal: Path, target: Path, progress: Progress | None = None) -> Examined:
    """Copy the journal at `journal` to `target` while a node may be writing it, and return what the copy is.

    The copy is the state of one moment. It is made beside `target`, looked through from its first page to its last,
    synced, and only then given its name. Memory does not grow with the journal. A copy that was cut off, by kill -9
    too, leaves a hidden draft at most, which the next one to the same name clears away.

    Raises:
        JournalError: there is no journal, it is damaged, `target` exists or cannot be written.
    """
    check_header(journal)
    with explained(journal, "read"), closing(open_read_only(journal)) as connection:
        return write_copy(connection, target, progress)


def write_copy(connection: sqlite3.Connection, target: Path, progress: Progress | None = None) -> Examined:
    """Copy what `connection` sees to `target`, a new file; see `back_up`."""
    if target.exists() or target.is_symlink():
        raise JournalError(f"{target}: exists already, and is never overwritten; choose another name")
    draft = target.with_name(f".{target.name}.part")
    held: int | None = None
    try:
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _hand_over(target.parent)
        held = _hold(draft)
        _hand_over(draft)
        with explained(target, "write"):
            _fill(connection, draft, progress)
        found = examine(draft)
        os.fsync(held)
        put_in_place(draft, target)
    except OSError as error:
        raise JournalError(f"{target}: cannot be written ({error.strerror})") from None
    except JournalError as error:
        raise type(error)(str(error).replace(str(draft), str(target))) from error.__cause__
    finally:
        if held is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            os.close(held)
    return replace(found, path=target)


def _hand_over(made: Path) -> None:
    """Give what root has made to the owner of the folder it is in, as SQLite does with its own files.

    Else a backup made by root would leave a folder in which the node, another user's, cannot keep the next one.
    """
    if os.geteuid() == 0:
        folder = made.parent.stat()
        os.chown(made, folder.st_uid, folder.st_gid, follow_symlinks=False)


def put_in_place(draft: Path, target: Path) -> None:
    """Give a synced draft its name, which nothing has yet; durable when it returns. Raises OSError."""
    try:
        # link(2), unlike rename(2), fails where the name is taken: no window between look and write.
        os.link(draft, target)
        draft.unlink()
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        draft.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _fill(connection: sqlite3.Connection, draft: Path, progress: Progress | None) -> None:
    def tell(_status: int, left: int, total: int) -> None:
        if progress is not None:
            progress(total - left, total)

    # One read transaction around all steps: a writer beside it would otherwise start the copy over and over.
    begun = not connection.in_transaction
    if begun:
        connection.execute("BEGIN")
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        with closing(sqlite3.connect(draft)) as copy:
            # What is cut off is thrown away, so the draft needs no journal of its own.
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")
            connection.backup(copy, pages=STEP, progress=tell)
    finally:
        if begun and connection.in_transaction:
            connection.rollback()
    with closing(sqlite3.connect(draft)) as copy:
        # The copied header says WAL, which would make files beside a copy that is only looked at.
        copy.execute("PRAGMA journal_mode=DELETE")


def _hold(draft: Path) -> int:
    """Create the draft, which this process alone holds until it closes the descriptor; clear a dead one's away.

    A draft that lies here is never written to, only unlinked: it may be the second name of a finished copy.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        try:
            descriptor = os.open(draft, flags, 0o600)
        except FileExistsError:
            _clear(draft)
            continue
        try:
            _lock(descriptor, draft)
            if _is_at(descriptor, draft):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _clear(draft: Path) -> None:
    try:
        descriptor = os.open(draft, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        _lock(descriptor, draft)
        if _is_at(descriptor, draft):
            draft.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int, draft: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(f"{draft}: another copy to this name is being made; wait for it") from None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there, held = path.stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)
