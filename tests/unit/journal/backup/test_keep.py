"""Before a schema changes, a checked copy of the journal lies beside it; without one, nothing is changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node.errors import JournalError
from node.journal import Journal, schema
from node.journal.backup import keep
from node.journal.backup.examine import examine
from tests.unit.journal.backup.conftest import CONFIG, killed


def old_journal(directory: Path, steps: int = 8) -> Path:
    """A journal as an older version of the node left it, with one signature in it."""
    directory.mkdir()
    path = directory / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        from sqlite_utils import Database

        db = Database(connection, execute_plugins=False)
        known = schema.migrations()
        names = [one.name for one in known._migrations]
        known.apply(db, stop_before=names[steps:])
        db.execute(f"PRAGMA user_version={steps}")
        db.execute("INSERT INTO attestations VALUES (1, ?, 1, 10, 0, ?, x'')", (CONFIG, b"d" * 32))
        connection.commit()
    return path


def test_open__older_schema__a_backup_named_by_versions_and_time_comes_first(tmp_path: Path) -> None:
    old_journal(tmp_path / "state")
    with Journal(tmp_path / "state") as journal:
        saved = journal.saved
        assert journal.attestations.count() == 1
        assert journal.transactions.queue("k", "0x", "0x", b"", 0, 1)
    [found] = keep.kept(tmp_path / "state")
    assert found == saved
    assert found.name.startswith(f"journal-0008-before-{schema.migrations()._migrations[-1].name[:4]}-")
    assert found.stat().st_mode & 0o777 == 0o600
    assert examine(found).schema.version == "0008"
    with Journal(tmp_path / "state") as journal:
        assert journal.saved is None


def test_open__new_folder_or_present_schema__no_backup(tmp_path: Path) -> None:
    for _ in range(2):
        with Journal(tmp_path / "state") as journal:
            assert journal.saved is None
    assert keep.kept(tmp_path / "state") == []


def test_open__backup_cannot_be_made__nothing_is_migrated(tmp_path: Path) -> None:
    old_journal(tmp_path / "state")
    (tmp_path / "state" / keep.FOLDER).write_text("in the way")
    with pytest.raises(JournalError, match="is not migrated, since no backup of it can be made first"):
        Journal(tmp_path / "state")
    assert examine(tmp_path / "state" / "journal.db").schema.version == "0008"


def test_open__killed_in_the_middle_of_migrating__next_start_goes_on_from_a_whole_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_journal(tmp_path / "state", steps=6)
    execute = schema._execute

    def work(die: object) -> None:
        def executing(db: object, statements: str) -> None:
            execute(db, statements)  # type: ignore[arg-type]
            if statements is schema.EQUIVOCATIONS:
                die()  # type: ignore[operator]

        monkeypatch.setattr(schema, "_execute", executing)
        Journal(tmp_path / "state")

    killed(work)
    assert examine(tmp_path / "state" / "journal.db").schema.version == "0007"
    with Journal(tmp_path / "state") as journal:
        assert journal.attestations.count() == 1
    assert examine(tmp_path / "state" / "journal.db").schema.pending == ()
    versions = {examine(path).schema.version for path in keep.kept(tmp_path / "state")}
    assert versions == {"0006", "0007"}


def test_open__another_programs_database_in_its_place__is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="another program"):
        Journal(tmp_path)
    assert path.read_bytes() == before


def test_prune__more_than_are_kept__oldest_go_and_a_persons_own_stay(tmp_path: Path) -> None:
    folder = tmp_path / keep.FOLDER
    folder.mkdir()
    stamps = [f"202601{day:02d}T000000.000Z" for day in range(1, 9)]
    for stamp in stamps:
        (folder / f"journal-0008-before-0011-{stamp}.db").touch()
        (folder / f"journal-0008-{stamp}.db").touch()
    keep.prune(tmp_path)
    left = [path.name for path in keep.kept(tmp_path)]
    assert [name for name in left if "before" in name] == [
        f"journal-0008-before-0011-{stamp}.db" for stamp in stamps[-keep.KEPT :]
    ]
    assert len([name for name in left if "before" not in name]) == 8
