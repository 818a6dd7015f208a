"""Puts a backup in the place of a node's journal, and never lets it know less of what the key has signed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.errors import JournalError
from node.journal.backup.copy import back_up, put_in_place, sync_folder
from node.journal.backup.examine import Examined, NewerJournalError, examine
from node.journal.backup.keep import FOLDER, name
from node.journal.backup.proven import abandon_unproven
from node.journal.explained import explained
from node.journal.journal import Journal
from node.journal.safety.interchange import Merged, take_over, would_take_over
from node.journal.safety.lock import DirectoryLock
from node.journal.store import FILE_NAME, UNFINISHED

SCRATCH: Final = ".restoring"
_SIDES: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose journal it has to be: chain, oracle and signing address, from the configuration and the keystore."""

    chain_id: int
    oracle: str
    signer: str

    @property
    def identity(self) -> str:
        """The network as a journal names it."""
        return f"chain {self.chain_id}, oracle {self.oracle}"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done.

    `aside` is where the journal that was replaced lies now, `lost` why nothing could be taken over from it (empty
    where all of it was), `merged` what was. `certain`: the replaced journal held all that the backup knows, so it
    was the later of the two; where it did not, nothing is signed until `patina protection resolve`.
    """

    backup: Examined
    journal: Path
    aside: Path | None
    lost: str
    merged: Merged | None
    certain: bool
    retired: bool
    transactions: int


Tell = Callable[[str], None]
"""Told of each step before it is taken."""


def restore(directory: Path, file: Path, owner: Owner, tell: Tell = lambda _: None) -> Restored:
    """Replace the journal in `directory` by the backup in `file`, which is left as it is.

    Everything that binds the key in the journal that is replaced also binds it in the new one, votes and transactions
    with it: what both knew is kept, and what they tell differently is closed. Where that journal is lost, damaged, of a
    newer version, or no continuation of the backup, the new one signs nothing until the operator has given up what may
    have been signed.
    Until the very last step the old journal stands, and a restore that was cut off is simply run again.

    Raises:
        JournalError: a node runs here, `file` is no backup of this node's journal, or there is no room for it. Then
            nothing was changed.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    present, scratch = directory / FILE_NAME, directory / SCRATCH
    backup = _ours(file, owner, "the backup")
    if present.exists() and file.samefile(present):
        raise JournalError(f"{file}: is the journal itself; name a backup of it")
    with DirectoryLock(directory):
        try:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(mode=0o700)
            tell("copying the backup")
            back_up(file, scratch / "new" / FILE_NAME)
            tell("copying the journal in place")
            lost = _copy_present(present, scratch / "old" / FILE_NAME, owner)
            tell("merging what binds the key")
            done = _merge(scratch, owner, lost)
            tell("putting it in place")
            aside = _swap(directory, scratch / "new" / FILE_NAME, lost)
        except OSError as error:
            raise JournalError(f"{directory}: cannot be written ({error.strerror})") from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    merged, certain, retired, transactions = done
    return Restored(backup, present, aside, lost.why if lost else "", merged, certain, retired, transactions)


def _ours(file: Path, owner: Owner, what: str) -> Examined:
    found = examine(file)
    for kind, told, own in (("network", found.identity, owner.identity), ("key", found.signer, owner.signer)):
        if told is not None and told.lower() != own.lower():
            raise JournalError(f"{file}: {what} is of another {kind}: {told}, and this node's is {own}")
    return found


@dataclass(frozen=True, slots=True)
class _Lost:
    """Why nothing can be taken over from the journal in place; `kind` names the file that is set aside."""

    kind: str
    why: str


def _copy_present(present: Path, copy: Path, owner: Owner) -> _Lost | None:
    """Copy the journal in place where it is whole; else return why nothing of it can be taken over.

    Raises:
        JournalError: it is whole and not this node's, or it cannot be read at present.
    """
    if not present.exists() or not present.stat().st_size:
        return _Lost("empty", "there was no journal")
    try:
        back_up(present, copy)
    except NewerJournalError:
        # The way back to an older version of the software: what the newer one wrote cannot be read by this one.
        return _Lost("newer", "the journal in place was written by a newer version, which this one cannot read")
    except JournalError as error:
        if not _damaged(present):
            raise
        return _Lost("damaged", f"the journal in place is damaged: {error}")
    _ours(copy, owner, "the journal in place")
    return None


