"""A folder of blocks, each in a file named by its content, verified on every read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from node.content.cid import raw_cid, sha256
from node.content.unixfs import MAX_BLOCK
from node.errors import ContentError

DRAFTS: Final = ".writing"
"""The folder of files that are being written; each is locked by its writer for as long as that lives."""


class MissingBlockError(ContentError):
    """No block with that digest is stored, or what is stored under it is damaged."""


class BlockStore:
    """Blocks by sha2-256 digest, as files `<two characters>/<CID>` under `path`.

    Files are named by the raw CID whatever the block holds, as IPFS block stores key by multihash;
    the folder is the two characters before the name's last (1,024 folders). A file appears by rename
    after fsync, so a crash leaves either the whole block or none; what a killed writer left half written is removed
    when the store is opened next. Safe for several processes.
    """

    def __init__(self, path: Path, max_block: int = MAX_BLOCK) -> None:
        self.path = path
        self.max_block = max_block
        path.mkdir(parents=True, exist_ok=True)
        self._sweep()

    def put(self, block: bytes) -> bytes:
        """Store a block durably and return its digest; a damaged copy is replaced.

        Raises ContentError for a block above `max_block` bytes or when the disk refuses it.
        """
        if len(block) > self.max_block:
            raise ContentError(f"a block of {len(block)} bytes; at most {self.max_block} are stored")
        digest = sha256(block)
        if not self.has(digest):
            try:
                self._write(self._file(digest), block)
            except OSError as error:
                raise ContentError(f"block {raw_cid(digest)} cannot be stored: {error.strerror}") from error
        return digest

    def put_all(self, blocks: Iterable[bytes]) -> None:
        """Store each block, in order, so that a directory never stands before what it links to."""
        for block in blocks:
            self.put(block)

    def get(self, digest: bytes) -> bytes:
        """The block with that digest. Raises MissingBlockError when it is absent or damaged."""
        try:
            with self._file(digest).open("rb") as file:
                # A buffer of the file's size, not of the largest: thousands of small blocks are read.
                block = file.read(min(os.fstat(file.fileno()).st_size, self.max_block) + 1)
        except FileNotFoundError:
            raise MissingBlockError(f"block {raw_cid(digest)} is not stored here") from None
        except OSError as error:
            raise MissingBlockError(f"block {raw_cid(digest)} cannot be read: {error.strerror}") from error
        if sha256(block) != digest:
            raise MissingBlockError(f"block {raw_cid(digest)} is damaged on disk")
        return block

    def has(self, digest: bytes) -> bool:
        """Whether an undamaged block with that digest is stored."""
        try:
            self.get(digest)
        except MissingBlockError:
            return False
        return True

    def size(self, digest: bytes) -> int | None:
        """The bytes of the block with that digest as its file says, unread, or None where there is no such file."""
        try:
            return self._file(digest).stat().st_size
        except OSError:
            return None

    def _file(self, digest: bytes) -> Path:
        name = raw_cid(digest)
        return self.path / name[-3:-1] / name

    def _write(self, target: Path, block: bytes) -> None:
        target.parent.mkdir(exist_ok=True)
        draft, handle = self._draft()
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(block)
                file.flush()
                os.fsync(file.fileno())
                draft.rename(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        # The rename itself is durable only once its folder is.
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _draft(self) -> tuple[Path, int]:
        """Return a new file that is locked and open for writing."""
        folder = self.path / DRAFTS
        folder.mkdir(exist_ok=True)
        while True:
            draft = folder / secrets.token_hex(8)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            if _locked(handle) and os.fstat(handle).st_nlink:
                return draft, handle
            os.close(handle)  # another process opened the store, and swept it away before it was locked

    def _sweep(self) -> None:
        """Remove what writers left that are no more: the kernel lets go of a lock when its process ends, however."""
        with contextlib.suppress(OSError):  # no such folder yet, or one that is not this node's to write
            for entry in os.scandir(self.path / DRAFTS):
                with contextlib.suppress(OSError):
                    handle = os.open(entry.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                    try:
                        if _locked(handle):
                            Path(entry.path).unlink()
                    finally:
                        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
