"""`patina devnet`: what it prints once it listens, and options that no port, clock or file can have."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from node.cli import main
from node.devnet import serve
from node.devnet.serve import Endpoints
from node.devnet.settings import DevnetSettings, NetworkSettings
from node.devnet.testnet import contracts, run
from node.devnet.testnet.run import Testnet
from node.errors import ChainError

ENDPOINTS = Endpoints("http://127.0.0.1:8545", "mqtt://127.0.0.1:1883", 31337)
BARE = ("devnet", "--bare")
ORACLE, STAKING, VAULT = "0x" + "1" * 40, "0x" + "2" * 40, "0x" + "3" * 40


async def until_sigterm(settings: DevnetSettings, ready: Callable[[], None]) -> None:
    if settings.port == 7:
        raise ChainError("the chain cannot listen on 127.0.0.1:7: Permission denied")
    ready()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[DevnetSettings, NetworkSettings | None]]:
    """What would have been started, in an empty folder; it is ready at once, and then told to stop."""
    found: list[tuple[DevnetSettings, NetworkSettings | None]] = []

    async def bare(settings: DevnetSettings, on_ready: Callable[[Endpoints], None]) -> None:
        found.append((settings, None))
        await until_sigterm(settings, lambda: on_ready(ENDPOINTS))

    async def whole(
        settings: DevnetSettings,
        network: NetworkSettings,
        prepare: Callable[[Path], object],
        on_ready: Callable[[Testnet], None],
        _: object,
    ) -> None:
        prepare(network.folder)
        found.append((settings, network))
        await until_sigterm(settings, lambda: on_ready(standing(network)))

    monkeypatch.setattr(serve, "run_devnet", bare)
    monkeypatch.setattr(run, "run_testnet", whole)
    monkeypatch.chdir(tmp_path)
    return found


def standing(network: NetworkSettings) -> Testnet:
    pages = tuple(f"http://127.0.0.1:{number}" for number in range(network.nodes))
    return Testnet(ENDPOINTS, network.deployment, ORACLE, STAKING, contracts.rules(network.nodes), 1, VAULT, pages)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


Started = list[tuple[DevnetSettings, NetworkSettings | None]]


def test_devnet__bare_as_json__is_one_line_with_an_account_that_its_key_opens(started: Started) -> None:
    result = invoke(*BARE, "--json")
    assert result.exit_code == 0, result.output
    [line] = result.stdout.splitlines()
    facts = json.loads(line)
    assert set(facts) == {"rpc", "broker", "chain_id", "account", "key"}
    assert Account.from_key(facts["key"]).address == facts["account"]
    assert "stopped" in result.stderr
    assert started[0][1] is None


def test_devnet__bare_for_a_person__says_where_it_listens_and_how_to_stop_it(started: Started) -> None:
    result = invoke(*BARE)
    for part in ("http://127.0.0.1:8545", "mqtt://127.0.0.1:1883", "31337", "Ctrl-C"):
        assert part in result.stdout


def test_devnet__as_json__says_what_a_program_needs_to_join(started: Started) -> None:
    [line] = invoke("devnet", "--json", "--nodes", "2").stdout.splitlines()
    facts = json.loads(line)
    assert facts["deployment"] == str(Path("deployment.json").absolute())
    assert (facts["oracle"], facts["staking"]) == (ORACLE, STAKING)
    assert len(facts["nodes"]) == 2


def test_devnet__for_a_person__says_the_rules_and_every_step_of_joining(started: Started) -> None:
    shown = invoke("devnet").stdout
    for part in (
        "patina init my-node --deployment deployment.json --rpc http://127.0.0.1:8545 --broker mqtt://127.0.0.1:1883 ",
        "patina join --config my-node",
        "patina run --config my-node",
        "patina faucet ADDRESS",
        "4 seats, for the highest bonds from 1,000 tokens on",
        "Ctrl-C",
    ):
        assert part in shown


def test_devnet__options__are_handed_on(started: Started) -> None:
    invoke("devnet", "--port", "0", "--broker-port", "9", "--block-interval", "2.5", "--nodes", "5", "--painted")
    invoke("devnet", "--output", "sub/net.json", "--folder", "elsewhere", "--anvil")
    invoke(*BARE)
    (first, network), (second, other), (bare, none) = started
    assert (first.port, first.broker.port, first.block_interval, first.anvil) == (0, 9, 2.5, False)
    assert (first.host, first.broker.host) == ("127.0.0.1", "127.0.0.1")
    assert network is not None
    assert (network.nodes, network.painted) == (5, True)
    assert other is not None
    assert (other.folder, other.deployment) == (Path("elsewhere").absolute(), Path("sub/net.json").absolute())
    assert (second.block_interval, second.anvil, other.nodes, other.painted) == (1.0, True, 3, False)
    assert (bare.block_interval, none) == (0.0, None)


@pytest.mark.parametrize("bare", [(), ("--bare",)])
def test_devnet__port_that_is_taken__is_one_message_and_status_1(started: Started, bare: tuple[str, ...]) -> None:
    result = invoke("devnet", *bare, "--port", "7")
    assert result.exit_code == 1
    assert result.stderr == "patina: the chain cannot listen on 127.0.0.1:7: Permission denied\n"


def test_devnet__folder_of_another_program__is_refused_and_left_alone(started: Started) -> None:
    Path("devnet").mkdir()
    Path("devnet/thesis.txt").write_text("years")
    result = invoke("devnet")
    assert result.exit_code == 1
    assert "devnet is taken" in result.stderr
    assert Path("devnet/thesis.txt").read_text() == "years"
    assert started == []


def test_devnet__painted_without_nodes__is_a_usage_error(started: Started) -> None:
    assert invoke("devnet", "--painted", "--nodes", "0").exit_code == 2
    assert started == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "65536"),
        ("--port", "-1"),
        ("--broker-port", "70000"),
        ("--block-interval", "-1"),
        ("--block-interval", "nan"),
        ("--block-interval", "inf"),
        ("--port", "x"),
        ("--nodes", "-1"),
        ("--nodes", "31"),
    ],
)
def test_devnet__impossible_option__is_a_usage_error(started: Started, arguments: tuple[Any, ...]) -> None:
    assert invoke("devnet", *arguments).exit_code == 2
    assert started == []
