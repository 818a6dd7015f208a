"""`patina stake`: everything an operator does with a bond, each command imported only when it is called."""

from __future__ import annotations

import click

from node.cli.lazy import LazyGroup

#: name -> ("module:attribute", one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "status": ("node.cli.stake.status:status", "Show the node's bond, seat, rewards, and what is due when."),
    "bond": ("node.cli.stake.money:bond", "Add AMOUNT of the token to the node's bond."),
    "unbond": ("node.cli.stake.money:unbond", "Announce to take AMOUNT out of the bond."),
    "withdraw": ("node.cli.stake.money:withdraw", "Take out what was unbonded and is ready."),
    "claim": ("node.cli.stake.money:claim", "Have the node's rewards paid to its payee."),
    "collect": ("node.cli.stake.money:collect", "Have paid out what accounts are owed for gas and for slashes."),
    "exit": ("node.cli.stake.membership:leave", "Unbond everything and give up the seat."),
    "rejoin": ("node.cli.stake.membership:rejoin", "Be a candidate again, after an exit or a suspension."),
    "payee": ("node.cli.stake.membership:payee", "Have ADDRESS paid for the node's work from now on."),
    "rotate-key": ("node.cli.stake.membership:rotate_key", "Register the keys that this configuration names now."),
    "rotate": ("node.cli.stake.membership:rotate", "End the era, if it is over, and elect the next committee."),
    "funds": (
        "node.cli.stake.feeds:funds",
        "Show what FEED has for its reports, and how long it lasts.",
    ),
    "fund": ("node.cli.stake.feeds:fund", "Give FEED so much ETHER to pay for its reports."),
    "defund": ("node.cli.stake.feeds:defund", "Announce to take ETHER out of FEED's funds."),
    "take-funds": ("node.cli.stake.feeds:take_funds", "Take out what was announced to leave FEED's funds."),
    "fund-treasury": (
        "node.cli.stake.caring:fund_treasury",
        "Give the treasury ETHER, out of which rotations are paid.",
    ),
    "freeze": ("node.cli.stake.caring:freeze", "Stop NODE's withdrawals for 30 days: the guardian only."),
    "thaw": ("node.cli.stake.caring:thaw", "Let NODE withdraw again before its 30 days are over: the guardian only."),
    "guardian": ("node.cli.stake.caring:guardian", "Hand the guardian's role on to ADDRESS: the guardian only."),
    "slash": ("node.cli.stake.slash:slash", "Take all stake of a node that signed two reports for one view."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def stake() -> None:
    """Look after a node's bond, seat and rewards."""
