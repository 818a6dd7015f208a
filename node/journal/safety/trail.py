"""What this machine last bound a key to, kept apart from every journal: a restored backup cannot bring it back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from node.agreement.memory import Memory

log = structlog.get_logger("trail")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was given."""

    config: bytes
    feed: int
    checkpoint: int
    view: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Promised:
    """What a node was bound to in a round besides; `lock` is a digest of the lock."""

    config: bytes
    feed: int
    checkpoint: int
    left: int
    prepared_view: int
    prepared_digest: bytes
    lock_view: int
    lock: bytes

    @classmethod
    def of(cls, config: bytes, feed: int, checkpoint: int, memory: Memory) -> Promised:
        """Return what a memory binds a node to."""
        lock = hashlib.sha256(memory.lock).digest()
        prepared = (memory.prepared_view, memory.prepared_digest)
        return cls(config, feed, checkpoint, memory.left, *prepared, memory.lock_view, lock)

    def covered_by(self, other: Promised) -> bool:
        """Say whether whoever is bound to `other` is bound to this too."""
        return (
            self.left <= other.left
            and (
                self.prepared_view < other.prepared_view
                or (self.prepared_view, self.prepared_digest) == (other.prepared_view, other.prepared_digest)
            )
            and (self.lock_view < other.lock_view or (self.lock_view, self.lock) == (other.lock_view, other.lock))
        )


@dataclass(frozen=True, slots=True)
class Footprint:
    """The last signature and the last promise; None where there was none yet."""

    signed: Signed | None = None
    promised: Promised | None = None


class Trail:
    """One small file for a key on one oracle, written after the journal and before anything leaves.

    It is not forced to disk: one that lags behind the journal shows less and never anything false, and the journal
    is what promises rest on. Where it cannot be written or read, the node does without it, and says so once.
    """

    def __init__(self, directory: Path, signer: str, chain_id: int, oracle: str) -> None:
        self._path = directory / f"{signer.lower()}-{chain_id}-{oracle.lower()}.last"
        self._lost = False
        self._last = self.read()

    def read(self) -> Footprint:
        """Return what the file says; nothing where there is none, or one that nobody could have written."""
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=Footprint)
        except FileNotFoundError:
            return Footprint()
        except (OSError, msgspec.DecodeError) as error:
            self._missed("read", error)
            return Footprint()

    def signed(self, signed: Signed) -> None:
        """Note a signature that is about to leave."""
        self._write(Footprint(signed, self._last.promised))

    def promised(self, promised: Promised) -> None:
        """Note a promise that is about to leave."""
        self._write(Footprint(self._last.signed, promised))

    def _write(self, footprint: Footprint) -> None:
        self._last = footprint
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.msgpack.encode(footprint))
            draft.rename(self._path)
            self._lost = False
        except OSError as error:
            self._missed("written", error)
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def _missed(self, what: str, error: Exception) -> None:
        if not self._lost:
            log.warning(
                f"the last promise cannot be {what}: a restored journal may go unnoticed on this machine",
                file=str(self._path),
                error=str(error),
            )
        self._lost = True
