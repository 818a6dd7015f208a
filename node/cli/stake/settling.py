"""Settles reports and ends eras for a person, as nodes do for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.errors import PatinaError, RevertError
from node.staking.types import REFUND_GAS

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.ledger import Ledger

_TRIES: Final = 100
_OVERTAKEN: Final = ("other records", "settled already")
"""What the contract says where a report landed, or somebody settled, between a look and what followed from it."""


async def end_era(desk: Desk, era: int) -> None:
    """Settle what there is and rotate, unless somebody else is first; RevertError where the contract refuses."""
    from node.staking.closing import closing_call

    ledger, refused = _ledger(desk), None
    for _ in range(_TRIES):
        view = await desk.view()
        if view.overview.era != era:
            if refused is not None:
                desk.talk.say("Somebody else was first, and has ended the era.")
            return
        if refused is not None and not _overtaken(refused):
            raise refused
        call = await closing_call(view.overview, ledger, (await desk.chain.head()).number)
        try:
            await desk.send(call.what, desk.staking.address, call.calldata, more_gas=REFUND_GAS if call.rotates else 0)
            refused = None
        except RevertError as error:
            refused = error
    raise PatinaError("reports land faster than they can be settled from here: the nodes go on with it")


async def settle_until(desk: Desk, second: int) -> bool:
    """Settle all reports up to a second (Unix time), after a yes; whether there was anything to settle.

    RevertError where the contract refuses.
    """
    from node.staking.closing import settling_call
    from node.staking.words import stamp

    ledger, asked = _ledger(desk), False
    for _ in range(_TRIES):
        overview = (await desk.view(0)).overview
        if overview.settled_until >= second:
            return asked
        call = await settling_call(overview, ledger, (await desk.chain.head()).number)
        if call is None:
            return asked
        if not asked:
            asked = True
            desk.talk.say(
                f"Not all reports up to {stamp(second)} are paid for yet: that is done first. Anyone may; it pays the "
                "nodes that worked on them."
            )
            desk.talk.sure(f"{call.what[0].upper()}{call.what[1:]}?")
        try:
            await desk.send(call.what, desk.staking.address, call.calldata)
        except RevertError as error:
            if not _overtaken(error):
                raise
    raise PatinaError("reports land faster than they can be settled from here: the nodes go on with it")


def _overtaken(refused: RevertError) -> bool:
    return any(words in str(refused) for words in _OVERTAKEN)


def _ledger(desk: Desk) -> Ledger:
    from node.staking.ledger import Ledger

    return Ledger(desk.chain.pool, desk.chain.oracle, desk.chain_id, staking=desk.staking.address)
