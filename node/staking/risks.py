"""What an operator can lose and how, in sentences with this contract's own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.chain.calls import call_at
from node.chain.interface import interface
from node.staking.amounts import show_amount, show_ether
from node.staking.plan import slashed_shares
from node.staking.words import share, span, times

if TYPE_CHECKING:
    from node.staking.contract import Staking
    from node.staking.token import Token
    from node.staking.types import Params

OVERLAP: Final = 3_600
"""Seconds for which reports of the committee before the one in force are taken."""
BURNT: Final = "0x000000000000000000000000000000000000dEaD"
"""Who gets slashed stake where it is burnt."""


async def slash_receiver(staking: Staking) -> str:
    """Who gets what a slash leaves after its reporter; BURNT for nobody. Raises ChainError."""
    from eth_utils.address import to_checksum_address

    abi = interface("NodeStaking")
    returned = await staking.pool.ask(lambda ask: call_at(ask, staking.address, abi.encode("slash_receiver"), None))
    return str(to_checksum_address(abi.result("slash_receiver", returned)))


def risks(amount: int, params: Params, token: Token, receiver: str) -> list[str]:
    """What becomes of `amount` (the token's units) while it is bonded."""
    whole = show_amount(amount, token.decimals, token.symbol)
    reward, rest = (show_amount(part, token.decimals, token.symbol) for part in slashed_shares(amount, params))
    fate = "burnt" if receiver == BURNT else f"sent to {receiver}"
    return [
        f"All of it ({whole}) is lost if this node's signing key ever signs two different reports for one view of "
        f"one round: {reward} go to whoever proves it, {rest} are {fate}. That is what two programs with one key do, "
        "or a node whose journal was restored from a copy.",
        f"To have it back, unbond and wait {span(params.delay)}; until it is withdrawn it can be lost like the rest.",
        "Being offline never costs the bond. " + attendance_rule(params),
    ]


def attendance_rule(params: Params) -> str:
    """What being absent costs."""
    return (
        f"Whoever works on less than {share(params.attendance)} of an era's reports (where there are "
        f"{params.least_reports} or more) loses that era's rewards; {times(params.strikes, 'such era')} in a row "
        f"cost{'s' if params.strikes == 1 else ''} the seat until the operator rejoins."
    )


def earnings(params: Params) -> str:
    """What work is paid."""
    return (
        f"A report of a feed with funds pays {show_ether(params.observer_fee)} to each node that observed, "
        f"{show_ether(params.signer_fee)} to each whose signature it carries, and whoever sends it gets its gas back "
        f"(at most at {params.price_cap / 10**9:g} gwei) and {share(params.premium)} on top."
    )
