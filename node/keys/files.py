"""Write a private file once: mode 0600 from its first byte, complete or absent, never over another."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from node.errors import KeyFileError


def create_private(path: Path, content: bytes) -> None:
    """Create `path` (mode 0600, parents 0700) with `content`, durably and all at once.

    Raises KeyFileError where something stands at `path` already: key material is never replaced.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # link(2), unlike rename(2), fails where the name is taken: no window between look and write.
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        raise KeyFileError(f"{path}: exists already, and is never overwritten; choose another name") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written ({error.strerror})") from None
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
