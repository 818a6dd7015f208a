"""`patina tx`: read beside a running node, one line a transaction, one sentence for each that waits."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.journal import AttemptRow, Journal
from tests.unit.cli.test_protection import make_node

SENDER, ORACLE = "0x" + "11" * 20, "0x" + "22" * 20
HASH = bytes.fromhex("ab" * 32)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    folder = make_node(tmp_path / "node", b"k" * 32)
    with Journal(folder / "state") as journal:
        for key in ("report 0a1b2c3d 1 40 0", "vote 0a1b2c3d 1 50", "[red]odd\x1b"):
            journal.transactions.queue(key, SENDER, ORACLE, b"\x01\x02", 0, 100_000)
        first, second = journal.transactions.get("report 0a1b2c3d 1 40 0"), journal.transactions.get("[red]odd\x1b")
        assert first is not None
        assert second is not None
        journal.transactions.sign(first.id, 7, AttemptRow(HASH, first.id, b"raw", 2 * 10**10, 10**9))
        journal.transactions.cancel(second.id, "it had become pointless")
    return folder


def tx(folder: Path, *arguments: str) -> Result:
    return CliRunner(env={"PATINA_CONFIG": str(folder)}).invoke(main, ["tx", *arguments])


def test_list__while_a_node_holds_the_journal__each_with_what_it_waits_for(node: Path) -> None:
    with Journal(node / "state"):
        shown = tx(node, "list")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["state", "nonce", "age", "gas", "ether", "for", "hash"]
    for part in ("report of feed 1, checkpoint 40, view 0", "0xabababab", "up to 0.002", "[red]odd?", "cancelled"):
        assert part in shown.stdout
    assert "no endpoint has taken it yet" in " ".join(shown.stdout.split())
    assert "\x1b" not in shown.stdout


def test_list__state_given__only_those(node: Path) -> None:
    assert [one["state"] for one in json.loads(tx(node, "list", "--state", "open", "--json").stdout)] == [
        "queued",
        "signed",
    ]
    assert len(json.loads(tx(node, "list", "--state", "cancelled", "--json").stdout)) == 1
    assert "no transactions that are final" in tx(node, "list", "--state", "final").stdout


def test_list__more_than_are_asked_for__those_that_wait_are_shown_all_the_same(node: Path) -> None:
    assert [one["state"] for one in json.loads(tx(node, "list", "-n", "1", "--json").stdout)] == [
        "cancelled",
        "queued",
        "signed",
    ]


@pytest.mark.parametrize("which", ["report 0a1b2c3d 1 40 0", "7", "0xabab", "ab" * 32])
def test_show__by_key_nonce_or_hash__all_there_is(node: Path, which: str) -> None:
    shown = tx(node, "show", which)
    assert shown.exit_code == 0, shown.output
    for part in ("report of feed 1", "nonce    7", "limit 100,000", "1: 0x" + "ab" * 32, "taken by none yet"):
        assert part in shown.stdout
    told = json.loads(tx(node, "show", which, "--json").stdout)
    assert (told["calldata"], told["attempts"][0]["hash"]) == ("0x0102", "0x" + "ab" * 32)


@pytest.mark.parametrize(
    ("which", "said"), [("ab", "at least 4 digits"), ("99", "holds no transaction"), ("zzzz", "no")]
)
def test_show__none_that_fits__says_what_to_give(node: Path, which: str, said: str) -> None:
    refused = tx(node, "show", which)
    assert refused.exit_code == 1
    assert said in refused.stderr


def test_list__journal_of_an_older_schema__says_how_to_go_on(node: Path) -> None:
    with closing(sqlite3.connect(node / "state" / "journal.db")) as db:
        for column in ("queued_at", "gas_used", "gas_price"):
            db.execute(f"ALTER TABLE transactions DROP COLUMN {column}")
        db.execute("ALTER TABLE attempts DROP COLUMN signed_at")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = '0011_times'")
        db.execute("PRAGMA user_version = 9")
        db.commit()
    refused = tx(node, "list")
    assert refused.exit_code == 1
    assert "patina db migrate" in refused.stderr
    assert CliRunner(env={"PATINA_CONFIG": str(node)}).invoke(main, ["db", "migrate"]).exit_code == 0
    assert tx(node, "list").exit_code == 0
