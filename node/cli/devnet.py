"""`patina devnet`: a chain and an embedded broker, until stopped."""

from __future__ import annotations

import json
from math import isnan
from typing import TYPE_CHECKING

import click

from node.cli.options import anvil_option, json_option

if TYPE_CHECKING:
    from node.devnet.serve import Endpoints

PORT = click.IntRange(0, 65_535)


def _number(_: click.Context, __: click.Parameter, value: float) -> float:
    # Neither below nor above any bound: a range lets it pass.
    if isnan(value):
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
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 86_400),
    callback=_number,
    help="Seconds between blocks; 0: on demand.",
)
@anvil_option
@json_option
def devnet(*, port: int, broker_port: int, block_interval: float, anvil: bool, as_json: bool) -> None:
    """Run an embedded chain and an embedded broker until Ctrl-C.

    Everything lives in memory: what was deployed is gone when it stops. The account that is printed is funded, and
    worthless anywhere else.
    """
    import asyncio

    from node.devnet.serve import run_devnet
    from node.devnet.settings import ChainSettings, DevnetSettings, EmbeddedBrokerSettings
    from node.log import configure

    configure("warning", "auto")
    settings = DevnetSettings(
        ChainSettings(),
        EmbeddedBrokerSettings(port=broker_port),
        port=port,
        block_interval=block_interval,
        anvil=anvil,
    )

    def ready(endpoints: Endpoints) -> None:
        show(endpoints, settings.chain.seed, as_json=as_json)

    try:
        asyncio.run(run_devnet(settings, ready))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def show(endpoints: Endpoints, seed: bytes, *, as_json: bool) -> None:
    """Print where the devnet is reached and who is rich on it."""
    from node.devnet.genesis import dev_account

    account = dev_account(seed, 0)
    facts = {
        "rpc": endpoints.rpc,
        "broker": endpoints.broker,
        "chain_id": endpoints.chain_id,
        "account": account.address,
        "key": "0x" + bytes(account.key).hex(),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<9} {value}")
    click.echo("Ctrl-C stops it.")
