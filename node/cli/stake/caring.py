"""`patina stake fund-treasury | freeze | thaw | guardian`: what is done for a network, and not for one's own node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options
from node.errors import PatinaError

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
        held = (await desk.view(0)).overview.treasury
        desk.talk.say(
            f"The treasury has {show_ether(held)}. What you give it is gone: it repays the gas of rotations, and "
            "nobody can take it out."
        )
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

        await _check_guardian(desk)
        found = await desk.staking.node(node)
        await desk.outbox()
        desk.talk.say(
            f"Node {node} of the operator {found.operator} has {desk.amount(found.bond)} bonded, and "
            f"{desk.amount(found.unbonding)} on their way out. It goes on working and being paid, and can withdraw "
            "nothing for 30 days. It cannot be frozen again within the 30 days after that."
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

        await _check_guardian(desk)
        await desk.outbox()
        desk.talk.say(
            f"Node {node} can withdraw again at once what is ready. It cannot be frozen anew until 30 days after the "
            "day on which this freeze would have ended."
        )
        desk.talk.sure(f"Let node {node} withdraw again?")
        await desk.send(f"thaw node {node}", desk.staking.address, calldata.thaw(node))
        return {"node": node, "frozen": False}

    perform(choice, work)


@click.command()
@click.argument("address")
@staking_options
def guardian(address: str, *, choice: Choice) -> None:
    """Hand the guardian's role on to ADDRESS: the guardian only.

    With none in the place of an address there is no guardian from then on, for good. Name the present one's keystore
    with --operator.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.chain.types import NOBODY
        from node.keys.address import fault_of_address
        from node.staking import calldata

        to = NOBODY if address.lower() == "none" else address
        if to != NOBODY and (fault := fault_of_address(to)):
            raise PatinaError(f"ADDRESS: {fault[0]}; {fault[1]}, or none")
        await _check_guardian(desk)
        await desk.outbox()
        if to == NOBODY:
            desk.talk.say("Nobody can freeze a node's withdrawals from then on, and nobody can bring the role back.")
        else:
            desk.talk.say(f"From then on {to} can freeze withdrawals, and hand the role on; this account cannot.")
        desk.talk.sure("End the role for good?" if to == NOBODY else "Hand the role on?")
        what = "end the guardian's role" if to == NOBODY else f"make {to} the guardian"
        await desk.send(what, desk.staking.address, calldata.set_guardian(to))
        return {"guardian": None if to == NOBODY else to}

    perform(choice, work)


async def _check_guardian(desk: Desk) -> None:
    """Nothing, if this account is the guardian's; PatinaError otherwise."""
    from node.chain.types import NOBODY

    role, account = await desk.staking.guardian(), desk.operator.address
    if role == NOBODY:
        raise PatinaError("only the guardian may do that, and this contract has none (any more)")
    if role != account:
        raise PatinaError(
            f"only the guardian may do that, which is {role}, and this account is {account}: name the guardian's "
            "keystore with --operator"
        )
