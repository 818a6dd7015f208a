"""`patina notices`: what was told is shown beside a running node, and a test says which target took it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli import main
from node.journal import Journal
from node.journal.notices import NoticeRow
from node.notices import courier
from tests.unit.notices.test_targets import CONFIG

TOKEN = "planted-token-of-a-chat-5566"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG + 'targets_file = "targets"\n')
    (tmp_path / "targets").write_text(f"phone critical discord://4174216298/{TOKEN}\njson://localhost:9/{TOKEN}\n")
    (tmp_path / "targets").chmod(0o600)
    monkeypatch.delenv("PATINA_NOTICE_TARGETS", raising=False)
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["notices", *words, "--config", str(folder)])
    return result.exit_code, result.output


def sent(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[Any]:
    """Have messages answered so, one after the other; return what is sent."""
    messages: list[Any] = []

    async def carry(self: courier.Courier, target: Any, message: Any) -> str:
        messages.append((target.name, message))
        return answers[len(messages) - 1]

    monkeypatch.setattr(courier.Courier, "__call__", carry)
    return messages


def test_test__every_target__is_told_and_what_did_not_take_it_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = sent(monkeypatch, "", "error=403")
    status, output = run(folder, "test")
    assert status == 1
    first, second = output.splitlines()
    assert first.split()[:2] == ["phone", "discord://***"]
    assert first.endswith("from critical on   took it")
    assert second.endswith("from info on   did not take it: error=403")
    assert [name for name, _ in messages] == ["phone", "json"]
    assert messages[0][1].title == "Patina patina: test message"
    assert TOKEN not in output


def test_test__json_and_all_took_it__status_0(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(monkeypatch, "", "")
    status, output = run(folder, "test", "--json")
    assert status == 0
    assert [(each["name"], each["took"]) for each in json.loads(output)] == [("phone", True), ("json", True)]
    assert TOKEN not in output


def test_test__no_targets__says_how_to_name_some(folder: Path) -> None:
    (folder / "config.toml").write_text(CONFIG)
    status, output = run(folder, "test")
    assert status == 1
    assert "notices.targets_file" in output
    assert "docs/notices.md" in output


def test_list__node_that_told_things__shows_them_newest_first_while_it_runs(folder: Path) -> None:
    with Journal(folder / "state") as journal:
        journal.notices.add(NoticeRow(1_767_225_600_000, "low-balance", "warning", "begun", "0.01 ether."), ["phone"])
        journal.notices.add(NoticeRow(1_767_225_700_000, "low-balance", "warning", "over", "0.01 ether."), [])
        status, output = run(folder, "list")
        assert status == 0
        lines = output.splitlines()
        assert lines[0] == "2026-01-01T00:01:40Z  warning  low balance (over)"
        assert "2026-01-01T00:00:00Z  warning  low balance   (not taken yet by phone)" in lines
        assert "    The account that pays for transactions is nearly empty. 0.01 ether." in output
        _, output = run(folder, "list", "--json", "--last", "1")
    (notice,) = json.loads(output)
    assert (notice["code"], notice["phase"], notice["waiting"]) == ("low-balance", "over", [])


def test_list__node_that_never_ran_or_told_nothing__says_so(folder: Path) -> None:
    status, output = run(folder, "list")
    assert status == 1
    assert "once the node has run" in output
    Journal(folder / "state").close()
    assert run(folder, "list") == (0, "No notices yet.\n")


def test_list__journal_of_an_older_version__told_nothing_yet(folder: Path) -> None:
    with Journal(folder / "state") as journal:
        journal._store.execute("DROP TABLE undelivered")
        journal._store.execute("DROP TABLE notices")
    assert run(folder, "list", "--json") == (0, "[]\n")
