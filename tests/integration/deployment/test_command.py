"""`patina check-deployment`, as an operator uses it and as a script does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.chain.types import NOBODY
from node.cli import main

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run(network: Any, *options: str, document: Any = None) -> Result:
    """The command in a thread of its own: the chain is served in this one."""
    path = network.folder / "network.json"
    path.write_text(json.dumps(document or network.document), encoding="utf-8")
    return await asyncio.to_thread(CliRunner().invoke, main, ["check-deployment", str(path), *options])


async def test_check_deployment__all_holds__a_line_each_and_status_0(network: Any) -> None:
    result = await run(network, "--rpc", network.url)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(line.startswith("ok ") for line in lines[:-2])
    assert lines[-1] == f"All {len(lines) - 2} hold: ethereum:local is what its file says."
    oracle = network.document["contracts"]["oracle"]["address"]
    assert any("staking     immutable ORACLE " in line and line.endswith(oracle) for line in lines)


async def test_check_deployment__a_lie__is_told_with_a_remedy_and_status_1(network: Any) -> None:
    with network.undone():
        network.call("StrategyOracle", network.document["contracts"]["oracle"]["address"], "set_staking", NOBODY)
        result = await run(network, "--rpc", network.url)
        shown = await run(network, "--rpc", network.url, "--json")
    assert (result.exit_code, shown.exit_code) == (1, 1)
    lines = result.stdout.splitlines()
    wrong = next(number for number, line in enumerate(lines) if line.startswith("WRONG"))
    assert "obeys nobody" in lines[wrong]
    assert "-> the oracle's owner has to call set_staking" in lines[wrong + 1]
    assert "1 of" in lines[-1]
    assert "do NOT hold" in lines[-1]
    told = json.loads(shown.stdout)
    assert not told["holds"]
    (bad,) = [one for one in told["findings"] if one["verdict"] != "ok"]
    assert (bad["subject"], bad["what"], bad["verdict"]) == ("oracle", "staking()", "WRONG")


async def test_check_deployment__in_a_nodes_folder__asks_its_endpoints(network: Any, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[chain]\ndeployment = "{network.folder / "network.json"}"\nendpoints = ["{network.url}"]\n'
        '[[gossip.brokers]]\nurl = "mqtt://127.0.0.1"\n'
    )
    result = await run(network, "--config", str(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["holds"]


async def test_check_deployment__endpoint_that_is_gone__proves_nothing(network: Any) -> None:
    result = await run(network, "--rpc", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "nothing is proven" in result.stdout
    assert "name another endpoint with --rpc" in result.stdout


@pytest.mark.parametrize(
    ("options", "status", "complaint"),
    [
        (["--rpc", "ftp://127.0.0.1"], 2, "--rpc: is not a URL of http or https"),
        (["--config", "/nonexistent"], 2, "name the chain's JSON-RPC URL with --rpc"),
    ],
)
async def test_check_deployment__wrong_use__says_what_to_give(
    network: Any, options: list[str], status: int, complaint: str
) -> None:
    result = await run(network, *options)
    assert result.exit_code == status
    assert complaint in result.stderr


async def test_check_deployment__bad_file__is_one_error(network: Any) -> None:
    result = await run(network, "--rpc", network.url, document={**network.document, "format": 9})
    assert result.exit_code == 1
    assert result.stderr.startswith("patina: ")
    assert "format is 9, this version reads 2" in result.stderr
    assert result.stdout == ""
