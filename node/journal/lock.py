"""One running node per directory: an advisory file lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
import socket
import weakref
from pathlib import Path
from typing import Self

from node.errors import JournalError

FILE_NAME = "node.lock"

_held: weakref.WeakSet[DirectoryLock] = weakref.WeakSet()


class DirectoryLock:
    """Holds `<directory>/node.lock` for as long as the process lives or until `release`.

    The kernel drops a flock(2) lock when its last descriptor closes, so a node killed with -9 leaves none
    behind, and the text in the file is only there to name the holder.
    """

    def __init__(self, directory: Path) -> None:
        """Take the lock, or raise JournalError that names the process which holds it."""
        path = directory / FILE_NAME
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(f"cannot open the lock file {path}: {error.strerror}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(fd, 256, 0).decode("utf-8", "replace").strip() or "an unknown process"
            os.close(fd)
            raise JournalError(
                f"{directory} is in use by {holder}: one key must run once; stop that node first"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        self._fd: int | None = fd
        _held.add(self)

    def release(self) -> None:
        """Give the lock back; harmless when repeated."""
        _held.discard(self)
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _drop_in_child() -> None:
    """A forked worker shares the descriptor: unless it closes it, it holds the lock after its parent died."""
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_drop_in_child)
