"""`patina protection`: plain words, private files, and nothing done by halves."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.cli import protection as command
from node.config.text import render_toml
from node.errors import JournalError
from node.journal import Journal
from node.keys.secrets import Secret
from node.keys.signing import EthKeystore
from tests.unit.paper import make_landed

CONFIG = b"c" * 32


@pytest.fixture
def key() -> bytes:
    return b"k" * 32


def make_node(folder: Path, key: bytes, oracle: str = "0x1111111111111111111111111111111111111111") -> Path:
    EthKeystore.import_key(folder / "keys" / "signing.json", key, Secret("x"), scrypt_n=2)
    chain = {"id": 1, "oracle": oracle, "endpoints": ["http://127.0.0.1:9"]}
    (folder / "config.toml").write_text(render_toml({"chain": chain, "gossip": {"brokers": [{"url": "mqtt://a"}]}}))
    return folder


@pytest.fixture
def node(tmp_path: Path, key: bytes) -> Path:
    folder = make_node(tmp_path / "node", key)
    with Journal(folder / "state") as journal:
        journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
    return folder


def protection(folder: Path, *arguments: str | Path, answer: str | None = None) -> Result:
    runner = CliRunner(env={"PATINA_CONFIG": str(folder), "XDG_STATE_HOME": str(folder / "user")})
    return runner.invoke(main, ["protection", *map(str, arguments)], input=answer)


def test_export_import__another_folder__says_what_was_done(node: Path, key: bytes, tmp_path: Path) -> None:
    file = tmp_path / "protection.json"
    exported = protection(node, "export", file)
    assert exported.exit_code == 0, exported.output
    assert "1 rounds of 0x" in exported.output
    assert "checkpoint 10" in exported.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = protection(node, "export", file)
    assert again.exit_code == 1
    assert "never overwritten" in again.output
    other = make_node(tmp_path / "other", key)
    imported = protection(other, "import", file)
    assert imported.exit_code == 0, imported.output
    assert "1 rounds, 1 of them news; 1 were closed" in imported.output
    with Journal(other / "state") as journal, pytest.raises(JournalError):
        journal.attest(CONFIG, 1, 10, 1, b"b" * 32, b"")


def test_import__foreign_signers_file__is_refused(node: Path, tmp_path: Path) -> None:
    file = tmp_path / "protection.json"
    protection(node, "export", file)
    stranger = make_node(tmp_path / "stranger", b"s" * 32)
    refused = protection(stranger, "import", file)
    assert refused.exit_code == 1
    assert "another signing key" in refused.output
    assert len(refused.output.strip().splitlines()) == 1


def test_import__not_a_protection_file__one_clear_error_that_repeats_none_of_it(node: Path, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text('{"key": "planted-secret-81"}')
    refused = protection(node, "import", file)
    assert refused.exit_code == 1
    assert "not a whole protection file" in refused.output
    assert "planted-secret-81" not in refused.output


def test_export__retire__journal_never_signs_again(node: Path, tmp_path: Path) -> None:
    done = protection(node, "export", tmp_path / "p.json", "--retire")
    assert done.exit_code == 0, done.output
    with Journal(node / "state") as journal, pytest.raises(JournalError, match="retired"):
        journal.attest(CONFIG, 1, 99, 0, b"b" * 32, b"")
    assert "never signs again" in protection(node, "show").output
    back = protection(node, "import", tmp_path / "p.json")
    assert back.exit_code == 1
    assert "is retired" in back.output


def test_export__no_journal_or_one_in_use__is_refused(node: Path, key: bytes, tmp_path: Path) -> None:
    empty = make_node(tmp_path / "empty", key)
    refused = protection(empty, "export", tmp_path / "p.json")
    assert refused.exit_code == 1
    assert "there is no journal" in refused.output
    assert not (empty / "state").exists()
    with Journal(node / "state"):
        busy = protection(node, "export", tmp_path / "p.json")
    assert busy.exit_code == 1
    assert "in use by process" in busy.output
    assert not (tmp_path / "p.json").exists()


def test_show__doubt__is_told_and_fails(node: Path) -> None:
    assert protection(node, "show").exit_code == 0
    with Journal(node / "state") as journal:
        journal.protection.settled(make_landed(20, 22))
    shown = protection(node, "show")
    assert shown.exit_code == 1
    for part in ("1 reports, the newest for checkpoint 10", "older than what its key has signed", "checkpoint 20"):
        assert part in shown.output


def test_resolve__states_the_risk_and_asks__and_then_gives_the_rounds_up(node: Path) -> None:
    with Journal(node / "state") as journal:
        journal.protection.settled(make_landed(20, 22))
    declined = protection(node, "resolve", "--after", "50", answer="n\n")
    assert declined.exit_code == 1
    assert "no other copy of this node runs" in declined.output
    with Journal(node / "state") as journal:
        assert journal.protection.doubts() != []
    early = protection(node, "resolve", "--after", "19", "--yes")
    assert early.exit_code == 1
    assert "too early" in early.output
    done = protection(node, "resolve", "--after", "50", answer="y\n")
    assert done.exit_code == 0, done.output
    assert "up to checkpoint 50" in done.output
    with Journal(node / "state") as journal:
        with pytest.raises(JournalError):
            journal.attest(CONFIG, 1, 50, 0, b"b" * 32, b"")
        assert journal.attest(CONFIG, 1, 60, 0, b"b" * 32, b"")


def test_resolve__no_block_named__takes_the_chains_newest(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def newest(_: object) -> int:
        return 77

    monkeypatch.setattr(command, "newest_block", newest)
    assert "up to checkpoint 77" in protection(node, "resolve", "--yes").output


def test_resolve__chain_cannot_be_read__changes_nothing(node: Path) -> None:
    refused = protection(node, "resolve", "--yes")
    assert refused.exit_code == 1
    with Journal(node / "state") as journal:
        assert journal.protection.floor == -1