def _damaged(journal: Path) -> bool:
    """Say whether a file is beyond reading as a database, whatever else may keep it from being read."""
    try:
        with closing(sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(verdict != "ok")
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _merge(scratch: Path, owner: Owner, lost: _Lost | None) -> tuple[Merged | None, bool, bool, int]:
    """Bind the copied backup to all that binds the old journal: (what changed, certain, retired, transactions)."""
    with Journal(scratch / "new") as new:
        _bind(new, owner)
        if lost is not None:
            new.protection.distrust()
            transactions = new.transactions.abandon_queued("restored from a backup")
            transactions += abandon_unproven(new, owner.chain_id, owner.signer)
            retired = new.protection.retired
            checkpoint(new)
            return None, False, retired, transactions
        with Journal(scratch / "old") as old:
            _bind(old, owner)
            retired = old.protection.retired or new.protection.retired
            doubts = old.protection.doubts()
            # Does the journal that is replaced hold all that the backup knows?
            news = would_take_over(old, new)
            merged = take_over(new, old)
        certain = not (news.rounds or news.marks or news.floor_raised)
        transactions = new.transactions.adopt_from(scratch / "old" / FILE_NAME)
        for doubt in doubts:
            new.protection.adopt(doubt)
        if retired:
            new.protection.retire()
        if not certain:
            new.protection.distrust()
        checkpoint(new)
        return merged, certain, retired, transactions


def _bind(journal: Journal, owner: Owner) -> None:
    journal.bind(owner.chain_id, owner.oracle)
    journal.protection.own(owner.signer)


def checkpoint(journal: Journal) -> None:
    """Bring all of a journal into its one file, durably, as long as nobody else reads it.

    Raises:
        JournalError: somebody does.
    """
    fold(journal.path)


def fold(path: Path) -> None:
    """Bring what stands in a journal's log into the file itself; the log is gone then."""
    with explained(path, "fold"), closing(sqlite3.connect(path, timeout=5)) as connection:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise JournalError(f"journal {path}: another program reads it: close that program first")


def _swap(directory: Path, draft: Path, lost: _Lost | None) -> Path | None:
    """Put the draft in the journal's place, and keep what stood there; return where."""
    present, marker = directory / FILE_NAME, directory / UNFINISHED
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    aside: Path | None = None
    if present.exists():
        kept = directory / FOLDER
        kept.mkdir(mode=0o700, exist_ok=True)
        aside = kept / name(examine(present).schema.version if lost is None else lost.kind, "replaced")
        if lost is not None:
            # Its log belongs to it alone: left beside the new file it would be read into that. From here to the end no
            # node starts in this folder.
            marker.touch(mode=0o600)
            sync_folder(directory)
            for side in ("", *_SIDES):
                part = present.with_name(present.name + side)
                if part.exists():
                    part.rename(aside.with_name(aside.name + side))
        else:
            _without_log(present)
            _link(present, aside)
        sync_folder(kept)
    elif any(present.with_name(present.name + side).exists() for side in _SIDES):
        for side in _SIDES:
            present.with_name(present.name + side).unlink(missing_ok=True)
    draft.replace(present)
    sync_folder(directory)
    marker.unlink(missing_ok=True)
    return aside


def _without_log(journal: Path) -> None:
    """Leave a closed journal as one file, whole at every moment."""
    with explained(journal, "fold"), closing(sqlite3.connect(journal, timeout=5)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    if mode != "delete" or any(journal.with_name(journal.name + side).exists() for side in _SIDES):
        raise JournalError(f"journal {journal}: another program reads it: close that program first")


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or make a second file of it where the file system knows no links."""
    try:
        os.link(source, target)
    except OSError:
        draft = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        put_in_place(draft, target)
