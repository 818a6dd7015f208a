"""`patina stake funds | fund | defund | take-funds`: the coin that a feed pays its reports with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.types import FeedFunds
    from node.staking.upkeep import Upkeep

FEED = click.IntRange(1, 2**63 - 1)
_YEARS = 10 * 365 * 86_400


@click.command()
@click.argument("feed", type=FEED)
@staking_options
def funds(feed: int, *, choice: Choice) -> None:
    """Show what FEED has for its reports, and how long it lasts.

    That is reckoned from what its latest reports cost. Needs no password.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking.upkeep import read_upkeep

        found = await read_upkeep(desk.chain, desk.staking, feed)
        if not desk.talk.as_json:
            desk.talk.rows(rows(found, (await desk.chain.head()).timestamp))
        return document(found)

    perform(choice, work)


@click.command()
@click.argument("feed", type=FEED)
@click.argument("ether")
@staking_options
def fund(feed: int, ether: str, *, choice: Choice) -> None:
    """Give FEED so much ETHER to pay for its reports.

    Anyone may; only whoever opened the feed can take out what is left, an hour after saying so.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import ETHER_DECIMALS, parse_amount, show_ether
        from node.staking.upkeep import read_upkeep

        wei = parse_amount(ether, ETHER_DECIMALS, "ether")
        before = await desk.staking.feed_funds(feed)
        await desk.outbox()
        desk.talk.say(
            f"Feed {feed} has {show_ether(before.held)}. What you give it is gone: it pays nodes, and what is left "
            f"belongs to whoever opened the feed, {before.opener}."
        )
        desk.talk.sure(f"Give feed {feed} {show_ether(wei)}?")
        what = f"fund feed {feed} with {show_ether(wei)}"
        await desk.send(what, desk.staking.address, calldata.fund(feed), value=wei)
        await desk.view(0)  # no endpoint is asked that has not seen it
        after = await read_upkeep(desk.chain, desk.staking, feed)
        desk.talk.say(f"Its funds {'cover' if after.funds.pays else 'do not yet cover'} the dearest report.")
        if lasts := lasting(after):
            desk.talk.say(f"They are good for {lasts}.")
        return {"feed": feed, "wei": str(wei), "pays": after.funds.pays, "funds_wei": str(after.funds.held)}

    perform(choice, work)


@click.command()
@click.argument("feed", type=FEED)
@click.argument("ether")
@staking_options
def defund(feed: int, ether: str, *, choice: Choice) -> None:
    """Announce to take ETHER out of FEED's funds.

    Only whoever opened the feed may: name its keystore with --operator. The funds pay for reports for another hour;
    patina stake take-funds has them paid out then. What is announced takes the place of what was before: 0 lets
    everything stay.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.staking import calldata
        from node.staking.amounts import ETHER_DECIMALS, parse_amount, show_ether
        from node.staking.upkeep import NOTICE, dearest
        from node.staking.words import moment

        nothing = not ether.strip().strip("0.")
        wei = 0 if nothing else parse_amount(ether, ETHER_DECIMALS, "ether")
        found = await _own(desk, feed)
        if wei > found.held:
            raise PatinaError(f"feed {feed} has {show_ether(found.held)}: announce at most that")
        if not wei and not found.leaving:
            raise PatinaError(f"nothing of feed {feed}'s funds was announced to be taken out: everything stays anyway")
        await desk.outbox()
        view = await desk.view(0)
        points = []
        if found.leaving:
            points.append(f"What was announced before, {show_ether(found.leaving)}, does not count any more.")
        if wei:
            ready = moment(view.now + NOTICE, view.now)
            points += [
                f"{show_ether(wei)} can be taken out from {ready} on, with patina stake take-funds {feed}. Until they "
                "are they pay for reports as before, so that it may be less by then.",
                f"{show_ether(found.held - wei)} stay.",
            ]
            if found.held - wei < dearest(view.overview.params):
                points.append(
                    "That does not cover the dearest report: nodes that work for pay alone begin no more rounds of "
                    "this feed from now on."
                )
        else:
            points.append(f"All of the feed's {show_ether(found.held)} stay.")
        desk.talk.points(points)
        desk.talk.sure(f"Announce to take {show_ether(wei)} out?" if wei else "Let everything stay?")
        what = f"announce to take {show_ether(wei)} out of the funds of feed {feed}"
        await desk.send(what, desk.staking.address, calldata.defund(feed, wei))
        return {"feed": feed, "wei": str(wei)}

    perform(choice, work)


