"""`patina stake bond | unbond | withdraw | claim | collect`: everything that moves the bond, and pays out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.plan import View
    from node.staking.types import Account


def own(view: View) -> Account:
    """The operator's node; PatinaError where it has none, or none that anything can be done with."""
    if view.account is None:
        raise PatinaError("this operator account has no node: join first with patina join")
    return view.account


def alive(view: View) -> Account:
    """The operator's node, unless it was slashed."""
    account = own(view)
    if account.node.slashed:
        from node.staking.refusals import REFUSALS

        raise PatinaError("; ".join(REFUSALS["staking: slashed"]))
    return account


@click.command()
@click.argument("amount")
@staking_options
def bond(amount: str, *, choice: Choice) -> None:
    """Add AMOUNT of the token to the node's bond.

    AMOUNT is in whole units, such as 1,500.5. The contract is first allowed to take exactly that much.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        units = desk.units(amount)
        await desk.outbox()
        account = alive(await desk.view())
        await add_bond(desk, account, units)
        after = own(await desk.view())
        desk.talk.say(f"The bond is {desk.amount(after.node.bond)} now.")
        return {"bonded": str(units), "bond": str(after.node.bond), "candidate": after.node.candidate}

    perform(choice, work)


async def add_bond(desk: Desk, account: Account, units: int) -> None:
    """Approve as far as that is needed, and bond, after a yes; PatinaError where the account has too little."""
    from node.errors import RevertError
    from node.staking import calldata
    from node.staking.risks import risks, slash_receiver
    from node.staking.token import approve

    purse = await desk.purse(desk.operator.address)
    if purse.token < units:
        raise PatinaError(
            f"{desk.operator.address} has {desk.amount(purse.token)}, and {desk.amount(units)} are to be bonded: send "
            f"it {desk.amount(units - purse.token)} more, or bond less"
        )
    params, receiver = await desk.staking.params(), await slash_receiver(desk.staking)
    total = account.node.bond + units
    desk.talk.say(f"You add {desk.amount(units)} to node {account.node.id}; its bond will be {desk.amount(total)}.")
    desk.talk.points(risks(total + account.node.unbonding, params, desk.token, receiver))
    desk.talk.sure(f"Bond {desk.amount(units)}?")
    if purse.allowance < units:
        what = f"let the staking contract take {desk.amount(units)}"
        try:
            await desk.send(what, desk.token.address, approve(desk.staking.address, units))
        except RevertError:
            if not purse.allowance:
                raise
            # Some tokens change an allowance only by way of none.
            await desk.send("end an older allowance", desk.token.address, approve(desk.staking.address, 0))
            await desk.send(what, desk.token.address, approve(desk.staking.address, units))
    await desk.send(f"bond {desk.amount(units)}", desk.staking.address, calldata.bond(units))


@click.command()
@click.argument("amount")
@staking_options
def unbond(amount: str, *, choice: Choice) -> None:
    """Announce to take AMOUNT out of the bond.

    It can be withdrawn after the delay, and be slashed until it is withdrawn. Below the minimum the node loses its
    seat at the next rotation.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.risks import OVERLAP
        from node.staking.words import moment, span

        units = desk.units(amount)
        await desk.outbox()
        view = await desk.view()
        node, params = alive(view).node, view.overview.params
        if units > node.bond:
            raise PatinaError(f"the bond is {desk.amount(node.bond)}: unbond at most that")
        rest = node.bond - units
        ready = view.now + params.delay
        points = [
            f"{desk.amount(units)} can be withdrawn from {moment(ready, view.now)}, and be slashed until they are.",
            f"{desk.amount(rest)} stay bonded.",
        ]
        if rest < params.minimum:
            points.append(
                f"That is below the minimum of {desk.amount(params.minimum)}: the node is no candidate any more, loses "
                "its seat at the next rotation if it has one, and nothing can be withdrawn until "
                f"{span(params.delay + OVERLAP)} after it has lost it."
            )
        desk.talk.points(points)
        desk.talk.sure(f"Unbond {desk.amount(units)}?")
        await desk.send(f"unbond {desk.amount(units)}", desk.staking.address, calldata.unbond(units))
        return {"unbonded": str(units), "bond": str(rest), "ready_at": ready}

    perform(choice, work)


