"""`patina join`: from an empty folder to a seat, one screen a step, and on from wherever it was cut off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk


@click.command()
@click.option(
    "--deployment",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The network's deployment file: what it says is compared with the configuration and the chain.",
)
@click.option("--bond", "amount", metavar="AMOUNT", help="What the bond is to be in all, such as 1,500.5.")
@click.option("--payee", metavar="ADDRESS", help="Who is paid for the node's work; by default the operator account.")
@click.option(
    "--drip/--no-drip", default=True, help="Whether to take tokens from a testnet's faucet if some are missing."
)
@click.option("--wait/--no-wait", default=True, help="Whether to wait for the seat, or end when nothing is left to do.")
@click.option("--light", is_flag=True, help="Encrypt a new operator key quickly and weakly: for devnets only.")
@staking_options
def join(
    *,
    deployment: Path | None,
    amount: str | None,
    payee: str | None,
    drip: bool,
    wait: bool,
    light: bool,
    choice: Choice,
) -> None:
    """Earn a seat in the committee: register this node, bond, and wait for the era's end.

    Every step is explained before it is taken, and money moves only after a yes. It may be stopped at any time and run
    again: it goes on where it was, and pays nothing twice.
    """
    from node.cli.stake.joining import Joining, Wishes
    from node.cli.stake.settle_in import ensure_node

    choice = ensure_node(choice, deployment)

    async def work(desk: Desk) -> dict[str, Any]:
        wishes = Wishes(deployment=deployment, bond=amount, payee=payee, drip=drip, wait=wait, light=light)
        return await Joining(desk, wishes).walk()

    perform(choice, work)
