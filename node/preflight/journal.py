"""Looks at the journal without changing a byte of it: beside a running node, or in a copy."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.errors import ChainError, JournalError
from node.preflight.finding import UnknownError
from node.preflight.once import in_thread

if TYPE_CHECKING:
    from node.chain.configurations import Installed
    from node.chain.types import Landed
    from node.journal import Journal
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

_PARTS: Final = ("journal.schema", "journal.integrity", "journal.identity", "journal.age")


@dataclass(frozen=True)
class _Wanted:
    """What the journal is held against; `record` is what the chain holds of this key, None where that is unknown."""

    identity: str
    address: str
    chain_id: int
    oracle: str
    record: tuple[Sequence[Landed], Installed] | None
    unknown: str = ""


@dataclass
class _Told:
    """What was found in a thread: (verdict's method, code, detail, remedy)."""

    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, how: str, code: str, detail: str, remedy: str = "") -> None:
        self.lines.append((how, code, detail, remedy))


async def check(facts: Facts, notes: Notes) -> None:
    """Note who holds the journal, and how sound it is."""
    from node.journal.store import FILE_NAME

    directory = facts.config.node.directory
    path, running = directory / FILE_NAME, facts.running
    if running:
        notes.ok("journal.lock", f"in use by a running node ({running}): it is read beside it")
    else:
        notes.ok("journal.lock", "no node runs from this folder")
    wanted = await _wanted(facts)
    try:
        await in_thread(path.stat)
    except (FileNotFoundError, NotADirectoryError):
        for code in _PARTS[:-1]:
            notes.skip(code, "there is no journal yet: the first start makes one")
        _check_absent(wanted, notes)
        return
    except OSError as error:
        notes.fault("journal.lock", f"{path} cannot be looked at: {error.strerror}")
        for code in _PARTS:
            notes.skip(code, "it cannot be looked at")
        return
    told = await in_thread(lambda: _look(path, bool(running), wanted))
    for how, code, detail, remedy in told.lines:
        if how == "ok":
            notes.ok(code, detail)
        elif how == "skip":
            notes.skip(code, detail)
        elif how == "warn":
            notes.warn(code, detail, remedy=remedy)
        else:
            notes.fault(code, detail, remedy=remedy)


async def _wanted(facts: Facts) -> _Wanted:
    chosen = facts.config.chain
    address, record, unknown = "", None, ""
    try:
        address = facts.address
        network = await facts.network.get()
        record = await network.newest.get(), await network.installed.get()
    except (UnknownError, ChainError) as error:
        unknown = str(error)
    identity = f"chain {chosen.id}, oracle {chosen.oracle}"
    return _Wanted(identity, address, chosen.id, chosen.oracle, record, unknown)


def _check_absent(wanted: _Wanted, notes: Notes) -> None:
    """Where there is no journal, the chain must not know of anything that this key has signed."""
    if wanted.record is None:
        notes.skip("journal.age", wanted.unknown)
        return
    reports, installed = wanted.record
    named = [one for one in reports if _names(one, wanted.address, installed, None)]
    if named:
        notes.fault(
            "journal.age",
            f"there is no journal, and the chain holds a report of feed {named[0].feed} for checkpoint "
            f"{named[0].checkpoint} that this key signed: a node without that journal could sign twice",
        )
    else:
        notes.ok("journal.age", "there is none, and no report on chain has this key's signature")


def _look(path: Path, running: bool, wanted: _Wanted) -> _Told:
    """Look at the file in place beside a node that runs, and otherwise at a copy, which may be brought up to date."""
    told = _Told()
    with tempfile.TemporaryDirectory(prefix="patina-check-") as folder:
        looked_at = path
        try:
            if not running:
                looked_at = _copy(path, Path(folder))
            sound = _look_inside(looked_at, told, running)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                told.add("skip", "journal.integrity", f"there is no room for a copy of it in {folder}")
            else:
                told.add("fault", "journal.lock", f"{path} cannot be read: {error.strerror}")
            sound = False
        if not sound:
            for code in _PARTS:
                if code not in [line[1] for line in told.lines]:
                    told.add("skip", code, "the file cannot be used so far")
            return told
        _hold(looked_at.parent, wanted, told, running)
    return told