@click.command()
@staking_options
def withdraw(*, choice: Choice) -> None:
    """Take out what was unbonded and is ready.

    It goes to the operator account.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.words import moment

        await desk.outbox()
        view = await desk.view()
        account = alive(view)
        ready = sum(entry.amount for entry in account.unbondings if entry.ready_at <= view.now)
        if not account.unbondings:
            raise PatinaError(
                "nothing was unbonded, so nothing can be withdrawn: patina stake unbond AMOUNT comes first"
            )
        if account.locked_until > view.now:
            frozen = account.node.frozen_until > view.now
            why = "the guardian froze it" if frozen else "its last seat can still be answered for"
            soonest = min(entry.ready_at for entry in account.unbondings)
            later = (
                "" if soonest <= account.locked_until else f", and the first amount from {moment(soonest, view.now)}"
            )
            raise PatinaError(f"nothing can be withdrawn before {moment(account.locked_until, view.now)}: {why}{later}")
        if not ready:
            first = min(account.unbondings, key=lambda entry: entry.ready_at)
            raise PatinaError(
                f"nothing is ready: {desk.amount(first.amount)} can be withdrawn from "
                f"{moment(first.ready_at, view.now)}"
            )
        desk.talk.say(f"{desk.amount(ready)} go to {account.node.operator}.")
        desk.talk.sure("Withdraw?")
        await desk.send(f"withdraw {desk.amount(ready)}", desk.staking.address, calldata.withdraw())
        return {"withdrawn": str(ready), "to": account.node.operator}

    perform(choice, work)


@click.command()
@staking_options
def claim(*, choice: Choice) -> None:
    """Have the node's rewards paid to its payee.

    Rewards of eras that are over; those of this era are decided on at its end.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import show_ether

        await desk.outbox()
        account = own(await desk.view())
        if not account.claimable:
            raise PatinaError(
                f"there is nothing to claim; {show_ether(account.pending)} of this era are decided on at its end"
            )
        desk.talk.say(f"{show_ether(account.claimable)} go to {account.node.payee}.")
        desk.talk.sure("Claim?")
        await desk.send(f"claim {show_ether(account.claimable)}", desk.staking.address, calldata.claim(account.node.id))
        return {"claimed_wei": str(account.claimable), "to": account.node.payee}

    perform(choice, work)


@click.command()
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...")
@staking_options
def collect(accounts: tuple[str, ...], *, choice: Choice) -> None:
    """Have paid out what accounts are owed for gas and for slashes.

    By default the operator's own account and the node's signing address. Each is paid what is its own, whoever asks.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.keys.address import fault_of_address
        from node.staking import calldata
        from node.staking.amounts import show_ether

        for account in accounts:
            if fault := fault_of_address(account):
                raise PatinaError(f"{account}: {fault[0]}; {fault[1]}")
        await desk.outbox()
        signer = desk.operator.signer_address
        wanted = accounts or tuple(dict.fromkeys([desk.operator.address, *([signer] if signer else [])]))
        paid = []
        for account in wanted:
            coin, stake = await desk.staking.owed(account)
            for amount, words, call in (
                (coin, show_ether(coin), calldata.collect(account)),
                (stake, desk.amount(stake), calldata.collect_stake(account)),
            ):
                if amount:
                    desk.talk.say(f"{account} is owed {words}.")
                    desk.talk.sure(f"Have {words} paid to it?")
                    await desk.send(f"collect {words} for {account}", desk.staking.address, call)
                    paid.append({"account": account, "amount": words})
        if not paid:
            raise PatinaError(f"nothing is owed to {' or '.join(wanted)}")
        return {"paid": paid}

    perform(choice, work)
