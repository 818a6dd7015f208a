"""`patina faucet`: coin for an account on a development chain."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import click

from node.cli.options import json_option, warn_of_secrets

if TYPE_CHECKING:
    from node.keys.secrets import SecretUrl

_WEI: Final = 10**18
_LONGEST: Final = 40


@click.command()
@click.argument("address")
@click.option(
    "--rpc",
    default="http://127.0.0.1:8545",
    show_default=True,
    callback=warn_of_secrets,
    help="JSON-RPC URL of the development chain.",
)
@click.option("--amount", default="10", show_default=True, metavar="COIN", help="How much of the chain's coin.")
@json_option
def faucet(address: str, *, rpc: str, amount: str, as_json: bool) -> None:
    """Give ADDRESS coin on a development chain.

    Works on the chain of `patina devnet` and on anvil, where coin is worth nothing, and is refused everywhere else.
    """
    import asyncio

    from node.devnet.faucet import fund

    to, url, wei = _address(address), _url(rpc), _wei(amount)
    held = asyncio.run(fund(url, to, wei))
    if as_json:
        click.echo(json.dumps({"address": to, "given": str(wei), "balance": str(held)}))
    else:
        click.echo(f"{to} has {_coin(held)} coin now")


def _address(text: str) -> str:
    from node.keys.address import fault_of_address

    if fault := fault_of_address(text):
        raise click.UsageError(f"ADDRESS {fault[0]}: {fault[1]}")
    return text


def _url(text: str) -> SecretUrl:
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.keys.secrets import SecretUrl

    if fault := fault_of_url(text, HTTP):
        raise click.UsageError(f"--rpc: {fault}")
    return SecretUrl(text)


def _wei(text: str) -> int:
    """Decimal coin as wei; no exponents, which are short to write and endless to reckon with."""
    from node.devnet.faucet import MOST

    try:
        coin = Decimal(text) if len(text) <= _LONGEST and "e" not in text.lower() else Decimal("NaN")
    except InvalidOperation:
        coin = Decimal("NaN")
    if not coin.is_finite() or not 0 < (wei := coin * _WEI) <= MOST or wei != int(wei):
        raise click.UsageError(f"--amount: write it like 10 or 0.25, above 0 and up to {MOST // _WEI:,}")
    return int(wei)


def _coin(wei: int) -> str:
    whole, rest = divmod(wei, _WEI)
    return f"{whole:,}" + (f".{rest:018d}".rstrip("0") if rest else "")
