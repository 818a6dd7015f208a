"""Write a key file once: its mode right from the first byte, complete or absent, never over another."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from node.errors import KeyFileError


def create_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Create `path` (mode 0600 unless it is no secret, parents 0700) with `content`, durably and all at once.

    Raises KeyFileError where something stands at `path` already: key material is never replaced.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
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
    _sync(path.parent)


def replace_kept(path: Path, content: bytes, old: Path) -> None:
    """Put `content` in the place of the file at `path` (its mode stays), whose old content stays under `old`.

    At every moment a whole file stands at `path`. Raises KeyFileError where something stands at `old` already.
    """
    mode = path.stat().st_mode & 0o777
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    create_private(draft, content, mode)
    try:
        os.link(path, old)
        draft.rename(path)
    except FileExistsError:
        draft.unlink()
        raise KeyFileError(f"{old}: exists already, and is never overwritten; move it away") from None
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise KeyFileError(f"{path}: cannot be replaced ({error.strerror})") from None
    _sync(path.parent)


def _sync(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
