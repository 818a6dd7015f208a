"""`patina status`: what a running node says of itself, for a person and for a program."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.request
from email.message import Message
from http.client import BadStatusLine
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from click.testing import CliRunner, Result

from node.cli import main, screen
from node.cli.status import reachable
from node.config.text import render_toml
from node.journal.safety.lock import DirectoryLock

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
    "rounds": [{"feed": 1, "checkpoint": 40, "view": 0, "leader": 2, "phase": "observing"}],
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
    for part in ("north", "ready", "seat 2 of 4", "final 40, head 44", "1 of 2 connected", "seat 3"):
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
    node.figures["brokers"] = {"connected": 0, "configured": 2}
    bare = status(tmp_path).stdout
    for part in ("not ready: standby", "standby: it lost its seat in block 25", "none needed without a seat, 2 config"):
        assert part in bare
    assert bare.count("takes no part in rounds") == 0
    assert "also seat 3 of the committee before, with 1 rounds to finish" in result.stdout


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
    assert f"for the node does not run: start it with patina run --config {tmp_path}" in result.stderr
    assert result.stdout == ""
    said = status(tmp_path, "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout) == {"ready": False, "error": result.stderr.removeprefix("patina: ").rstrip()}


def test_status__nobody_answers_though_a_node_runs_here__names_it(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    node.fault = URLError("refused")
    (tmp_path / "state").mkdir()
    with DirectoryLock(tmp_path / "state"):
        assert f"but process {os.getpid()} on" in status(tmp_path).stderr
    configure(tmp_path, enabled=False)
    assert "web.enabled is off in" in status(tmp_path).stderr


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


FEED: dict[str, Any] = {
    "id": 1, "vault": "0x" + "aa" * 20, "band": 1, "bands": 3, "answer": "5000000000000000", "missing": 0,
    "next_checkpoint": 170,
    "nearest": [
        {"at": "11000000000000000", "up": True, "band": 2, "distance": "6000000000000000"},
        {"at": "-11000000000000000", "up": False, "band": 0, "distance": "16000000000000000"},
    ],
}  # fmt: skip


def full(node: Node) -> None:
    node.figures |= {
        "version": "1.2.3",
        "up_s": 7_300,
        "feeds": [FEED, FEED | {"id": 2, "answer": None, "missing": 2, "nearest": []}],
        "peers": [
            {"member": 0, "address": "0x", "own": False, "heard_s": 3.2},
            {"member": 1, "address": "0x", "own": True, "heard_s": None},
            {"member": 2, "address": "0x", "own": False, "heard_s": None},
        ],
        "sender": {"balance": str(10**18), "low_balance": False, "waiting": {"sent": 1, "queued": 0}},
        "transactions": [
            {"key": "k", "for": "report of feed 1", "state": "sent", "nonce": 4, "age_s": 61,
             "waits_for": "waits to x; y"}
        ],
        "staking": {
            "own": {
                "state": "seated", "era": 3, "token": {"symbol": "PAT", "decimals": 18}, "bond": str(1_500 * 10**18),
                "claimable": str(10**17), "reports_attended": 9, "reports_due": 10, "strikes": 0,
            }
        },
        "disk": {"free_bytes": 5 * 10**9, "journal_bytes": 10**6, "content_bytes": 2 * 10**6},
    }  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
def test_status__busy_node__fits_one_screen_of_either_width(
    node: Node, tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    full(node)
    monkeypatch.setattr(screen, "MOST", width)
    lines = status(tmp_path).stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)
    shown = " ".join(" ".join(lines).split())
    for part in (
        "up 2 h patina 1.2.3",
        "heard seat 1 (3 s ago)",
        "not heard since the start: seat 3",
        "1 ether; 1 sent",
        "seated, era 3, bond 1,500 PAT, to claim 0.1 ether, attended 9 of 10",
        "2 of 3 +0.50 % 170 at +1.1 % (0.60), below -1.1 % (1.60)",
        "2 samples short",
        "report of feed 1 sent 4 61 s to x",
        "3.0 MB held, 5.0 GB free",
    ):
        assert part in shown, part


def test_status__not_ready__each_code_with_its_meaning_and_remedy(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    node.reasons = ["low-balance", "of-a-later-version"]
    shown = " ".join(status(tmp_path).stdout.split())
    assert "The account that pays for transactions is nearly empty." in shown
    assert "Send ether to the address" in shown
    assert "This program does not know the code." in shown


def test_status__figures_for_visitors_alone__says_how_to_be_known_as_the_operator(node: Node, tmp_path: Path) -> None:
    configure(tmp_path)
    node.figures = {"oracle": "0x", "config_digest": None, "committee": 4, "quorum": 3, "ready": True}
    result = status(tmp_path)
    assert result.exit_code == 1
    assert "web.operator_token_file" in result.stderr


def test_status__operator_token__goes_along_and_is_never_shown(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATINA_OPERATOR_TOKEN", "planted-operator-token-0123456789abcdef")
    asked: list[str] = []

    def answer(request: Any, timeout: float) -> io.BytesIO:
        asked.append(request.get_header("Authorization"))
        return node(request.full_url, timeout)

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    configure(tmp_path)
    (tmp_path / "state").mkdir()
    with DirectoryLock(tmp_path / "state"):
        result = status(tmp_path)
    assert result.exit_code == 0, result.output
    assert set(asked) == {"Bearer planted-operator-token-0123456789abcdef"}
    assert "planted" not in result.output


def test_status__program_that_took_the_port_of_a_node_that_is_down__does_not_get_the_token(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATINA_OPERATOR_TOKEN", "planted-operator-token-0123456789abcdef")
    configure(tmp_path)
    status(tmp_path)
    # `node` takes plain addresses alone: a token comes with a Request.
    assert [url.rpartition("/")[2] for url in node.asked] == ["status", "readyz"]


def test_status__watch__looks_again_and_goes_on_when_nobody_answers(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        node.fault = URLError("refused") if len(pauses) == 1 else None
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", pause)
    result = status(tmp_path, "--watch", "5", "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["ready"] for line in lines] == [True, False, True]
    assert "no node answers" in lines[1]["error"]
    assert pauses == [5.0] * 3
