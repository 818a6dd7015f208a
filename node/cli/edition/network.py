"""`patina edition collection | aggregator | allow | subscribe`: what an edition needs of its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.desk import checked, note_collection, own_collection, perform
from node.cli.edition.options import Choice, artist_options
from node.cli.edition.selling import EDITION
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.cli.edition.desk import Desk


@click.command()
@click.argument("name")
@click.argument("symbol")
@click.option(
    "--reveal-delay",
    default=128,
    show_default=True,
    type=click.IntRange(1, 50_400),
    help="Blocks from an edition's close to the block whose randomness goes into its seeds.",
)
@click.option("--contract-uri", default="", help="Where metadata of the collection itself is (ERC-7572).")
@artist_options
def collection(name: str, symbol: str, *, reveal_delay: int, contract_uri: str, choice: Choice) -> None:
    """Deploy a collection called NAME.

    SYMBOL has at most 5 characters. The account that signs is its artist: it alone opens editions and takes proceeds.
    The network's oracle alone repaints them.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls

        for what, text, most in (("NAME", name, 25), ("SYMBOL", symbol, 5), ("--contract-uri", contract_uri, 512)):
            if len(text.encode()) > most or not text.isprintable() or (not text and most < 512):
                raise PatinaError(f"{what}: 1 to {most} bytes of printable text are possible")
        code = calls.create("DynamicCollection", name, symbol, desk.chain.oracle, reveal_delay, contract_uri)
        desk.talk.say(f"{desk.address} becomes the artist of {name} ({symbol}) on {desk.deployment.network}.")
        if (before := own_collection(desk.choice, desk.deployment)) is not None:
            desk.talk.say(f"It takes the place of {before}, which is then meant only with --collection.")
        done = await desk.send(f"deploy the collection {name}", "", code, ask="Deploy it?")
        address = (await desk.errands()).created(done)
        note_collection(desk, address)
        desk.talk.say(f"{name} is at {address}, and is the collection that is meant in this folder from now on.")
        return {"collection": address}

    perform(choice, work)


@click.command()
@click.argument("feed", type=EDITION)
@artist_options
def aggregator(feed: int, *, choice: Choice) -> None:
    """Deploy the AggregatorV3 facade of FEED.

    For contracts that read price feeds by that interface. Anyone may; it belongs to nobody and cannot be changed.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls

        code = calls.create("FeedAggregator", desk.chain.oracle, feed)
        done = await desk.send(f"deploy a facade of feed {feed}", "", code, ask=f"Deploy a facade of feed {feed}?")
        address = (await desk.errands()).created(done)
        desk.talk.say(f"The facade of feed {feed} is at {address}.")
        return {"feed": feed, "aggregator": address}

    perform(choice, work)


@click.command()
@click.argument("address")
@click.option("--no-longer", is_flag=True, help="Take it back: feeds that are open stay so.")
@artist_options
def allow(address: str, *, no_longer: bool, choice: Choice) -> None:
    """Let ADDRESS open feeds on the network's oracle.

    Only the oracle's owner may. Everybody else needs it once before the first edition.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls

        account = checked(address, "ADDRESS") or address
        what = f"let {account} open feeds{' no longer' if no_longer else ''}"
        ask = f"{what[0].upper()}{what[1:]}?"
        await desk.send(what, desk.chain.oracle, calls.set_opener(account, not no_longer), ask=ask)
        return {"account": account, "allowed": not no_longer}

    perform(choice, work)


@click.command()
@click.argument("feed", type=EDITION)
@click.argument("address")
@click.option("--no-longer", is_flag=True, help="End the subscription.")
@artist_options
def subscribe(feed: int, address: str, *, no_longer: bool, choice: Choice) -> None:
    """Have the contract at ADDRESS told of FEED's reports.

    Only the feed's opener and the oracle's owner may. At most four contracts besides the collection are told.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.artist import calls

        contract = checked(address, "ADDRESS") or address
        what = f"tell {contract} of feed {feed}{' no longer' if no_longer else ''}"
        ask = f"{what[0].upper()}{what[1:]}?"
        await desk.send(what, desk.chain.oracle, calls.subscribe(feed, contract, not no_longer), ask=ask)
        return {"feed": feed, "contract": contract, "subscribed": not no_longer}

    perform(choice, work)
