"""`patina edition royalty | contract-uri | hand-over | take-over`: what an artist may change once editions are open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.desk import checked, perform
from node.cli.edition.options import Choice, artist_options
from node.cli.edition.selling import EDITION
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.edition.desk import Desk


@click.command()
@click.argument("edition", type=EDITION)
@click.argument("percent")
@click.option("--receiver", metavar="ADDRESS", help="Who is owed it; by default whoever is owed it now, else you.")
@artist_options
def royalty(edition: int, percent: str, *, receiver: str | None, choice: Choice) -> None:
    """Ask for PERCENT of later sales of EDITION.

    PERCENT is such as 5%, or 0% for nothing (ERC-2981: markets are asked, not made, to pay it). Only the artist may.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.chain.types import NOBODY
        from node.cli.edition.words import royalty_text

        points = basis_points(percent, "PERCENT")
        given = checked(receiver, "--receiver")
        before, owed = await royalty_of(desk, (await desk.edition(edition)).id)
        to = NOBODY if not points else given or (before if owed else desk.address)
        calldata = calls.set_royalty(edition, to, points)
        if not (await desk.errands()).landed(desk.collection, calldata):
            if (to, points) == (before, owed):
                raise PatinaError(f"the royalty of edition {edition} is that already: there is nothing to do")
            desk.talk.say(f"Of later sales of edition {edition}: now {royalty_text(before, owed)}.")
            desk.talk.say(f"From then on: {royalty_text(to, points)}.")
        ask = f"Change the royalty of edition {edition}?"
        await desk.send(f"change the royalty of edition {edition}", desk.collection, calldata, ask=ask)
        return {"edition": edition, "royalty_basis_points": points, "royalty_receiver": to if points else None}

    perform(choice, work)


@click.command("contract-uri")
@click.argument("uri")
@artist_options
def contract_uri(uri: str, *, choice: Choice) -> None:
    """Name URI as the place of the collection's own metadata.

    Markets show that JSON's name, description and picture above all editions (ERC-7572). An empty text ("") names
    none. Only the artist may.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls

        check_uri(uri, "URI")
        calldata = calls.set_contract_uri(uri)
        if not (await desk.errands()).landed(desk.collection, calldata):
            before = await desk.read("DynamicCollection", desk.collection, "contractURI")
            if uri == before:
                raise PatinaError("the collection names that place already: there is nothing to do")
            desk.talk.say(f"Metadata of the collection: now {before or 'none'}; from then on {uri or 'none'}.")
        await desk.send("change the place of the collection's metadata", desk.collection, calldata, ask="Change it?")
        return {"collection": desk.collection, "contract_uri": uri}

    perform(choice, work)


@click.command("hand-over")
@click.argument("address")
@click.option("--no-longer", is_flag=True, help="Take the offer to ADDRESS back, as long as it was not taken up.")
@artist_options
def hand_over(address: str, *, no_longer: bool, choice: Choice) -> None:
    """Offer the collection to ADDRESS.

    Nothing changes until that account runs patina edition take-over. From then on it is the artist: it opens and
    closes editions and takes proceeds, also of what was sold before. Secrets of editions are not on chain: hand over
    the artist's folder as well. Feeds stay with the account that opened them: it alone takes back their funds.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.chain.types import NOBODY

        to = checked(address, "ADDRESS") or address
        calldata = calls.hand_over(NOBODY if no_longer else to)
        if not (await desk.errands()).landed(desk.collection, calldata):
            offered = await desk.account("DynamicCollection", desk.collection, "pending_owner")
            if (offered == to) != no_longer:
                raise PatinaError(f"the collection is {'not offered' if no_longer else 'offered already'} to {to}")
        what = f"offer the collection to {to}{' no longer' if no_longer else ''}"
        await desk.send(what, desk.collection, calldata, ask=f"{what[0].upper()}{what[1:]}?")
        return {"collection": desk.collection, "offered_to": None if no_longer else to}

    perform(choice, work)


@click.command("take-over")
@artist_options
def take_over(*, choice: Choice) -> None:
    """Become the artist of a collection that was offered to this account.

    Name the collection with --collection.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls
        from node.cli.edition.desk import note_collection

        calldata = calls.take_over()
        if not (await desk.errands()).landed(desk.collection, calldata):
            offered = await desk.account("DynamicCollection", desk.collection, "pending_owner")
            if offered != desk.address:
                raise PatinaError(
                    f"{desk.collection} is not offered to {desk.address}: patina edition hand-over comes first"
                )
        ask = f"Become the artist of {await desk.chain.name(desk.collection)}?"
        await desk.send("take the collection over", desk.collection, calldata, ask=ask)
        note_collection(desk, desk.collection)
        desk.talk.say("It is the collection that is meant in this folder from now on.")
        return {"collection": desk.collection, "artist": desk.address}

    perform(choice, work)


def basis_points(text: str, what: str) -> int:
    """A royalty in hundredths of a percent; PatinaError for what is none."""
    from node.devnet.replay.track import percentage

    points, rest = divmod(percentage(text), 10**14)
    if rest or not 0 <= points <= 10_000:
        raise PatinaError(f"{what}: give a percentage from 0% to 100%, with at most two decimals")
    return points


def check_uri(uri: str, what: str) -> None:
    """PatinaError for an address of metadata that the contract has no room for, or that no person can read."""
    if len(uri.encode()) > 512 or not uri.isprintable():
        raise PatinaError(f"{what}: up to 512 bytes of printable text are possible")


async def royalty_of(desk: Desk, edition: int) -> tuple[str, int]:
    """Who is owed royalties of an edition, and how much in hundredths of a percent."""
    from node.chain.types import TOKENS_PER_EDITION
    from node.keys.address import checksum_address

    token = edition * TOKENS_PER_EDITION + 1
    receiver, points = await desk.read("DynamicCollection", desk.collection, "royaltyInfo", token, 10_000)
    return checksum_address(receiver), int(points)
