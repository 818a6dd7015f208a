"""`patina edition mint | close | proceeds`: selling an edition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.desk import checked, perform
from node.cli.edition.options import Choice, artist_options
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.edition.desk import Desk

EDITION = click.IntRange(1, 2**63 - 1)
_AT_ONCE = 100


@click.command()
@click.argument("edition", type=EDITION)
@click.argument("quantity", type=click.IntRange(1, 999_999), default=1)
@click.option("--to", metavar="ADDRESS", help="Who gets them; by default the account that pays.")
@artist_options
def mint(edition: int, quantity: int, *, to: str | None, choice: Choice) -> None:
    """Buy tokens of EDITION.

    QUANTITY is 1 if not given; more than 100 are bought in several transactions. Anyone may buy.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.chain.types import TOKENS_PER_EDITION, EditionState
        from node.staking.amounts import show_ether

        receiver = checked(to, "--to") or desk.address
        errands = await desk.errands()
        found = await desk.edition(edition)
        left = found.supply - found.minted
        lots = [_AT_ONCE] * (quantity // _AT_ONCE) + [quantity % _AT_ONCE] * bool(quantity % _AT_ONCE)
        orders = {some: (calls.mint(edition, receiver, some), found.price * some) for some in lots}
        missing = quantity - sum(
            some for some, (calldata, wei) in orders.items() if errands.landed(desk.collection, calldata, value=wei)
        )
        if missing:
            if found.state != EditionState.SELLING:
                raise PatinaError(f"the sale of edition {edition} has ended")
            if missing > left:
                raise PatinaError(f"edition {edition} has {left} left: buy at most that many")
            desk.talk.say(f"{missing} of edition {edition} for {show_ether(found.price * missing)}, to {receiver}.")
            desk.talk.sure("Buy?")
        for some in lots:
            calldata, wei = orders[some]
            await errands.send(f"buy {some} of edition {edition}", desk.collection, calldata, value=wei)
        first = edition * TOKENS_PER_EDITION + found.minted + 1
        if found.minted == (await desk.edition(edition)).minted - quantity:
            desk.talk.say(f"Tokens {first} to {first + quantity - 1}." if quantity > 1 else f"Token {first}.")
        return {"edition": edition, "quantity": quantity, "to": receiver, "wei": str(found.price * quantity)}

    perform(choice, work)


@click.command()
@click.argument("edition", type=EDITION)
@artist_options
def close(edition: int, *, choice: Choice) -> None:
    """End the sale of EDITION.

    What was not sold never will be. Before it is sold out only the artist may. It names the block whose randomness
    goes into the seeds.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.chain.types import EditionState

        errands, calldata = await desk.errands(), calls.close(edition)
        found = await desk.edition(edition)
        if not errands.landed(desk.collection, calldata):
            if found.state != EditionState.SELLING:
                raise PatinaError(f"the sale of edition {edition} has ended already")
            desk.talk.say(f"{found.minted} of {found.supply} were sold; what is left will never be.")
            if not found.minted:
                desk.talk.say("An edition without a token is over: it can never be revealed.")
        ask = f"End the sale of edition {edition}?"
        await errands.send(f"close edition {edition}", desk.collection, calldata, ask=ask)
        after = await desk.edition(edition)
        if after.minted:
            desk.talk.say(
                f"It can be revealed after block {after.reveal_block}: patina edition reveal {edition}, within about a "
                "day, or another block has to be named."
            )
        return {"edition": edition, "supply": after.minted, "reveal_block": after.reveal_block}

    perform(choice, work)


@click.command()
@click.argument("address")
@artist_options
def proceeds(address: str, *, choice: Choice) -> None:
    """Take what the collection has earned to ADDRESS.

    Only the artist may.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.chain.sending.accounts import Accounts
        from node.staking.amounts import show_ether

        receiver = checked(address, "ADDRESS") or address
        errands, calldata = await desk.errands(), calls.withdraw_proceeds(receiver)
        if errands.landed(desk.collection, calldata):
            await errands.send("take the proceeds", desk.collection, calldata)
            return {"wei": None, "to": receiver}
        wei = await Accounts(desk.chain.pool).balance(desk.collection)
        if not wei:
            raise PatinaError(f"{desk.collection} holds nothing: there is nothing to take")
        desk.talk.say(f"{show_ether(wei)} go to {receiver}.")
        await errands.send(f"take {show_ether(wei)}", desk.collection, calldata, ask="Take them?")
        return {"wei": str(wei), "to": receiver}

    perform(choice, work)
