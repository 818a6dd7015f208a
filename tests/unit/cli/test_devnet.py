"""`patina devnet`: what it prints once it listens, and options that no port or clock can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from node.cli import main
from node.devnet import serve
from node.devnet.serve import Endpoints
from node.devnet.settings import DevnetSettings
from node.errors import ChainError


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[DevnetSettings]:
    """What would have been started; it is ready at once, and then Ctrl-C is pressed."""
    found: list[DevnetSettings] = []

    async def run(settings: DevnetSettings, on_ready: Callable[[Endpoints], None]) -> None:
        found.append(settings)
        if settings.port == 7:
            raise ChainError("the chain cannot listen on 127.0.0.1:7: Permission denied")
        on_ready(Endpoints("http://127.0.0.1:8545", "mqtt://127.0.0.1:1883", 31337))
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "run_devnet", run)
    return found


def devnet(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["devnet", *arguments])


def test_devnet__json__is_one_line_with_an_account_that_its_key_opens(started: list[DevnetSettings]) -> None:
    result = devnet("--json")
    assert result.exit_code == 0, result.output
    [line] = result.stdout.splitlines()
    facts = json.loads(line)
    assert set(facts) == {"rpc", "broker", "chain_id", "account", "key"}
    assert Account.from_key(facts["key"]).address == facts["account"]
    assert "stopped" in result.stderr


def test_devnet__for_a_person__says_where_it_listens_and_how_to_stop_it(started: list[DevnetSettings]) -> None:
    result = devnet()
    for part in ("http://127.0.0.1:8545", "mqtt://127.0.0.1:1883", "31337", "Ctrl-C"):
        assert part in result.stdout


def test_devnet__options__are_handed_on(started: list[DevnetSettings]) -> None:
    devnet("--port", "0", "--broker-port", "9", "--block-interval", "2.5")
    [settings] = started
    assert (settings.port, settings.broker.port, settings.block_interval) == (0, 9, 2.5)
    assert (settings.host, settings.broker.host) == ("127.0.0.1", "127.0.0.1")


def test_devnet__port_that_is_taken__is_one_message_and_status_1(started: list[DevnetSettings]) -> None:
    result = devnet("--port", "7")
    assert result.exit_code == 1
    assert result.stderr == "patina: the chain cannot listen on 127.0.0.1:7: Permission denied\n"


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
    ],
)
def test_devnet__impossible_option__is_a_usage_error(started: list[DevnetSettings], arguments: tuple[Any, ...]) -> None:
    assert devnet(*arguments).exit_code == 2
    assert started == []
