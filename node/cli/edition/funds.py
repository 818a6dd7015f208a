"""`patina edition fund | defund | take-funds`: the coin that a feed pays its reports with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.desk import perform
from node.cli.edition.options import Choice, artist_options
from node.cli.edition.selling import EDITION
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.edition.desk import Desk


@click.command()
@click.argument("edition", type=EDITION)
@click.argument("ether")
@artist_options
def fund(edition: int, ether: str, *, choice: Choice) -> None:
    """Give the feed of EDITION so much ETHER to pay for its reports.

    Anyone may; what is left belongs to whoever opened the feed.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import show_ether

        staking, wei = staking_of(desk), _wei(ether)
        feed = (await desk.edition(edition)).feed
        what, ask = f"fund feed {feed} with {show_ether(wei)}", f"Give feed {feed} {show_ether(wei)}?"
        await desk.send(what, staking, calldata.fund(feed), value=wei, ask=ask)
        return {"edition": edition, "feed": feed, "wei": str(wei)}

    perform(choice, work)


@click.command()
@click.argument("edition", type=EDITION)
@click.argument("ether")
@artist_options
def defund(edition: int, ether: str, *, choice: Choice) -> None:
    """Announce to take ETHER out of the funds of EDITION's feed.

    Only whoever opened the feed may. The funds pay for reports for another hour; patina edition take-funds has them
    paid out then. A second announcement takes the place of the first.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import show_ether
        from node.staking.contract import Staking

        staking, wei = staking_of(desk), _wei(ether)
        feed = (await desk.edition(edition)).feed
        held = (await Staking(desk.chain.pool, staking).funds([feed]))[feed]
        if wei > held:
            raise PatinaError(f"feed {feed} has {show_ether(held)}: announce at most that")
        desk.talk.say(f"Feed {feed} has {show_ether(held)}, and {show_ether(held - wei)} would be left.")
        what = f"announce to take {show_ether(wei)} out of the funds of feed {feed}"
        await desk.send(what, staking, calldata.defund(feed, wei), ask=f"Announce to take {show_ether(wei)} out?")
        return {"edition": edition, "feed": feed, "wei": str(wei)}

    perform(choice, work)


@click.command("take-funds")
@click.argument("edition", type=EDITION)
@artist_options
def take_funds(edition: int, *, choice: Choice) -> None:
    """Have paid out what was announced to be taken out of EDITION's funds.

    An hour after patina edition defund at the earliest, to whoever opened the feed.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import show_ether

        staking = staking_of(desk)
        feed = (await desk.edition(edition)).feed
        wanted = calldata.withdraw_funds(feed)
        if (await desk.errands()).landed(staking, wanted):
            await desk.send(f"take the funds out of feed {feed}", staking, wanted)
            return {"edition": edition, "feed": feed, "wei": None}
        wei, ready = await desk.read("NodeStaking", staking, "defunding", feed)
        if not wei:
            raise PatinaError(
                f"nothing was announced for feed {feed}: patina edition defund {edition} ETHER comes first"
            )
        now = (await desk.chain.head()).timestamp
        if now < ready:
            from node.staking.words import moment

            raise PatinaError(f"{show_ether(wei)} of feed {feed} can be taken out from {moment(ready, now)}")
        ask = f"Take {show_ether(wei)} out of the funds of feed {feed}?"
        await desk.send(f"take {show_ether(wei)} out of feed {feed}", staking, wanted, ask=ask)
        return {"edition": edition, "feed": feed, "wei": str(wei)}

    perform(choice, work)


def staking_of(desk: Desk) -> str:
    """The network's staking contract; PatinaError where nodes are not paid by one."""
    if desk.deployment.staking is None:
        raise PatinaError("nodes of this network are not paid by contract: a feed needs no funds, and has none")
    return desk.deployment.staking


def _wei(ether: str) -> int:
    from node.staking.amounts import ETHER_DECIMALS, parse_amount

    return parse_amount(ether, ETHER_DECIMALS, "ether")
