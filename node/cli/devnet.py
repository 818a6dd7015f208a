"""`patina devnet`: a testnet in a box, or a chain and a broker alone, until stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import anvil_option, json_option

if TYPE_CHECKING:
    from node.devnet.serve import Endpoints
    from node.devnet.settings import DevnetSettings
    from node.devnet.testnet.run import Testnet

PORT = click.IntRange(0, 65_535)
MOST_NODES = 30
"""One seat is left for a newcomer."""


def _number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    # Neither below nor above any bound: a range lets it pass.
    if value is not None and isnan(value):
        raise click.BadParameter("nan is not a number of seconds")
    return value


@click.command()
@click.option(
    "--port", default=8545, show_default=True, type=PORT, help="Port of the chain's JSON-RPC on 127.0.0.1; 0: any."
)
@click.option(
    "--broker-port", default=1883, show_default=True, type=PORT, help="Port of the MQTT broker on 127.0.0.1; 0: any."
)
@click.option(
    "--block-interval",
    type=click.FloatRange(0, 86_400),
    callback=_number,
    help="Seconds between blocks; 0: on demand. By default 1, and 0 with --bare.",
)
@click.option(
    "--nodes",
    default=3,
    show_default=True,
    type=click.IntRange(0, MOST_NODES),
    help="Nodes of its own; 0: who joins first is the committee.",
)
@click.option("--painted", is_flag=True, help="Open an edition too, which nodes paint at every crossing.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("deployment.json"),
    show_default=True,
    help="The deployment file to write; one that a devnet wrote before is replaced.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("devnet"),
    show_default=True,
    help="Where its own nodes work; what a devnet left there before is replaced.",
)
@click.option("--bare", is_flag=True, help="Chain and broker alone.")
@anvil_option
@json_option
def devnet(
    *,
    port: int,
    broker_port: int,
    block_interval: float | None,
    nodes: int,
    painted: bool,
    output: Path,
    folder: Path,
    bare: bool,
    anvil: bool,
    as_json: bool,
) -> None:
    """Run a testnet in a box until Ctrl-C.

    A chain with a faucet, a broker, all contracts, a vault whose share price moves by itself, and a few nodes that
    sign its crossings. Anyone on this machine can join them, as on a public testnet: what to do is printed.

    Everything but the nodes' logs is gone when it stops. The account that is printed owns it all, and is worthless
    anywhere else.
    """
    from node.cli.watch import prepare
    from node.devnet.serve import run_devnet
    from node.devnet.settings import ChainSettings, DevnetSettings, EmbeddedBrokerSettings, NetworkSettings
    from node.devnet.testnet.run import run_testnet
    from node.log.lines import configure

    configure("warning", "auto")
    interval = block_interval if block_interval is not None else 0.0 if bare else 1.0
    broker = EmbeddedBrokerSettings(port=broker_port)
    settings = DevnetSettings(ChainSettings(), broker, port=port, block_interval=interval, anvil=anvil)
    if bare:
        work = run_devnet(settings, lambda endpoints: show(endpoints, settings, as_json=as_json))
    else:
        if painted and not nodes:
            raise click.UsageError("--painted needs nodes of its own, from which others get the recipe")
        network = NetworkSettings(folder.absolute(), output.absolute(), nodes, painted)
        work = run_testnet(
            settings,
            network,
            lambda where: prepare(where, replace=True),
            lambda testnet: show_testnet(testnet, settings, as_json=as_json),
            lambda text: click.echo(text, err=True),
        )
    if not asyncio.run(_until_stopped(work)):
        click.echo("stopped", err=True)


async def _until_stopped(work: Coroutine[Any, Any, None]) -> bool:
    """Work until done, or until SIGTERM or Ctrl-C, and then end everything in order; whether it was done."""
    from node.daemon import stop_on_signals

    async with stop_on_signals() as stop:
        working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)
    if working.cancelled():
        return False
    working.result()
    return True


def facts_of(endpoints: Endpoints, settings: DevnetSettings) -> dict[str, Any]:
    """Where a devnet is reached, and who is rich on it."""
    from node.devnet.genesis import dev_account

    account = dev_account(settings.chain.seed, 0)
    return {
        "rpc": endpoints.rpc,
        "broker": endpoints.broker,
        "chain_id": endpoints.chain_id,
        "account": account.address,
        "key": "0x" + bytes(account.key).hex(),
    }


def show(endpoints: Endpoints, settings: DevnetSettings, *, as_json: bool) -> None:
    """Print where chain and broker are reached."""
    facts = facts_of(endpoints, settings)
    if as_json:
        click.echo(json.dumps(facts))
        return
    _print(facts)
    click.echo("Ctrl-C stops it.")


def show_testnet(testnet: Testnet, settings: DevnetSettings, *, as_json: bool) -> None:
    """Print where everything is, what rules hold, and how to join."""
    from node.devnet.staking import UNIT

    rules, file = testnet.rules, testnet.deployment
    facts = {**facts_of(testnet.endpoints, settings), "deployment": str(file), "oracle": testnet.oracle}
    facts |= {"staking": testnet.staking, "feed": testnet.feed, "vault": testnet.vault, "nodes": list(testnet.nodes)}
    if as_json:
        click.echo(json.dumps(facts))
        return
    facts["nodes"] = " ".join(testnet.nodes) or "none: who joins first is the committee"
    _print(facts)
    rpc, broker = testnet.endpoints.rpc, testnet.endpoints.broker
    try:
        shown = file.relative_to(Path.cwd())
    except ValueError:
        shown = file
    block = settings.chain.block_time
    click.echo(
        f"\n{rules.seats} seats, for the highest bonds from {rules.minimum // UNIT:,} tokens on. "
        f"An era lasts {rules.era // block} blocks,\nunbonded stake waits {rules.delay // block}: "
        f"each block is {block} s of the chain's clock.\n\n"
        "Become a node, in another terminal:\n"
        f"  patina init my-node --deployment {shown} --rpc {rpc} --broker {broker} --generate-password --light\n"
        "  patina join --config my-node --light\n"
        "  patina run --config my-node\n"
        f"Coin for the two accounts that joining names:\n  patina faucet ADDRESS --rpc {rpc}\n\n"
        "Ctrl-C stops it all. What is started next is another chain, and wants other nodes.\n"
    )


def _print(facts: dict[str, Any]) -> None:
    wide = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<{wide}}  {value}")
