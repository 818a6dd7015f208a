"""`patina stake fund-treasury | freeze | thaw`: what is done for a network, and not for one's own node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk

NODE = click.IntRange(1, 2**63 - 1)


@click.command("fund-treasury")
@click.argument("ether")
@staking_options
def fund_treasury(ether: str, *, choice: Choice) -> None:
    """Give the treasury ETHER, out of which rotations are paid.

    Anyone may, and nobody can take it out.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import ETHER_DECIMALS, parse_amount, show_ether

        wei = parse_amount(ether, ETHER_DECIMALS, "ether")
        await desk.outbox()
        desk.talk.say("What you give the treasury is gone: it repays the gas of rotations, and nobody can take it out.")
        desk.talk.sure(f"Give it {show_ether(wei)}?")
        what = f"give the treasury {show_ether(wei)}"
        await desk.send(what, desk.staking.address, calldata.fund_treasury(), value=wei)
        return {"wei": str(wei), "treasury_wei": str((await desk.view(0)).overview.treasury)}

    perform(choice, work)


@click.command()
@click.argument("node", type=NODE)
@staking_options
def freeze(node: int, *, choice: Choice) -> None:
    """Stop NODE's withdrawals for 30 days: the guardian only.

    For a key that was stolen, or evidence that is under way. NODE is its number, as patina stake status shows it. Name
    the guardian's keystore with --operator.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata

        await desk.outbox()
        desk.talk.say(
            f"Node {node} goes on working and being paid, and can withdraw nothing for 30 days. It cannot be frozen "
            "again within the 30 days after that."
        )
        desk.talk.sure(f"Freeze node {node}?")
        await desk.send(f"freeze node {node}", desk.staking.address, calldata.freeze(node))
        return {"node": node, "frozen": True}

    perform(choice, work)


@click.command()
@click.argument("node", type=NODE)
@staking_options
def thaw(node: int, *, choice: Choice) -> None:
    """Let NODE withdraw again before its 30 days are over: the guardian only.

    Name the guardian's keystore with --operator.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata

        await desk.outbox()
        desk.talk.sure(f"Let node {node} withdraw again?")
        await desk.send(f"thaw node {node}", desk.staking.address, calldata.thaw(node))
        return {"node": node, "frozen": False}

    perform(choice, work)
