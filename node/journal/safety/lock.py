"""One running node per directory, and per key: advisory file locks that die with their process."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from node.errors import JournalError

FILE_NAME = "node.lock"

_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


class FileLock:
    """Holds a file for as long as the process lives or until `release`.

    The kernel drops a flock(2) lock when its last descriptor closes, so a node killed with -9 leaves none
    behind, and the text in the file is only there to name the holder.
    """

    def __init__(self, path: Path, refusal: str, doing: str = "") -> None:
        """Take the lock, or raise JournalError: `refusal` with the holder in the place of {holder}.

        `doing` is what the holder is said to be doing beside its number.
        """
        self._fd: int | None = None
        fd = _open(path)
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = os.pread(fd, 1_024, 0).decode("utf-8", "replace").strip() or "an unknown process"
                os.close(fd)
                raise JournalError(refusal.replace("{holder}", holder)) from None
            if _is_at(fd, path):
                break
            # Its last holder has removed it while this process waited: a newcomer would lock another file.
            os.close(fd)
            fd = _open(path)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}{doing}\n".encode(), 0)
        self._fd, self._path = fd, path
        _held.add(self)

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back, and the file with it if so wished; harmless when repeated."""
        _held.discard(self)
        if self._fd is not None:
            if remove:
                self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class DirectoryLock(FileLock):
    """Holds `<directory>/node.lock`."""

    def __init__(self, directory: Path) -> None:
        """Take the lock, or raise JournalError that names the process which holds it."""
        super().__init__(
            directory / FILE_NAME, f"{directory} is in use by {{holder}}: one key must run once; stop that node first"
        )


class KeyLock:
    """Holds a signing address on this machine, whatever folder its node runs from.

    The lock is taken in every place where another node of this user would look, so that it does not depend on how
    either was started: a login shell and a service differ in their environment.
    """

    def __init__(self, address: str, folder: Path, directories: Sequence[Path] | None = None) -> None:
        """Take the lock for a node that runs from `folder`; `directories` stands in for the user's own.

        Raises:
            JournalError: another process holds it, which the text names; or there is no place to keep it.
        """
        self._locks: list[FileLock] = []
        refusal = f"the key {address} is in use by {{holder}}: one key must run once; stop that node first"
        for directory in runtime_directories() if directories is None else directories:
            if not _private(directory):
                continue
            try:
                self._locks.append(FileLock(directory / f"{address.lower()}.lock", refusal, f", from {folder}"))
            except JournalError:
                self.release()
                raise
        if not self._locks:
            raise JournalError(
                "there is no private folder to keep the key's lock in: set XDG_RUNTIME_DIR or XDG_STATE_HOME to one "
                "that this user owns"
            )

    def release(self) -> None:
        """Give the key back and leave nothing behind; harmless when repeated."""
        for lock in self._locks:
            lock.release(remove=True)
        self._locks.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def runtime_directories(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return where this user's programs meet, the first being the one that outlives a restart of the machine."""
    user = os.getuid()
    # systemd's place for a user's locks (file-hierarchy(7)), and the same where the environment names another.
    named = environ.get("XDG_RUNTIME_DIR", "")
    runtime = [Path(f"/run/user/{user}"), *([Path(named)] if named.startswith("/") else [])]
    found = [state_directory(environ), *(path / "patina" for path in runtime if _is_open(path))]
    found.append(Path(tempfile.gettempdir()) / f"patina-{user}")
    return list(dict.fromkeys(found))


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the user's folder for what programs remember (XDG Base Directory Specification, XDG_STATE_HOME)."""
    import pwd

    named = environ.get("XDG_STATE_HOME", "")
    if named.startswith("/"):
        return Path(named) / "patina"
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container's user without an entry
        home = environ.get("HOME", "/nonexistent")
    return Path(home) / ".local" / "state" / "patina"


def _private(directory: Path) -> bool:
    """Make a folder of this user's alone; False where that cannot be, as with another user's of the same name."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _is_open(path: Path) -> bool:
    """Whether that is a folder which can be looked at: systemd's ProtectHome= shuts /run/user off."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(f"cannot open the lock file {path}: {error.strerror}") from None


def _is_at(fd: int, path: Path) -> bool:
    try:
        there, held = path.stat(), os.fstat(fd)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _drop_in_child() -> None:
    """A forked worker shares the descriptor: unless it closes it, it holds the lock after its parent died."""
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_drop_in_child)
