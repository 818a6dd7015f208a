"""`patina db`: copies, restores and migrations as an operator sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.journal import Journal
from tests.unit.cli.test_protection import CONFIG, make_node


@pytest.fixture
def node(tmp_path: Path) -> Path:
    folder = make_node(tmp_path / "node", b"k" * 32)
    with Journal(folder / "state") as journal:
        journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
    return folder


def db(folder: Path, *arguments: str | Path, answer: str | None = None) -> Result:
    runner = CliRunner(env={"PATINA_CONFIG": str(folder), "XDG_STATE_HOME": str(folder / "user")})
    return runner.invoke(main, ["db", *map(str, arguments)], input=answer)


def test_backup_restore__there_and_back__says_what_was_done_and_the_node_can_sign(node: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    made = db(node, "backup", file)
    assert made.exit_code == 0, made.output
    assert "schema 00" in made.stdout
    assert "whole" in made.stdout
    with Journal(node / "state") as journal:
        journal.attest(CONFIG, 1, 20, 0, b"a" * 32, b"")
    refused = db(node, "restore", file, answer="n\n")
    assert refused.exit_code == 1
    done = db(node, "restore", file, answer="y\n")
    assert done.exit_code == 0, done.output
    assert "1 rounds that the backup does not know, 1 of them closed" in done.stdout
    assert "signs nothing that contradicts what this key has signed; start it: patina run" in done.stdout
    with Journal(node / "state") as journal:
        assert journal.attestations.count() == 2


def test_backup__no_name_given__goes_beside_the_journal_named_by_schema_and_time(node: Path) -> None:
    told = json.loads(db(node, "backup", "--json").stdout)
    assert Path(told["file"]).parent == node / "state" / "backups"
    assert Path(told["file"]).name.startswith(f"journal-{told['schema']}-2")


def test_restore__journal_lost__says_that_nothing_is_signed_and_what_to_do(node: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    db(node, "backup", file)
    (node / "state" / "journal.db").unlink()
    done = db(node, "restore", file, "--yes")
    assert done.exit_code == 1
    assert "patina protection resolve" in done.stdout
    assert db(node, "restore", file, "--yes", "--json").exit_code == 1


def test_restore__something_else__one_clear_line(node: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    refused = db(node, "restore", tmp_path / "photo.png", "--yes")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "is no journal" in refused.stderr


def test_migrate__up_to_date__says_so(node: Path) -> None:
    assert "nothing to do" in db(node, "migrate").stdout


def test_status__says_what_it_is_and_names_backups(node: Path) -> None:
    db(node, "backup")
    shown = db(node, "status")
    assert shown.exit_code == 0, shown.output
    for part in ("whole", "none yet: the node has never run", "attestations 1", "backups/journal-"):
        assert part in shown.stdout
    told = json.loads(db(node, "status", "--json", "--quick").stdout)
    assert told["rows"]["attestations"] == 1
    assert told["whole"] is None
    assert len(told["backups"]) == 1


def test_db__no_journal__says_where_it_looked(tmp_path: Path) -> None:
    folder = make_node(tmp_path / "node", b"k" * 32)
    for command in ("backup", "status", "migrate"):
        refused = db(folder, command)
        assert refused.exit_code == 1
        assert "there is no journal in" in refused.stderr
