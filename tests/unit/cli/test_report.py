"""`patina report`: where it looks, what it refuses before it looks, and how a report is written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from node.agreement.report import Domain, Report, report_digest
from node.chain.types import Ballot, FullReport
from node.cli import main
from node.cli import report as module
from node.cli.report import describe
from node.config.text import render_toml
from node.errors import ChainError
from tests.unit.paper import PERCENT, make_landed

ORACLE = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"
RPC = "http://127.0.0.1:8545"
DOMAIN = Domain(31337, ORACLE, b"c" * 32)
REPORT = Report(1, 10, b"b" * 32, 0, 0b111, (1, 2**200, 2**201), (0, -1, 5), b"r" * 32)
FOUND = FullReport(
    make_landed(10, 12, report_digest=report_digest(DOMAIN, REPORT)),
    DOMAIN, REPORT, ("0xA", "0xB", "0xC"), (b"1" * 64, b"2" * 64, b"3" * 64), (), 77_000,
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What would have been asked of the chain: FOUND is the answer."""
    found: list[tuple[Any, ...]] = []

    async def fetch(endpoints: list[Any], oracle: str, feed: int, checkpoint: int) -> FullReport:
        found.append(
            ([str(getattr(one, "reveal", lambda one=one: one)()) for one in endpoints], oracle, feed, checkpoint)
        )
        if checkpoint == 404:
            raise ChainError("no report of feed 1 for checkpoint 404 has landed")
        return FOUND

    monkeypatch.setattr("node.cli.report.fetch", fetch)
    return found


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_report__json__holds_typed_data_whose_digest_an_independent_library_agrees_on(
    asked: list[tuple[Any, ...]],
) -> None:
    result = report(1, 10, "--rpc", RPC, "--oracle", ORACLE, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    message = encode_typed_data(full_message=document["typed_data"])
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert document["digest"] == "0x" + digest.hex()
    assert document["signatures"] == ["0x" + byte * 64 for byte in ("31", "32", "33")]
    assert document["signers"] == ["0xA", "0xB", "0xC"]
    assert (document["answer"], document["block"], document["gas_used"]) == (str(PERCENT), 12, 77_000)
    assert "ballots" not in document
    assert asked == [([RPC], ORACLE, 1, 10)]


def test_report__for_a_person__is_one_screen(asked: list[tuple[Any, ...]]) -> None:
    result = report(1, 10, "--rpc", RPC, "--oracle", ORACLE)
    assert result.exit_code == 0, result.output
    for part in ("feed 1, checkpoint 10: 1.00 %", "2 -> 3", "signed by     0xB", "--json"):
        assert part in result.stdout


def test_report__configuration__says_where_to_look(asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
    chain = {"id": 1, "oracle": ORACLE, "endpoints": [f"{RPC}/v2/planted-report-key-55"]}
    (tmp_path / "config.toml").write_text(render_toml({"chain": chain, "gossip": {"brokers": [{"url": "mqtt://a"}]}}))
    result = report(1, 10, "--config", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    assert asked == [([f"{RPC}/v2/planted-report-key-55"], ORACLE, 1, 10)]
    assert "planted-report-key-55" not in result.output


def test_report__not_landed__is_one_message_and_status_1(asked: list[tuple[Any, ...]]) -> None:
    result = report(1, 404, "--rpc", RPC, "--oracle", ORACLE)
    assert result.exit_code == 1
    assert result.stderr == "patina: no report of feed 1 for checkpoint 404 has landed\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--rpc", RPC], "go together"),
        (["--oracle", ORACLE], "go together"),
        (["--rpc", RPC, "--oracle", "nonsense"], "--oracle: is no address"),
        (["--rpc", RPC, "--oracle", ORACLE[:-1] + "9"], "--oracle: has a wrong checksum"),
        (["--rpc", RPC, "--oracle", "0x" + "00" * 20], "--oracle: is the zero address"),
        (["--rpc", "foo", "--oracle", ORACLE], "--rpc: is not a URL"),
        (["--rpc", "file:///etc/passwd", "--oracle", ORACLE], "--rpc: is not a URL"),
    ],
)
def test_report__where_it_cannot_look__is_refused_before_it_looks(
    asked: list[tuple[Any, ...]], arguments: list[str], text: str
) -> None:
    result = report(1, 10, *arguments)
    assert result.exit_code == 1
    assert text in result.stderr
    assert asked == []


@pytest.mark.parametrize("numbers", [(0, 10), (1, 0), (-1, 10), ("x", 1)])
def test_report__impossible_numbers__are_a_usage_error(asked: list[tuple[Any, ...]], numbers: tuple[Any, Any]) -> None:
    assert report("--rpc", RPC, "--oracle", ORACLE, "--", *numbers).exit_code == 2
    assert asked == []


def test_describe__landed_by_vote__shows_each_ballot_instead_of_signatures() -> None:
    ballot = Ballot("0xA", b"b" * 32, -(2**100), (0, -7), b"r" * 32, b"t" * 32, 12)
    document = describe(replace(FOUND, report=None, signatures=(), ballots=(ballot,)))
    assert "typed_data" not in document
    assert document["ballots"] == [
        {
            "voter": "0xA",
            "answer": str(-(2**100)),
            "block_hash": "0x" + "62" * 32,
            "signals": ["0", "-7"],
            "content_root": "0x" + "72" * 32,
            "transaction": "0x" + "74" * 32,
        }
    ]
    json.dumps(document)


def test_show__landed_by_vote__names_the_voters(capsys: pytest.CaptureFixture[str]) -> None:
    module.show(describe(replace(FOUND, report=None)))
    assert "0xC" in capsys.readouterr().out