def _copy(path: Path, folder: Path) -> Path:
    """Copy a journal that nobody writes to, and the log beside it: what a killed node has committed may stand there."""
    for name in (path.name, f"{path.name}-wal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(path.with_name(name), folder / name)
    return folder / path.name


def _look_inside(path: Path, told: _Told, running: bool) -> bool:
    """Schema and integrity; whether the rest can be looked at."""
    from node.journal.schema import migrations

    known = len(migrations()._migrations)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            verdict = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        told.add("fault", "journal.integrity", f"SQLite cannot read it: {error}")
        return False
    if verdict == ["ok"]:
        told.add("ok", "journal.integrity", "every page and index is sound")
    else:
        told.add("fault", "journal.integrity", f"SQLite finds: {'; '.join(map(str, verdict))[:200]}")
        return False
    if version == known:
        told.add("ok", "journal.schema", f"version {version}, this software's")
    elif version > known:
        told.add("fault", "journal.schema", f"version {version}, this software knows {known}")
        return False
    elif running:
        told.add(
            "warn", "journal.schema", f"version {version}, this software's is {known}: the node that runs is older",
            "restart the node with this software",
        )  # fmt: skip
        return False
    return True


def _hold(folder: Path, wanted: _Wanted, told: _Told, running: bool) -> None:
    """Whose journal it is, and whether it is as new as what chain and machine know of the key."""
    from node.journal import Journal

    try:
        with Journal(folder, read_only=running) as journal:
            if "journal.schema" not in [line[1] for line in told.lines]:
                told.add("ok", "journal.schema", "older than this software; a copy of it was brought up to date")
            _hold_identity(journal, wanted, told)
            _hold_age(journal, wanted, told)
    except JournalError as error:
        # The copy's own place says nothing to an operator.
        text = str(error).replace(f"{folder}/", "")
        told.add("fault", "journal.schema", f"cannot be opened or brought up to date: {text}",
                 "restore a backup of the journal, or the software that wrote it")  # fmt: skip


def _hold_identity(journal: Journal, wanted: _Wanted, told: _Told) -> None:
    signer = journal.protection.signer
    if journal.identity not in (None, wanted.identity):
        told.add("fault", "journal.identity", f"belongs to {journal.identity}, configured is {wanted.identity}")
    elif wanted.address and signer not in (None, wanted.address):
        told.add("fault", "journal.identity", f"protects {signer}, the configured key is {wanted.address}")
    elif journal.protection.retired:
        told.add("fault", "journal.identity", "is retired: its key's protection was exported from it",
                 "run the node where the protection was imported; never bring this journal back")  # fmt: skip
    else:
        told.add("ok", "journal.identity", f"{wanted.identity}, key {signer or 'not bound yet'}")


def _hold_age(journal: Journal, wanted: _Wanted, told: _Told) -> None:
    from node.journal.safety.lock import state_directory
    from node.journal.safety.protection import explain
    from node.journal.safety.trail import Trail

    protection = journal.protection
    if wanted.address:
        protection.follow(Trail(state_directory(), wanted.address, wanted.chain_id, wanted.oracle))
    named = []
    if wanted.record is not None:
        reports, installed = wanted.record
        named = [one for one in reports if _names(one, wanted.address, installed, journal)]
        protection.unsettled(named)
    if doubts := protection.doubts():
        told.add("fault", "journal.age", explain(doubts))
    elif wanted.record is None:
        told.add("skip", "journal.age", f"this machine remembers nothing newer; the chain's record: {wanted.unknown}")
    else:
        told.add("ok", "journal.age", f"knows all {len(named)} of the feeds' newest reports that this key signed"
                 if named else "none of the feeds' newest reports has this key's signature")  # fmt: skip


def _names(report: Landed, address: str, installed: Installed, journal: Journal | None) -> bool:
    """Whether a report on chain carries this key's signature or vote, under a configuration that is known here."""
    committee = installed.of(report.config_digest)
    seat = None
    if committee is not None:
        seat = committee.signers.index(address) if address in committee.signers else None
    elif journal is not None:
        seat = journal.configurations.seat(report.config_digest, address)
    return seat is not None and bool(report.signers >> seat & 1)
