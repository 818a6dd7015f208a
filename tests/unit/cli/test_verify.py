"""`patina verify`: what it takes, what it prints, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.cli import verify as command
from node.cli.sources import where_to_look
from node.verify.sheet import Sheet, Status, Step
from node.verify.verification import Verification

COLLECTION = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
RPC, CONTENT = "http://127.0.0.1:1", "http://127.0.0.1:2"


def patina(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COLLECTION"),
        ([COLLECTION], "TOKEN"),
        ([COLLECTION, "first"], "first"),
        ([COLLECTION, "0"], "TOKEN"),
        ([COLLECTION, "1000001"], "--rpc"),
        ([COLLECTION, "1000001", "--rpc", RPC], "--content"),
        ([COLLECTION, "1000001", "--content", CONTENT], "--rpc"),
        ([COLLECTION, "1000001", "--rpc", "ftp://x", "--content", CONTENT], "--rpc: is not a URL of http"),
        ([COLLECTION, "1000001", "--rpc", RPC, "--content", "nowhere"], "--content: is not a URL of http"),
        (["0x12", "1000001", "--rpc", RPC, "--content", CONTENT], "COLLECTION: "),
        ([COLLECTION.lower()[:-1] + "g", "1000001", "--rpc", RPC, "--content", CONTENT], "COLLECTION: "),
        ([COLLECTION, "1000001", "--rpc", RPC, "--content", CONTENT, "--engine", "abacus"], "abacus"),
    ],
)
def test_verify__impossible_wishes__usage_error(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = patina(*arguments)
    assert done.exit_code == 2, done.output
    assert said in done.output


def test_verify__key_in_a_url_that_is_none__is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Incident: keys in RPC URLs written to logs."""
    monkeypatch.chdir(tmp_path)
    done = patina(COLLECTION, "1000001", "--rpc", "ws://h/v2/planted-verify-key-0123", "--content", CONTENT)
    assert done.exit_code == 2
    assert "planted-verify-key" not in done.output


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The steps that a verification comes to, in the place of taking them."""
    steps: list[Step] = []

    async def run(_: Any, collection: str, token: int, paint: Any, watch: Any) -> Verification:
        sheet = Sheet(watch)
        for step in steps:
            sheet._add(step)
        return Verification(None, None, collection, token, paint, sheet)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "_verify", run)
    return steps


ASKED = (COLLECTION, "1000001", "--rpc", RPC, "--content", CONTENT)
OK = Step("path", Status.OK, "fine")
FAILED = Step("render", Status.FAILED, "another picture")
MISSED = Step("report", Status.UNCHECKED, "pruned")


def test_verify__json__says_the_same_for_programs(outcome: list[Step]) -> None:
    outcome += [OK, FAILED]
    done = patina(*ASKED, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["verdict"] == "refuted"
    assert [(step["name"], step["status"]) for step in document["steps"]] == [("path", "ok"), ("render", "FAILED")]


@pytest.mark.parametrize(
    ("steps", "status", "verdict"),
    [
        ([OK], 0, "Verified: token 1000001"),
        ([OK, Step("draw", Status.UNCHECKED, "pruned", optional=True)], 0, "Verified: token 1000001"),
        ([OK, FAILED, MISSED], 1, "NOT what it should be: render failed."),
        ([OK, MISSED], 1, "Not verified: report could not be checked."),
    ],
)
def test_verify__outcome__a_line_a_step_a_verdict_and_a_status(
    outcome: list[Step], steps: list[Step], status: int, verdict: str
) -> None:
    outcome += steps
    done = patina(*ASKED)
    assert done.exit_code == status
    *lines, last = done.stdout.splitlines()
    assert [line.split()[-1] for line in lines] == [step.detail.split()[-1] for step in steps]
    assert verdict in last


def test_verify__text_from_elsewhere__cannot_speak_to_the_terminal(outcome: list[Step]) -> None:
    outcome.append(Step("token", Status.FAILED, "tokenURI is \x1b[2Jgone\r\nok"))
    shown = patina(*ASKED).stdout
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2


def test_where__node_folder__its_endpoints_blocks_and_peers(tmp_path: Path) -> None:
    from node.config.directory import create_node_folder
    from node.keys.secrets import Secret
    from node.keys.signing import SCRYPT_N_LIGHT

    settings = {
        "chain": {"id": 1, "oracle": COLLECTION, "endpoints": ["http://127.0.0.1:8545"]},
        "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1883"}]},
        "content": {"peers": ["http://127.0.0.1:8081"]},
    }
    create_node_folder(
        tmp_path / "node", settings, Secret("a password of a test"), keep_password=True, scrypt_n=SCRYPT_N_LIGHT
    )
    found = where_to_look((), (), tmp_path / "node" / "config.toml")
    assert [url.reveal() for url in found.endpoints] == ["http://127.0.0.1:8545"]
    assert [url.reveal() for url in found.gateways] == ["http://127.0.0.1:8081"]
    assert found.folders == [tmp_path / "node" / "state", tmp_path / "node"]
    named = where_to_look(("http://127.0.0.1:1",), (), tmp_path / "node" / "config.toml")
    assert [url.reveal() for url in named.endpoints] == ["http://127.0.0.1:1"]
    assert named.folders == found.folders