@click.command("take-funds")
@click.argument("feed", type=FEED)
@staking_options
def take_funds(feed: int, *, choice: Choice) -> None:
    """Take out what was announced to leave FEED's funds.

    An hour after patina stake defund at the earliest. It goes to whoever opened the feed.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.cli.stake.settling import settle_until
        from node.staking import calldata
        from node.staking.amounts import show_ether
        from node.staking.words import moment

        found = await _own(desk, feed)
        if not found.leaving:
            raise PatinaError(f"nothing was announced for feed {feed}: patina stake defund {feed} ETHER comes first")
        now = (await desk.chain.head()).timestamp
        if now < found.ready_at:
            raise PatinaError(
                f"{show_ether(found.leaving)} of feed {feed} can be taken out from {moment(found.ready_at, now)}"
            )
        await desk.outbox()
        if await settle_until(desk, found.ready_at):
            found = await desk.staking.feed_funds(feed)
        if not found.leaving:
            raise PatinaError(f"nothing is left of feed {feed}'s funds: reports of that hour have cost it all")
        desk.talk.say(f"{show_ether(found.leaving)} go to {found.opener}; {show_ether(found.staying)} stay.")
        desk.talk.sure("Take it out?")
        what = f"take {show_ether(found.leaving)} out of the funds of feed {feed}"
        await desk.send(what, desk.staking.address, calldata.withdraw_funds(feed))
        return {"feed": feed, "wei": str(found.leaving), "to": found.opener}

    perform(choice, work)


async def _own(desk: Desk, feed: int) -> FeedFunds:
    """The funds of a feed that this account opened; PatinaError for any other."""
    found = await desk.staking.feed_funds(feed)
    if found.opener != desk.operator.address:
        raise PatinaError(
            f"feed {feed} was opened by {found.opener}, who alone may take out its funds, and this account is "
            f"{desk.operator.address}: name the opener's keystore with --operator"
        )
    return found


def lasting(found: Upkeep) -> str:
    """What funds are good for, in words; "" where nothing tells what a report costs."""
    from node.staking.words import span, times

    count, seconds = found.reports, found.seconds
    if count is None:
        return ""
    words = f"about {times(count, 'report')}"
    if seconds is None:
        return words
    return f"{words}, {span(seconds) if seconds < _YEARS else 'more than ten years'} at the pace of the latest ones"


def rows(found: Upkeep, now: int) -> list[tuple[str, str]]:
    """One screen for a person; `now` is the newest block's time."""
    from node.staking.amounts import show_ether
    from node.staking.words import moment, span, times

    funds, mean = found.funds, found.mean
    lines = [("feed", f"{funds.feed}, opened by {funds.opener}"), ("funds", show_ether(funds.held))]
    if funds.leaving:
        when = moment(funds.ready_at, now)
        lines.append(("", f"{show_ether(funds.leaving)} of them can be taken out: {when}"))
    if mean is None:
        lines.append(("a report", f"none landed lately; it may take up to {show_ether(found.dearest)}"))
    else:
        of = f"the mean of the latest {len(found.prices)}" if len(found.prices) > 1 else "as the latest one"
        spread = (
            f" ({show_ether(min(found.prices))} to {show_ether(max(found.prices))})"
            if min(found.prices) != max(found.prices)
            else ""
        )
        lines.append(("a report", f"takes {show_ether(mean)}, {of}{spread}; the dearest {show_ether(found.dearest)}"))
        if found.between is not None:
            lines.append(("", f"one every {span(round(found.between))} lately"))
        lines.append(("lasts", lasting(found)))
    if funds.pays:
        for_pay = f"nodes that work for pay alone serve it until less than {show_ether(found.dearest)} are left"
    else:
        short = show_ether(found.dearest - funds.staying)
        for_pay = f"not covered: nodes that work for pay alone leave it; {short} more are needed"
    lines.append(("for pay", for_pay))
    if found.unpaid:
        lines.append(("unpaid", f"{times(found.unpaid, 'report')} lately: the funds did not suffice"))
    if found.settled_until is not None:
        until = f"those after {moment(found.settled_until, now)}" if found.settled_until else "some"
        lines.append(("settled", f"not all reports: {until} are still to be taken from the funds"))
    return lines


def document(found: Upkeep) -> dict[str, Any]:
    """The same for a program: amounts are decimal texts in wei."""
    funds = found.funds
    return {
        "feed": funds.feed,
        "opener": funds.opener,
        "funds_wei": str(funds.held),
        "leaving_wei": str(funds.leaving),
        "ready_at": funds.ready_at,
        "pays": funds.pays,
        "dearest_wei": str(found.dearest),
        "report_wei": None if found.mean is None else str(found.mean),
        "reports_looked_at": len(found.prices),
        "seconds_between": None if found.between is None else round(found.between),
        "reports_left": found.reports,
        "seconds_left": found.seconds,
        "unpaid": found.unpaid,
        "settled_until": found.settled_until,
    }
