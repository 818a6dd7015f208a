"""Says what a file is before it is trusted as a journal: whole, ours, of which schema, of which key and network."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.errors import JournalError, printable
from node.journal.explained import explained

if TYPE_CHECKING:
    from sqlite_utils import Database

    from node.journal.schema import Standing

MAGIC: Final = b"SQLite format 3\0"
"""The first 16 bytes of every SQLite file (https://www.sqlite.org/fileformat.html, section 1.3)."""


class NewerJournalError(JournalError):
    """A journal whose schema this version of the node does not know."""


_MIGRATIONS: Final = "_sqlite_migrations"

Columns = dict[str, list[tuple[str, str, int, int]]]


@dataclass(frozen=True, slots=True)
class Examined:
    """A journal, or a copy of one, that is whole. `identity` and `signer` are None before a node's first start."""

    path: Path
    bytes: int
    schema: Standing
    identity: str | None
    signer: str | None


def examine(path: Path) -> Examined:
    """Look through a whole file, page by page, and change nothing in it.

    Raises:
        JournalError: there is no such file, it is damaged, another program's, or a newer version's.
    """
    check_header(path)
    with explained(path, "examine"), closing(open_read_only(path)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise JournalError(f"{path}: is damaged and cannot be used ({printable(str(verdict))})")
        return described(connection, path)


def check_header(path: Path) -> None:
    """Return where `path` is a SQLite file, as far as its first bytes say.

    Raises:
        JournalError: it is none, or cannot be read.
    """
    if not path.is_file():
        raise JournalError(f"{path}: there is no such file" if not path.exists() else f"{path}: is no regular file")
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror})") from None
    if head != MAGIC:
        raise JournalError(f"{path}: is no journal and no copy of one (it is not a SQLite file)")


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a file that nobody vouches for: nothing in its schema may act, nothing of it can be changed."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def described(connection: sqlite3.Connection, path: Path) -> Examined:
    """Return what an open file is, and check that its tables are those of a journal of its schema version.

    Raises:
        JournalError: it is another program's, a newer version's, or its tables are others than a journal's.
    """
    from sqlite_utils import Database

    from node.journal.schema import Standing, migrations

    steps = migrations()
    db = Database(connection, execute_plugins=False)
    known = tuple(step.name for step in steps._migrations)
    applied = tuple(step.name for step in steps.applied(db))
    if not applied:
        raise JournalError(f"{path}: is a SQLite file of another program, not a journal")
    unknown = sorted(set(applied) - set(known))
    if unknown:
        raise NewerJournalError(
            f"{path}: was written by a newer version of the node (it has {printable(unknown[-1], 80)}): upgrade the "
            "node, then try again"
        )
    if _tables(db) != _expected(applied):
        raise JournalError(f"{path}: its tables are not those of a journal with schema {max(applied)[:4]}")
    (size,) = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    told = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('identity', 'signer')").fetchall())
    pending = tuple(name for name in known if name not in applied)
    return Examined(path, int(size), Standing(applied, pending), told.get("identity"), told.get("signer"))


def _expected(applied: tuple[str, ...]) -> Columns:
    """The tables that these migrations make."""
    from sqlite_utils import Database

    from node.journal.schema import migrations

    with closing(sqlite3.connect(":memory:")) as connection:
        db = Database(connection, execute_plugins=False)
        for step in migrations()._migrations:
            if step.name in applied:
                step.fn(db)
        return _tables(db)


def _tables(db: Database) -> Columns:
    """Every table, its columns, and how it and each index was declared; what a journal never has (views, triggers)
    stands among them, and so makes a difference.

    Columns alone would not tell of `ON CONFLICT IGNORE`, with which a file made for that drops what it should keep. The
    table of migrations itself is sqlite-utils' own, and differs between its versions.
    """
    sql = (
        "SELECT type, name, sql FROM sqlite_master "
        "WHERE NOT (tbl_name = ? AND type IN ('table', 'index')) AND name NOT GLOB 'sqlite_*'"
    )
    found: Columns = {}
    for kind, name, declared in db.execute(sql, (_MIGRATIONS,)).fetchall():
        rows = db.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)).fetchall()
        found[f"{kind} {name}: {' '.join(str(declared).split())}"] = [
            (str(row[0]), str(row[1]), int(row[2]), int(row[3])) for row in rows
        ]
    return found
