"""Backups in a node's own folder: their names, the one before each migration, and how many of those are kept."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from node.errors import JournalError
from node.journal.backup.copy import write_copy

if TYPE_CHECKING:
    from node.journal.schema import Standing

FOLDER: Final = "backups"
KEPT: Final = 5
"""How many backups from before migrations are kept; those that a person made are never removed."""
_BEFORE: Final = re.compile(r"journal-[0-9]{4}-before-[0-9]{4}-([0-9]{8}T[0-9]{6}\.[0-9]{3}Z)\.db")

log = structlog.get_logger("journal")


def name(version: str, why: str = "") -> str:
    """Return what a backup made now is called: schema version, why it was made, and when (UTC)."""
    now = datetime.now(UTC)
    stamp = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1_000:03d}Z"
    return "-".join(["journal", version, *([why] if why else []), stamp]) + ".db"


def before_migration(connection: sqlite3.Connection, directory: Path, schema: Standing) -> Path:
    """Keep a checked copy of a journal that is about to be migrated, and let go of the oldest such copies.

    Raises:
        JournalError: it cannot be made; then nothing must be migrated.
    """
    target = directory / FOLDER / name(schema.version, f"before-{schema.pending[-1][:4]}")
    try:
        write_copy(connection, target)
    except JournalError as error:
        raise JournalError(f"the journal is not migrated, since no backup of it can be made first: {error}") from None
    log.info("journal saved before its schema changes", file=str(target), steps=list(schema.pending))
    prune(directory)
    return target


def prune(directory: Path) -> list[Path]:
    """Remove all but the newest KEPT backups from before migrations; return what was removed."""
    gone = _made_before_migrations(directory)[:-KEPT]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def kept(directory: Path) -> list[Path]:
    """Return every backup in a node's folder, the oldest first."""
    found = [path for path in (directory / FOLDER).glob("journal-*.db") if path.is_file()]
    return sorted(found, key=lambda path: (path.name.rpartition("-")[2], path.name))


def _made_before_migrations(directory: Path) -> list[Path]:
    found = ((_BEFORE.fullmatch(path.name), path) for path in (directory / FOLDER).glob("journal-*.db"))
    return [path for _, path in sorted((match[1], path) for match, path in found if match)]
