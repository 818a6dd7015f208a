"""`patina init` beside a real devnet: answers are looked at while somebody is there to correct them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.config import load
from node.devnet.ports import free_port
from tests.integration.preflight.conftest import SETTINGS, USER, Proxies, World

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOBODY = "0x1111111111111111111111111111111111111111"


async def init(folder: Path, answers: list[str], *more: str) -> Result:
    arguments = ["init", str(folder), "--light", "--generate-password", *more]
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, input="".join(f"{one}\n" for one in answers))


async def test_init__newcomer_with_wrong_answers__told_at_once_and_led_to_right_ones(
    world: World, proxies: Proxies
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    broker, wrong = f"mqtt://127.0.0.1:{world.broker.port}", f"mqtt://127.0.0.1:{free_port()}"
    answers = [
        "bob",
        dead, "n", world.url, "",
        "",  # the chain that the endpoint serves is offered
        NOBODY, "n", world.ground.oracle.address,
        wrong, "n", broker, "", USER, "planted-answer-1",
    ]  # fmt: skip
    result = await init(world.folder / "bob", answers)
    assert result.exit_code == 0, result.output
    for words in ("it does not answer now", "no oracle answers there", "it takes no connection now"):
        assert words in result.stderr
    config = load(world.folder / "bob" / "config.toml", environ={})
    assert config.chain.id == SETTINGS.chain_id
    assert config.chain.oracle == world.ground.oracle.address
    assert [one.reveal() for one in config.chain.endpoints] == [world.url]
    assert config.gossip.brokers[0].username == USER
    assert "planted-answer-1" not in result.output


async def test_init__endpoint_of_another_chain_than_the_deployment__may_be_kept_knowingly(
    world: World, proxies: Proxies
) -> None:
    strange = await proxies.start(world.url, chain_id=1)
    broker = f"mqtt://{USER}@127.0.0.1:{world.broker.port}"
    more = ["--deployment", str(world.deployment), "--broker", broker]
    result = await init(world.folder / "eve", ["eve", strange.url, "y", "", ""], *more)
    assert result.exit_code == 0, result.output
    assert f"it serves chain 1, and the network is on chain {SETTINGS.chain_id}" in result.stderr


async def test_init__everything_given__doubts_are_said_and_nothing_is_asked(world: World, proxies: Proxies) -> None:
    strange = await proxies.start(world.url, chain_id=1)
    more = ["--deployment", str(world.deployment), "--rpc", strange.url, "--broker", "mqtt://127.0.0.1:1"]
    result = await init(world.folder / "sue", [], *more, "--non-interactive")
    assert result.exit_code == 0, result.output
    assert f"Attention: {strange.url}: it serves chain 1" in result.stderr
    assert "Attention: mqtt://127.0.0.1:1: it takes no connection" in result.stderr
    quiet = await init(world.folder / "tim", [], *more, "--non-interactive", "--offline")
    assert quiet.exit_code == 0
    assert "Attention" not in quiet.stderr
