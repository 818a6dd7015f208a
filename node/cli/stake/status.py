"""`patina stake status`: a node's bond, seat, rewards and dates, for a person or a program."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from node.cli.stake.desk import perform
from node.cli.stake.options import Choice, staking_options

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.plan import View

_CLOCKS_APART = 300
"""Seconds between the chain's clock and this machine's that are worth a word."""


@click.command()
@click.option("--node", "number", type=click.IntRange(1, 2**63 - 1), help="Another node, by its id.")
@staking_options
def status(number: int | None, *, choice: Choice) -> None:
    """Show the node's bond, seat, rewards, and what is due when.

    Needs no password. The node is the operator's, or the one that has this configuration's signing address.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        found = await which(desk) if number is None else (await desk.staking.node(number)).id
        view = await desk.view(found)
        owed, sits = await owed_to(desk), await sitting_signer(desk, view)
        document = describe(desk, view, owed)
        if view.account is not None:
            document["node"]["sitting_signer"] = sits
        if not desk.talk.as_json:
            show(desk, view, owed, sits)
        return document

    perform(choice, work)


async def which(desk: Desk) -> int:
    """The node that is meant: the operator's, else the signing address's; 0 for none."""
    if desk.operator.exists and (found := await desk.staking.node_of(desk.operator.address)):
        return found
    signer = desk.operator.signer_address
    return 0 if signer is None else await desk.staking.node_of_signer(signer)


async def sitting_signer(desk: Desk, view: View) -> str | None:
    """Whose signatures count in the node's seat now, which keys that were changed since do not; None without a seat."""
    if view.seat is None:
        return None
    signers = (await desk.chain.committee()).signers
    return signers[view.seat] if view.seat < len(signers) else None


async def owed_to(desk: Desk) -> dict[str, tuple[int, int]]:
    """What the operator and the signing address can collect: wei, and stake."""
    accounts = [desk.operator.address] if desk.operator.exists else []
    if (signer := desk.operator.signer_address) is not None and signer not in accounts:
        accounts.append(signer)
    return {account: await desk.staking.owed(account) for account in accounts}


