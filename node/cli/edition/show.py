"""`patina edition show`: what editions there are, how far each is, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.changing import royalty_of
from node.cli.edition.desk import perform
from node.cli.edition.options import Choice, artist_options
from node.cli.edition.selling import EDITION

if TYPE_CHECKING:
    from node.chain.types import Edition, Feed
    from node.cli.edition.desk import Desk


@dataclass(frozen=True, slots=True)
class _Shown:
    """An edition and what belongs to it; `funds` is what the feed has (wei) and whether it covers a report."""

    edition: Edition
    feed: Feed | None
    funds: tuple[int, bool] | None
    royalty: tuple[str, int]

    @property
    def root(self) -> bytes:
        """What its tokens show."""
        return self.edition.content_root if any(self.edition.content_root) else self.edition.placeholder


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
        collection = await _collection(desk)
        desk.talk.say(f"{await desk.chain.name(desk.collection)}, {desk.collection}")
        desk.talk.rows(_collection_rows(collection))
        if not numbers:
            desk.talk.say("No edition was opened yet: patina edition open RECIPE opens one.")
        documents = []
        for number in numbers:
            found = await desk.edition(number)
            shown = _Shown(found, feeds.get(found.feed), await _funds(desk, found.feed), await royalty_of(desk, number))
            desk.talk.say()
            desk.talk.rows(_rows(desk, shown, head))
            documents.append(_document(shown))
        return {**collection, "editions": documents}

    perform(choice, work)


async def _collection(desk: Desk) -> dict[str, Any]:
    from node.chain.sending.accounts import Accounts

    return {
        "collection": desk.collection,
        "artist": await desk.account("DynamicCollection", desk.collection, "owner"),
        "offered_to": await desk.account("DynamicCollection", desk.collection, "pending_owner"),
        "contract_uri": await desk.read("DynamicCollection", desk.collection, "contractURI"),
        "proceeds_wei": str(await Accounts(desk.chain.pool).balance(desk.collection)),
    }


def _collection_rows(collection: dict[str, Any]) -> list[tuple[str, str]]:
    from node.staking.amounts import show_ether

    rows = [("artist", collection["artist"] or "nobody: it was given up")]
    if collection["offered_to"]:
        rows.append(("offered to", collection["offered_to"]))
    rows.append(("metadata", collection["contract_uri"] or "none of its own"))
    wei = int(collection["proceeds_wei"])
    rows.append(("proceeds", f"{show_ether(wei)}: patina edition proceeds ADDRESS" if wei else "none"))
    return rows


async def _funds(desk: Desk, feed: int) -> tuple[int, bool] | None:
    """What the feed has for its reports (wei), and whether that covers one; None where nobody is paid."""
    from node.staking.contract import Staking

    if desk.deployment.staking is None:
        return None
    staking = Staking(desk.chain.pool, desk.deployment.staking)
    return (await staking.funds([feed]))[feed], (await staking.pays([feed]))[feed]


def _rows(desk: Desk, shown: _Shown, head: int) -> list[tuple[str, str]]:
    from node.cli.edition.words import STATES, next_step, royalty_text
    from node.content.cid import directory_cid
    from node.content.metadata import percent
    from node.staking.amounts import show_ether

    found, feed = shown.edition, shown.feed
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
    if shown.funds is not None:
        rows.append(("funds", f"{show_ether(shown.funds[0])}{'' if shown.funds[1] else ', too little for a report'}"))
    rows.append(("royalty", royalty_text(*shown.royalty)))
    rows.append(("recipe", f"0x{found.recipe.hex()}"))
    rows.append(("shows", f"ipfs://{directory_cid(shown.root)}"))
    secret = desk.secrets.path(found.commitment)
    if not found.revealed and desk.secrets.folder.is_dir():
        rows.append(("secret", str(secret) if secret.exists() else f"NOT in {desk.secrets.folder}"))
    if found.revealed:
        first, last = found.token_ids()[0], found.token_ids()[-1]
        rows.append(("tokens", f"{first} to {last}"))
    return rows


def _document(shown: _Shown) -> dict[str, Any]:
    from node.cli.edition.words import STATES

    found, feed = shown.edition, shown.feed
    receiver, points = shown.royalty
    return {
        "edition": found.id,
        "state": STATES[found.state],
        "supply": found.supply,
        "minted": found.minted,
        "price_wei": str(found.price),
        "royalty_basis_points": points,
        "royalty_receiver": receiver if points else None,
        "feed": found.feed,
        "vault": None if feed is None else feed.vault,
        "band": None if feed is None else feed.band,
        "recipe": "0x" + found.recipe.hex(),
        "content_root": "0x" + found.content_root.hex() if any(found.content_root) else None,
        "placeholder": "0x" + found.placeholder.hex(),
        "reveal_block": found.reveal_block,
        "funds_wei": None if shown.funds is None else str(shown.funds[0]),
    }
