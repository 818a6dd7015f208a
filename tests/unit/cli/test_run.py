"""`patina run`: the configuration is checked first, and why a node ended is one message."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node import daemon
from node.cli import main
from node.config.directory import create_node_folder
from node.errors import ChainError
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT

SETTINGS: dict[str, Any] = {
    "chain": {
        "id": 31337,
        "oracle": "0xdD870fA1b7C4700F2BD7f44238821C26f7392148",
        "endpoints": ["http://127.0.0.1:8545"],
    },
    "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1883"}]},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    create_node_folder(
        tmp_path / "node", SETTINGS, Secret("planted-run-password"), keep_password=True, scrypt_n=SCRYPT_N_LIGHT
    )
    monkeypatch.setattr("node.log.lines.configure", lambda level, style: None)  # the tests' own logging stays as it is
    return tmp_path / "node"


def test_run__good_folder__runs_the_node_with_its_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[int, Any]] = []

    async def run_node(config: Any, ask: Any, beside: Any) -> None:
        await asyncio.sleep(0)
        ran.append((config.chain.id, ask))

    monkeypatch.setattr(daemon, "run_node", run_node)
    result = CliRunner().invoke(main, ["run", "--config", str(folder)])
    assert result.exit_code == 0, result.output
    assert ran == [(31337, None)]  # nobody sits at a terminal here


def test_run__node_that_must_not_go_on__is_one_message_and_status_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run_node(config: Any, ask: Any, beside: Any) -> None:
        raise ChainError("the endpoint serves chain 1, the configuration says 31337")

    monkeypatch.setattr(daemon, "run_node", run_node)
    result = CliRunner().invoke(main, ["run", "--config", str(folder)])
    assert result.exit_code == 1
    assert result.stderr.startswith("patina: the endpoint serves chain 1, the configuration says 31337\n")
    assert f"(patina check --config {folder} tests everything" in result.stderr


def test_run__missing_key__is_said_before_anything_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "run_node", None)
    (folder / "keys" / "signing.json").unlink()
    result = CliRunner().invoke(main, ["run", "--config", str(folder)])
    assert result.exit_code == 1
    assert "keys.signing_keystore" in result.stderr
    assert "Traceback" not in result.output


def test_run__no_folder__says_how_to_get_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--config", str(tmp_path)])
    assert result.exit_code == 1
    told = "there is no such file; make one with patina init, or name another with --config"
    assert result.stderr == f"patina: {tmp_path / 'config.toml'}: {told}\n"
