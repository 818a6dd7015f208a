"""`patina edition show`: what editions there are, how far each is, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.desk import perform
from node.cli.edition.options import Choice, artist_options
from node.cli.edition.selling import EDITION

if TYPE_CHECKING:
    from node.chain.types import Edition, Feed
    from node.cli.edition.desk import Desk


@click.command()
@click.argument("edition", type=EDITION, required=False)
@artist_options
def show(edition: int | None, *, choice: Choice) -> None:
    """Show the collection's editions, or one of them.

    Needs no account.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        last = await desk.next_edition() - 1
        numbers = [edition] if edition is not None else list(range(1, last + 1))
        feeds = {feed.id: feed for feed in await desk.chain.feeds()}
        head = (await desk.chain.head()).number
        desk.talk.say(f"{await desk.chain.name(desk.collection)}, {desk.collection}")
        if not numbers:
            desk.talk.say("No edition was opened yet: patina edition open RECIPE opens one.")
        shown = []
        for number in numbers:
            found = await desk.edition(number)
            feed = feeds.get(found.feed)
            funds = await _funds(desk, found.feed)
            desk.talk.say()
            desk.talk.rows(_rows(found, feed, funds, head))
            shown.append(_document(found, feed, funds))
        return {"collection": desk.collection, "editions": shown}

    perform(choice, work)


async def _funds(desk: Desk, feed: int) -> tuple[int, bool] | None:
    """What the feed has for its reports (wei), and whether that covers one; None where nobody is paid."""
    from node.staking.contract import Staking

    if desk.deployment.staking is None:
        return None
    staking = Staking(desk.chain.pool, desk.deployment.staking)
    return (await staking.funds([feed]))[feed], (await staking.pays([feed]))[feed]


def _rows(found: Edition, feed: Feed | None, funds: tuple[int, bool] | None, head: int) -> list[tuple[str, str]]:
    from node.cli.edition.words import STATES, next_step
    from node.content.metadata import percent
    from node.staking.amounts import show_ether

    rows = [
        (
            "edition",
            f"{found.id}, {STATES[found.state]}: {found.minted} of {found.supply} at {show_ether(found.price)}",
        ),
        ("next", next_step(found, head)),
    ]
    if feed is not None:
        spoken = f"{percent(feed.answer)} at block {feed.checkpoint}" if feed.checkpoint else "nothing reported yet"
        rows += [("feed", f"{feed.id}, band {feed.band + 1}: {spoken}"), ("vault", feed.vault)]
    if funds is not None:
        rows.append(("funds", f"{show_ether(funds[0])}{'' if funds[1] else ', too little for a report'}"))
    rows.append(("recipe", f"0x{found.recipe.hex()}"))
    if found.revealed:
        first, last = found.token_ids()[0], found.token_ids()[-1]
        rows.append(("tokens", f"{first} to {last}"))
    return rows


def _document(found: Edition, feed: Feed | None, funds: tuple[int, bool] | None) -> dict[str, Any]:
    from node.cli.edition.words import STATES

    return {
        "edition": found.id,
        "state": STATES[found.state],
        "supply": found.supply,
        "minted": found.minted,
        "price_wei": str(found.price),
        "feed": found.feed,
        "vault": None if feed is None else feed.vault,
        "band": None if feed is None else feed.band,
        "recipe": "0x" + found.recipe.hex(),
        "content_root": "0x" + found.content_root.hex() if any(found.content_root) else None,
        "reveal_block": found.reveal_block,
        "funds_wei": None if funds is None else str(funds[0]),
    }
