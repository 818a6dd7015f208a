# SPDX-License-Identifier: AGPL-3.0-only
"""Deploys an oracle, staking and a collection: the same for devnets and testnets, and safe to run again.

    ape run deploy --network ethereum:sepolia:node --account artist --name "Weathered Yields" --symbol WTHR

deploys a network that anyone can join by staking. One with a committee that its owner names, and no staking:

    ape run deploy --network ethereum:sepolia:node --account artist --committee committee.json

The committee's file is JSON: {"signers": ["0x..."], "transport_keys": ["0x..."]}, both in committee order.

What was done stands in the deployment file (deployments/<ecosystem>-<network>-<chain id>.json unless --output says otherwise),
written after every step and before every transaction that creates a contract: a run that was cut off is continued by the
same command, and one that was finished changes nothing.
"""

from pathlib import Path
from typing import Any

import click
from ape import project
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand, account_option

from deployment.committee import Committee
from deployment.errors import DeploymentError
from deployment.rules import NOBODY, TESTNET, Staking, address, rules
from deployment.steps import Collection, deploy


@click.command(cls=ConnectedProviderCommand, name="deploy")
@account_option()
@click.option(
    "--committee",
    "committee_file",
    type=click.Path(path_type=Path),
    help="a committee's JSON file: a network without staking",
)
@click.option(
    "--stake-token", default="", metavar="ADDRESS", help="an ERC-20 to stake; without it, a test token with a faucet"
)
@click.option("--parameters", type=click.Path(path_type=Path), help="JSON file with rules of staking")
@click.option(
    "--set",
    "single",
    multiple=True,
    metavar="NAME=NUMBER",
    help=f"one rule of staking, over the file's: {', '.join(TESTNET)}",
)
@click.option("--guardian", default="", metavar="ADDRESS|none", help="who may freeze a bond; the deployer if not given")
@click.option(
    "--slash-receiver", default="", metavar="ADDRESS", help="who gets what a slash leaves; without it, it is burnt"
)
@click.option("--treasury", type=click.IntRange(0), default=0, metavar="WEI", help="what to give the treasury")
@click.option("--name", default="Patina", show_default=True, help="the collection's name, at most 25 bytes")
@click.option("--symbol", default="PATNA", show_default=True, help="the collection's symbol, at most 5 bytes")
@click.option(
    "--reveal-delay",
    type=click.IntRange(1, 50_400),
    default=256,
    show_default=True,
    help="blocks from an edition's close to its reveal block",
)
@click.option("--contract-uri", default="", help="address of the collection's own metadata (ERC-7572)")
@click.option("--output", type=click.Path(path_type=Path), help="the deployment file")
def cli(
    provider: Any,
    account: AccountAPI,
    committee_file: Path | None,
    name: str,
    symbol: str,
    reveal_delay: int,
    contract_uri: str,
    output: Path | None,
    **staking: Any,
) -> None:
    """Deploy an oracle with staking or a committee, and a collection, or finish doing so."""
    if committee_file is None:
        seats: Committee | Staking = _staking(account, **staking)
    elif given := [option for option, value in staking.items() if value]:
        named = ", ".join("--set" if option == "single" else f"--{option.replace('_', '-')}" for option in given)
        raise DeploymentError(f"--committee makes a network without staking, which has no use for {named}")
    else:
        seats = Committee.load(committee_file)
    network = provider.network
    default = project.path / "deployments" / f"{network.ecosystem.name}-{network.name}-{provider.chain_id}.json"
    collection = Collection(name, symbol, reveal_delay, contract_uri)
    deployment = deploy(output or default, account, seats, collection)
    click.echo(f"{deployment.sent} transactions; deployment file: {deployment.path}")


def _staking(
    account: AccountAPI,
    *,
    stake_token: str,
    parameters: Path | None,
    single: tuple[str, ...],
    guardian: str,
    slash_receiver: str,
    treasury: int,
) -> Staking:
    return Staking(
        params=rules(parameters, single),
        guardian=address("--guardian", guardian, str(account.address)),
        slash_receiver=address("--slash-receiver", slash_receiver, NOBODY),
        token=address("--stake-token", stake_token, "") or None,
        treasury=treasury,
    )