def describe(desk: Desk, view: View, owed: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Everything as JSON says it: amounts are decimal texts in wei or the token's units, times Unix times."""
    from node.staking import plan

    overview, account = view.overview, view.account
    document: dict[str, Any] = {
        "chain_id": desk.chain_id,
        "oracle": desk.chain.oracle,
        "staking": desk.staking.address,
        "token": {"address": desk.token.address, "symbol": desk.token.symbol, "decimals": desk.token.decimals},
        "now": view.now,
        "era": overview.era,
        "era_ends": overview.era_ends,
        "committee": list(view.members),
        "configuration": overview.number,
        "candidates": len(view.nodes),
        "next_committee": list(plan.elect(view.nodes, overview.params)),
        "minimum": str(overview.params.minimum),
        "least_winning_bond": str(
            plan.least_winning_bond(view.nodes, overview.params, account.node.id if account else None)
        ),
        "treasury": str(overview.treasury),
        "owed": {who: {"wei": str(coin), "stake": str(stake)} for who, (coin, stake) in owed.items()},
        "node": None,
    }
    if account is not None:
        node = account.node
        document["node"] = {
            "id": node.id,
            "operator": node.operator,
            "payee": node.payee,
            "signer": node.signer,
            "transport_key": "0x" + node.transport_key.hex(),
            "state": state(view),
            "seat": view.seat,
            "place": plan.place(view),
            "bond": str(node.bond),
            "unbonding": [{"amount": str(one.amount), "ready_at": one.ready_at} for one in account.unbondings],
            "locked_until": account.locked_until,
            "frozen_until": node.frozen_until,
            "due": account.due,
            "attended": account.attended,
            "strikes": node.strikes,
            "pending": str(account.pending),
            "claimable": str(account.claimable),
        }
    return document


def state(view: View) -> str:
    """In one word: none, slashed, suspended, leaving, seated, candidate or registered."""
    if view.account is None:
        return "none"
    node = view.account.node
    for name in ("slashed", "suspended", "leaving"):
        if getattr(node, name):
            return name
    if view.seat is not None:
        return "seated"
    return "candidate" if node.candidate else "registered"


def show(desk: Desk, view: View, owed: dict[str, tuple[int, int]], sits: str | None) -> None:
    """One screen for a person; `sits` as `sitting_signer` finds it."""
    from node.staking.amounts import show_ether
    from node.staking.words import era_end, moment, share, times

    talk, overview, params = desk.talk, view.overview, view.overview.params
    rows = [
        ("staking", f"{desk.staking.address} on chain {desk.chain_id}"),
        ("era", f"{overview.era}, which {era_end(overview.era_ends, view.now)}"),
        (
            "committee",
            f"{len(view.members)} of at most {times(params.seats, 'seat')}; {times(len(view.nodes), 'candidate')}",
        ),
    ]
    if not overview.obeyed:
        rows.append(("attention", "the oracle does not obey this staking contract (any more): nobody is seated"))
    if (account := view.account) is None:
        rows.append(("node", "none of this operator's or this signing address's: patina join"))
    else:
        node = account.node
        rows += [
            ("node", f"{node.id}: {standing(desk, view)}"),
            ("operator", node.operator),
            ("payee", node.payee),
            ("signer", node.signer),
        ]
        if sits not in (None, node.signer):
            rows.append(("", f"{sits} sits until the next rotation: run the node with it until then"))
        rows += [
            ("bond", desk.amount(node.bond)),
        ]
        rows += [
            ("unbonding", f"{desk.amount(one.amount)}, ready {moment(one.ready_at, view.now)}")
            for one in account.unbondings
        ]
        if account.unbondings and account.locked_until > view.now:
            rows.append(("", f"nothing can be withdrawn before: {moment(account.locked_until, view.now)}"))
        if node.frozen_until > view.now:
            rows.append(("frozen", f"by the guardian until {moment(node.frozen_until, view.now)}"))
        present = "no report of this era is settled yet"
        if account.due:
            present = f"worked on {account.attended} of {times(account.due, 'settled report')} of this era"
            present += f" ({share(account.attended * 10_000 // account.due)}; {share(params.attendance)} are needed)"
        rows += [
            ("attendance", present),
            ("strikes", f"{node.strikes} of {params.strikes} eras in a row that cost the seat"),
            ("rewards", f"{show_ether(account.pending)} in this era, {show_ether(account.claimable)} to be claimed"),
        ]
    for who, (coin, stake) in owed.items():
        if coin:
            rows.append(("owed", f"{show_ether(coin)} for gas, to {who}: patina stake collect"))
        if stake:
            rows.append(("owed", f"{desk.amount(stake)} of slashes, to {who}: patina stake collect"))
    talk.rows(rows)
    warn_of_clock(desk, view)
    if view.account is not None and view.account.node.signer != desk.operator.signer_address is not None:
        talk.say("This configuration's signing key is another than the registered one: patina stake rotate-key")


def standing(desk: Desk, view: View) -> str:
    """What the node is, in a sentence."""
    from node.staking import plan
    from node.staking.words import times

    word, params = state(view), view.overview.params
    if word == "slashed":
        return "slashed; it is finished, and so are its keys"
    if word == "suspended":
        return "suspended for being absent; patina stake rejoin in the next era"
    if word == "leaving":
        return "leaving" + (f"; it keeps seat {view.seat + 1} until the next rotation" if view.seat is not None else "")
    place = plan.place(view)
    if word == "seated":
        stays = view.account is not None and view.account.node.id in plan.elect(view.nodes, params)
        after = "and keeps it as things stand" if stays else "and loses it at the next rotation"
        seat = 0 if view.seat is None else view.seat + 1
        return f"in seat {seat} of {len(view.members)}, {after}"
    if place is not None:
        inside = "would be seated at the next rotation" if place <= params.seats else "waits in the queue"
        return f"candidate, {place}. of {len(view.nodes)} by bond; {inside}"
    assert view.account is not None  # noqa: S101 - the state would be none
    short = params.minimum - view.account.node.bond
    if short > 0:
        return f"registered; {desk.amount(short)} are missing to the minimum bond"
    return f"crowded out by {times(len(view.nodes), 'candidate')} with higher bonds"


def warn_of_clock(desk: Desk, view: View) -> None:
    """Say so where the chain's clock is another than this machine's: all times here are the chain's."""
    from node.staking.words import span, stamp

    apart = view.now - int(time.time())
    if abs(apart) >= _CLOCKS_APART:
        side = "behind" if apart < 0 else "ahead of"
        desk.talk.say(
            f"The chain's newest block says {stamp(view.now)}, {span(abs(apart))} {side} this machine's clock: all "
            "times here are the chain's."
        )


def clock_here(second: int, now: int) -> str | None:
    """When that is on the clock of whoever sits here; None where the chain's own clock goes another way."""
    here = time.time()
    return None if abs(now - here) >= _CLOCKS_APART else time.strftime("%a %H:%M", time.localtime(here + second - now))
