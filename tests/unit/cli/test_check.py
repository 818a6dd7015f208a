"""`patina check` at the terminal and for programs."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.cli.check import document
from node.config.directory import create_node_folder
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT
from node.preflight.finding import Finding, Verdict
from node.preflight.subjects import SUBJECTS

SETTINGS: dict[str, Any] = {
    "chain": {
        "id": 31337,
        "oracle": "0xdD870fA1b7C4700F2BD7f44238821C26f7392148",
        "endpoints": ["http://127.0.0.1:1/v2/planted-check-endpoint-key"],
    },
    "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1"}]},
}
LOCAL = ["--only", "configuration", "--only", "machine", "--only", "notices"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    create_node_folder(
        tmp_path / "node", SETTINGS, Secret("planted-check-password"), keep_password=True, scrypt_n=SCRYPT_N_LIGHT
    )
    monkeypatch.setattr("node.log.lines.configure", lambda level, style: None)
    return tmp_path / "node"


def check(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["check", "--config", str(folder), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_check__sound_part__a_line_each_in_order_a_score_and_status_0(folder: Path) -> None:
    result = check(folder, *LOCAL)
    assert result.exit_code == 0, result.output
    assert re.findall(r"^[a-z]+$", result.stdout, re.MULTILINE) == ["configuration", "machine", "notices"]
    assert "  ok          configuration.permissions" in result.stdout
    assert re.search(r"-> write an apprise URL", result.stdout)
    assert re.search(r"^\d+ of \d+ ok, .*; nothing else was looked at$", result.stdout, re.MULTILINE)
    assert result.stderr == ""


def test_check__fault__status_1_and_what_to_do(folder: Path) -> None:
    (folder / "keys" / "password").chmod(0o644)
    result = check(folder, *LOCAL)
    assert result.exit_code == 1
    assert f"-> run: chmod 600 {folder / 'keys' / 'password'}" in result.stdout
    end = result.stdout.rpartition("; ready to run: no\n")[2]
    assert end.startswith("\nat fault: configuration.permissions (")
    assert f"    -> run: chmod 600 {folder / 'keys' / 'password'}\n" in end
    assert end.endswith(f"\nthen: patina check --config {folder} --only configuration\n")


def test_check__json__for_programs_alone(folder: Path) -> None:
    found = json.loads(check(folder, *LOCAL, "--json").stdout)
    assert found["ready"] is True
    assert found["score"]["faults"] == 0
    assert {one["subject"] for one in found["findings"]} == {"configuration", "machine", "notices"}
    assert set(found["findings"][0]) == {"subject", "code", "about", "verdict", "detail", "remedy"}


def test_check__skip__leaves_out_what_is_named(folder: Path) -> None:
    skipped = [word for subject in SUBJECTS if subject != "configuration" for word in ("--skip", subject)]
    assert {one["subject"] for one in json.loads(check(folder, *skipped, "--json").stdout)["findings"]} == {
        "configuration"
    }
    assert check(folder, *skipped, "--skip", "configuration").exit_code == 2


def test_check__no_configuration__one_fault_and_how_to_get_one(tmp_path: Path) -> None:
    result = check(tmp_path, "--json", "--skip", "renderer")
    found = json.loads(result.stdout)["findings"]
    assert result.exit_code == 1
    faults = [one for one in found if one["verdict"] == "fault"]
    assert [one["code"] for one in faults] == ["configuration.settings"]
    assert "patina init" in faults[0]["remedy"]
    assert not list(tmp_path.iterdir())


def test_document__secret_that_is_a_common_word__masked_in_details_and_in_nothing_else() -> None:
    Secret("renderer")
    found = [Finding("renderer", "renderer.time", Verdict.FAULT, "told renderer\x1b[2J", "use renderer", "renderer")]
    told = document(found)["findings"][0]
    assert told == {
        "subject": "renderer", "code": "renderer.time", "about": "***", "verdict": "fault",
        "detail": "told ***?[2J", "remedy": "use ***",
    }  # fmt: skip


def test_check__somebody_watches__says_what_it_is_at_and_wraps_lines(folder: Path) -> None:
    primary, secondary = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", "check", "-c", str(folder), *LOCAL],
        stdout=secondary, stderr=secondary, stdin=subprocess.DEVNULL, check=False, timeout=120,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    )  # fmt: skip
    os.close(secondary)
    shown = os.read(primary, 1 << 16).decode()
    os.close(primary)
    assert done.returncode == 0, shown
    assert "checking configuration, machine, notices ..." in shown
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)
    kept = [
        line.rpartition("\r")[2] if "checking" not in line else "" for line in plain.replace("\r\n", "\n").split("\n")
    ]
    # A word that is longer than the line, such as a path, is left whole.
    assert all(len(line) < 100 or len(line[40:].split()) == 1 for line in kept), kept
    assert any(line.startswith("    -> ") for line in kept)


def test_check__planted_secrets__in_no_output(folder: Path) -> None:
    (folder / "config.toml").open("a").write('[weather]\nurl = "https://host/v2/planted-check-endpoint-key"\n')
    result = check(folder, "--only", "keys", "--only", "configuration")
    assert result.exit_code == 1
    assert "weather" in result.stdout
    for secret in ("planted-check-endpoint-key", "planted-check-password"):
        assert secret not in result.output
