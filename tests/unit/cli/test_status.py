"""`patina status`: what a running node says of itself, for a person and for a program."""

from __future__ import annotations

import io
import json
import urllib.request
from email.message import Message
from http.client import BadStatusLine
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.cli.status import reachable
from node.config.text import render_toml

FIGURES: dict[str, Any] = {
    "name": "north",
    "address": "0x" + "11" * 20,
    "member": 1,
    "committee": 4,
    "quorum": 3,
    "config_digest": "0x" + "cd" * 32,
    "chain": {"id": 31337, "final": 40, "head": 44, "error": ""},
    "brokers": {
        "connected": 1,
        "configured": 2,
        "each": [
            {"broker": "one:8883", "connected": True, "error": None, "messages": {"received": 9}},
            {"broker": "two:8883", "connected": False, "error": "certificate [verify] failed", "messages": {}},
        ],
    },
    "images_rendered": 12,
    "rounds": [{"feed": 1, "checkpoint": 40, "view": 0, "phase": "observing"}],
    "transactions": [],
}


class Node:
    """Answers in the place of a node; each request is noted."""

    def __init__(self) -> None:
        self.figures, self.reasons, self.asked = dict(FIGURES), list[str](), list[str]()
        self.fault: Exception | None = None

    def __call__(self, url: str, timeout: float) -> io.BytesIO:
        self.asked.append(url)
        if self.fault is not None:
            raise self.fault
        if url.endswith("/api/status"):
            return io.BytesIO(json.dumps(self.figures).encode())
        body = io.BytesIO(json.dumps({"ready": not self.reasons, "reasons": self.reasons}).encode())
        if self.reasons:
            raise HTTPError(url, 503, "not ready", Message(), body)
        return body


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    found = Node()
    monkeypatch.setattr(urllib.request, "urlopen", found)
    return found


def configure(folder: Path, **web: Any) -> None:
    chain = {"id": 1, "oracle": "0x1111111111111111111111111111111111111111", "endpoints": ["http://127.0.0.1:8545"]}
    settings = {"chain": chain, "gossip": {"brokers": [{"url": "mqtt://a"}]}, "web": {"port": 8123, **web}}
    (folder / "config.toml").write_text(render_toml(settings))


def status(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["status", "--config", str(folder), *arguments])


def test_status__ready_node__one_screen_and_status_0(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    result = status(tmp_path)
    assert result.exit_code == 0, result.output
    for part in ("north", "ready", "member 1 of 4", "final 40, head 44", "1 of 2 connected", "observing"):
        assert part in result.stdout
    assert "one:8883" not in result.stdout
    assert "broker two:8883: certificate [verify] failed" in result.stdout
    assert node.asked == ["http://127.0.0.1:8123/api/status", "http://127.0.0.1:8123/readyz"]


def test_status__node_without_a_seat__says_why_and_what_it_still_finishes(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    node.reasons = ["standby"]
    node.figures |= {
        "member": None,
        "standby": "it lost its seat in block 25",
        "previous_terms": [{"config_digest": "0xab", "member": 2, "committee": 4, "rounds": 1, "until": 99}],
    }
    result = status(tmp_path)
    assert result.exit_code == 1
    for part in ("not ready: standby", "standby: it lost its seat in block 25", "committee of 4, quorum 3"):
        assert part in result.stdout
    assert "also member 2 of the committee before, with 1 rounds to finish" in result.stdout


def test_status__brokers_away__says_since_when_and_when_it_votes(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    node.figures |= {"voting": {"silent_s": 0.0, "after_s": 600.0}}
    assert "votes on chain" not in status(tmp_path).stdout
    node.figures |= {"voting": {"silent_s": 42.4, "after_s": 600.0}}
    assert "too few members heard for 42 s while a round is open; votes on chain after 600 s" in status(tmp_path).stdout


def test_status__members_that_signed_twice__are_named(node: Node, tmp_path: Path) -> None:
    found = {"signer": "0x" + "22" * 20, "feed": 1, "checkpoint": 40, "view": 0, "state": "sent", "note": "0xabc"}
    node.figures["staking"] = {"evidence": [found | {"own": False}, found | {"own": True, "state": "found"}]}
    configure(tmp_path)
    shown = " ".join(status(tmp_path).output.split())
    assert "signed two reports, feed 1, checkpoint 40, view 0 (sent) 0xabc" in shown
    assert "YOUR KEY SIGNED TWICE" in shown


def test_status__json__is_the_nodes_figures_and_its_readiness(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    document = json.loads(status(tmp_path, "--json").stdout)
    assert document == {**FIGURES, "ready": True, "reasons": []}


def test_status__node_that_renders__shows_how_far_it_is_and_which_kernel_failed(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    node.figures |= {
        "rendering": {
            "jobs": [{"done": 3, "of": 12, "per_second": 0.8}],
            "workers": [{"place": "cuda:0", "state": "cuda:0 is unfit: kernel int8 gives 3 [not 4]", "process": None}],
        }
    }
    shown = status(tmp_path).stdout
    assert "drawing: 3 of 12 images, 0.8 a second" in shown
    assert "render worker cuda:0: cuda:0 is unfit: kernel int8 gives 3 [not 4]" in shown


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_status__node_not_ready__says_why_with_status_1(node: Node, tmp_path: Path, arguments: list[str]) -> None:
    configure(tmp_path)
    node.reasons = ["no-broker", "chain-unreachable"]
    result = status(tmp_path, *arguments)
    assert result.exit_code == 1
    for reason in node.reasons:
        assert reason in result.stdout


@pytest.mark.parametrize(
    "fault", [URLError("refused"), TimeoutError("late"), ValueError("no JSON"), BadStatusLine("SSH-2.0")]
)
def test_status__nobody_answers__is_one_message_with_a_remedy(node: Node, tmp_path: Path, fault: Exception) -> None:
    configure(tmp_path)
    node.fault = fault
    result = status(tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("patina: no node answers at http://127.0.0.1:8123")
    assert "web.enabled" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("answer", [[], "text", 7, {}, {"name": "another program"}])
def test_status__another_program_answers__is_told_apart(node: Node, tmp_path: Path, answer: Any) -> None:
    configure(tmp_path)
    node.figures = answer
    result = status(tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("patina: ")


@pytest.mark.parametrize("text", ["[/x]", "[red]north"])
def test_status__text_with_brackets__is_shown_as_it_is(node: Node, tmp_path: Path, text: str) -> None:
    configure(tmp_path)
    node.figures |= {"name": text, "chain": FIGURES["chain"] | {"error": text}, "transactions": [{"key": text}]}
    result = status(tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.count(text) == 3


def test_status__no_configuration__says_how_to_get_one(tmp_path: Path) -> None:
    result = status(tmp_path)
    assert result.exit_code == 1
    assert "patina init" in result.stderr


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("::1", "[::1]"),
        ("node.example", "node.example"),
    ],
)
def test_reachable__address_listened_on__is_one_that_can_be_asked(host: str, asked: str) -> None:
    assert reachable(host) == asked
