"""`patina report`: a landed report, rebuilt from chain data alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import ENDPOINTS_VARIABLE, config_option, json_option, warn_of_secrets

if TYPE_CHECKING:
    from node.chain.types import FullReport


@click.command()
@click.argument("feed", type=click.IntRange(1, 2**63 - 1))
@click.argument("checkpoint", type=click.IntRange(1, 2**63 - 1))
@click.option(
    "--rpc",
    callback=warn_of_secrets,
    help="JSON-RPC URL of the chain; with --oracle, no configuration is needed. One with a key: in "
    f"{ENDPOINTS_VARIABLE}.",
)
@click.option("--oracle", help="Address of the StrategyOracle contract.")
@config_option
@json_option
def report(
    feed: int, checkpoint: int, *, rpc: str | None, oracle: str | None, config_path: Path, as_json: bool
) -> None:
    """Print the landed report of FEED for CHECKPOINT.

    That is its EIP-712 typed data, its signers and their signatures.
    All of it is read from the chain: from the oracle's event and the transaction that carried the report.
    """
    import asyncio

    endpoints, address = _where(rpc, oracle, config_path)
    found = asyncio.run(fetch(endpoints, address, feed, checkpoint))
    document = describe(found)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show(document)


def _where(rpc: str | None, oracle: str | None, config_path: Path) -> tuple[list[Any], str]:
    from node.config import load
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.errors import ConfigError
    from node.keys.address import fault_of_address

    urls = [rpc] if rpc else os.environ.get(ENDPOINTS_VARIABLE, "").split()
    if urls and oracle:
        if fault := next(filter(None, (fault_of_url(url, HTTP) for url in urls)), None):
            raise ConfigError(f"{'--rpc' if rpc else ENDPOINTS_VARIABLE}: {fault}")
        if wrong := fault_of_address(oracle):
            raise ConfigError(f"--oracle: {wrong[0]}; {wrong[1]}")
        return urls, oracle
    if rpc or oracle:
        raise ConfigError("--rpc and --oracle go together: give both, or neither and --config")
    config = load(config_path, check_files=False)
    return list(config.chain.endpoints), config.chain.oracle


async def fetch(endpoints: list[Any], oracle: str, feed: int, checkpoint: int) -> FullReport:
    """Read one report from the chain.

    Raises:
        ChainError: it has not landed, or the chain cannot be read.
    """
    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool

    pool = RpcPool(endpoints)
    try:
        return await Chain(pool, oracle).report(feed, checkpoint)
    finally:
        await pool.aclose()


def describe(found: FullReport) -> dict[str, Any]:
    """Return a report as JSON says it: hexadecimal strings for bytes, decimal strings for wads."""
    from node.agreement.report import typed_data

    landed = found.landed
    document: dict[str, Any] = {
        "feed": landed.feed,
        "checkpoint": landed.checkpoint,
        "answer": str(landed.answer),
        "previous_band": landed.previous_band,
        "band": landed.band,
        "content_root": "0x" + landed.content_root.hex(),
        "config_digest": "0x" + landed.config_digest.hex(),
        "digest": "0x" + landed.report_digest.hex(),
        "transaction": "0x" + landed.tx_hash.hex(),
        "block": landed.block_number,
        "gas_used": found.gas_used,
        "transmitter": landed.transmitter,
        "signers": list(found.signers),
    }
    if found.report is not None:
        document["typed_data"] = typed_data(found.domain, found.report)
        document["signatures"] = ["0x" + signature.hex() for signature in found.signatures]
    elif found.relayed:
        document["relayed"] = True
    else:
        document["ballots"] = [
            {
                "voter": ballot.voter,
                "answer": str(ballot.answer),
                "block_hash": "0x" + ballot.block_hash.hex(),
                "signals": [str(signal) for signal in ballot.signals],
                "content_root": "0x" + ballot.content_root.hex(),
                "transaction": "0x" + ballot.tx_hash.hex(),
            }
            for ballot in found.ballots
        ]
    return document


def show(document: dict[str, Any]) -> None:
    """Print a report for a person; the proof itself is for programs and shown with --json."""
    from node.content.metadata import percent

    click.echo(f"feed {document['feed']}, checkpoint {document['checkpoint']}: {percent(int(document['answer']))}")
    before, after = document["previous_band"] + 1, document["band"] + 1
    click.echo(f"  band          {f'{before} -> {after}' if before != after else f'{after}, as before'}")
    for key in ("content_root", "digest", "transaction", "block", "gas_used", "transmitter"):
        click.echo(f"  {key.replace('_', ' '):<13} {document[key]}")
    for signer in document["signers"]:
        click.echo(f"  signed by     {signer}")
    if document.get("relayed"):
        click.echo("  the report came through another contract: its proof is not in this transaction's calldata")
        return
    click.echo("  --json prints the typed data and the signatures")
