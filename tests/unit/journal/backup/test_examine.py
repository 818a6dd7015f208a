"""What may be taken for a journal: nothing but a whole one, with its own tables, of a schema that is known."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.errors import JournalError
from node.journal.backup.examine import examine
from tests.unit.journal.backup.conftest import SIGNER, fill


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    fill(tmp_path / "state", range(10, 12))
    return tmp_path / "state" / "journal.db"


def change(journal: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(journal)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return journal


def test_examine__journal__says_whose_it_is_and_changes_nothing(journal: Path) -> None:
    before = journal.read_bytes()
    found = examine(journal)
    assert (found.signer, found.identity) == (SIGNER, "chain 31337, oracle 0x1111111111111111111111111111111111111111")
    assert found.schema.pending == ()
    assert journal.read_bytes() == before


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ["INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('journal', '9999_later', '')"],
            "newer version of the node .it has 9999_later.: upgrade the node",
        ),
        (["CREATE TRIGGER t AFTER INSERT ON marks BEGIN DELETE FROM attestations; END"], "its tables are not those"),
        (["CREATE TRIGGER a_sqlite_b AFTER INSERT ON marks BEGIN SELECT 1; END"], "its tables are not those"),
        (["CREATE TRIGGER _sqlite_migrations AFTER INSERT ON marks BEGIN SELECT 1; END"], "its tables are not those"),
        (["CREATE UNIQUE INDEX one ON evidence (config)"], "its tables are not those"),
        (["CREATE VIEW v AS SELECT 1"], "its tables are not those"),
        (["DROP TABLE marks"], "its tables are not those"),
        (["ALTER TABLE attestations RENAME COLUMN digest TO other"], "its tables are not those"),
    ],
)
def test_examine__schema_that_is_not_ours__is_refused(journal: Path, statements: list[str], said: str) -> None:
    with pytest.raises(JournalError, match=said):
        examine(change(journal, *statements))


@pytest.mark.parametrize("clause", ["ON CONFLICT IGNORE", "ON CONFLICT REPLACE", "ON CONFLICT ROLLBACK"])
def test_examine__table_that_would_drop_what_it_should_keep__is_refused(journal: Path, clause: str) -> None:
    unique = "UNIQUE (config, feed, checkpoint, view)"
    change(
        journal,
        "PRAGMA writable_schema=ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{unique}', '{unique} {clause}') WHERE name = 'attestations'",
    )
    with pytest.raises(JournalError, match="its tables are not those"):
        examine(journal)


def test_examine__another_programs_database__is_told_apart(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
        connection.execute("CREATE TABLE attestations (id)")
    with pytest.raises(JournalError, match="another program"):
        examine(tmp_path / "history.db")


@pytest.mark.parametrize("content", [b"", b"SQLite format", b'{"key": "planted-81"}', bytes(8_192)])
def test_examine__no_database_at_all__is_one_sentence_without_its_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(JournalError, match="is no journal and no copy of one") as caught:
        examine(tmp_path / "file")
    assert "planted" not in str(caught.value)


def test_examine__folder_or_nothing__is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no regular file"):
        examine(tmp_path)
    with pytest.raises(JournalError, match="no such file"):
        examine(tmp_path / "nothing")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 41), noise=st.binary(min_size=64, max_size=512))
def test_examine__any_page_overwritten__nothing_but_a_journal_error(journal: Path, place: int, noise: bytes) -> None:
    whole = journal.read_bytes()
    raw = bytearray(whole)
    raw[place * 4_096 : place * 4_096 + len(noise)] = noise
    damaged = journal.with_name("damaged.db")
    damaged.write_bytes(raw)
    with suppress(JournalError):
        examine(damaged)
    assert journal.read_bytes() == whole
