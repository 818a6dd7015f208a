"""Who holds a lock file, asked without taking the lock from anybody."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def holder_of(path: Path) -> str:
    """The text that the holder left in the file, "" for a lock that nobody holds, or that is not there.

    A shared lock is tried for a moment, on a descriptor of its own: it is refused while a node holds the file, and
    two checks at once do not refuse each other.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(descriptor, 1_024, 0).decode("utf-8", "replace").strip() or "an unknown process"
        except OSError:
            return ""
        return ""
    finally:
        os.close(descriptor)
