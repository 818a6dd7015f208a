"""`patina edition open`: a feed on a vault, and an edition that lives on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.edition.desk import checked, perform
from node.cli.edition.options import Choice, artist_options
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.artist.calls import Terms
    from node.chain.types import Edition, Policy
    from node.cli.edition.desk import Desk
    from node.render.reading import AnyRecipe


@click.command("open")
@click.argument("recipe_file", metavar="RECIPE", type=click.Path(path_type=Path))
@click.option("--vault", required=True, metavar="ADDRESS", help="The ERC-4626 vault that the edition lives on.")
@click.option("--supply", required=True, type=click.IntRange(1, 999_999), help="The most tokens that can be sold.")
@click.option("--price", required=True, metavar="ETHER", help="What a token costs, such as 0.05; 0 for nothing.")
@click.option("--thresholds", required=True, help="Where bands end, ascending growth since now: -1%,1%,2%.")
@click.option("--cadence", required=True, type=click.IntRange(1, 2**32 - 1), help="Blocks between checkpoints.")
@click.option("--window", default=3, show_default=True, type=click.IntRange(1, 63), help="Samples whose median counts.")
@click.option(
    "--lookback",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Checkpoints that growth \
is measured over; 0: since the opening.",
)
@click.option(
    "--heartbeat",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    help="Blocks after which \
a report is due even without a crossing; 0: none.",
)
@click.option("--hysteresis", default="0.1%", show_default=True, help="How far beyond a threshold counts as past it.")
@click.option("--royalty", default="0%", show_default=True, help="Share of later sales (ERC-2981), such as 5%.")
@click.option("--royalty-receiver", metavar="ADDRESS", help="Who is owed royalties; by default the artist's account.")
@click.option(
    "--blocks",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="A block store to put recipe and placeholder into besides the artist's own: state/blocks of a node of yours.",
)
@artist_options
def open_(
    recipe_file: Path,
    *,
    vault: str,
    supply: int,
    price: str,
    thresholds: str,
    cadence: int,
    window: int,
    lookback: int,
    heartbeat: int,
    hysteresis: str,
    royalty: str,
    royalty_receiver: str | None,
    blocks: tuple[Path, ...],
    choice: Choice,
) -> None:
    """Open an edition of RECIPE on a vault.

    Opens a feed on the vault, keeps a new secret for the reveal, and opens the edition for sale. RECIPE is a JSON file,
    with a mood for each band: one more than there are thresholds. What was cut off goes on when it is run again.
    """

    async def work(desk: Desk) -> dict[str, Any]:
        from node.chain.types import Policy
        from node.devnet.replay.track import percentage, percentages
        from node.render.reading import read_recipe_file

        recipe = read_recipe_file(recipe_file)
        policy = Policy(cadence, window, lookback, heartbeat, percentage(hysteresis), percentages(thresholds))
        _check(recipe, policy)
        checked(vault, "--vault")
        terms = _terms(desk, recipe, supply, price, royalty, royalty_receiver)
        earlier = await _interrupted(desk, vault, policy, terms)
        number = await desk.next_edition() if earlier is None else earlier.id
        if earlier is None:
            await _explain(desk, recipe, policy, vault, number, terms)
            desk.talk.sure(f"Open edition {number}?")
            placeholder = publish(desk, recipe, number, supply, blocks)
            feed = await open_feed(desk, vault, policy, number)
            commitment = await open_edition(desk, feed, number, terms, placeholder)
        else:
            desk.talk.say("An earlier run was cut off while it opened this edition.")
            feed, commitment, placeholder = earlier.feed, earlier.commitment, earlier.placeholder
        desk.talk.say()
        desk.talk.say(f"Edition {number} is open, on feed {feed}.")
        desk.talk.points(
            [
                f"Keep a copy of {desk.secrets.path(commitment)}: without it the edition can never be revealed.",
                f"Nodes need the recipe: {desk.choice.folder / 'recipes'} has it, for the folder recipes of a node, "
                "or for their operators. Whoever shows tokens needs the placeholder: "
                f"{desk.blocks} holds its blocks.",
                f"On a network that pays its nodes, the feed needs funds: patina edition fund {number} ETHER.",
                f"patina edition close {number} ends the sale, patina edition reveal {number} draws the seeds.",
            ]
        )
        return {
            "edition": number,
            "feed": feed,
            "recipe": "0x" + recipe.digest.hex(),
            "placeholder": "0x" + placeholder.hex(),
            "commitment": "0x" + commitment.hex(),
            "secret_file": str(desk.secrets.path(commitment)),
        }

    perform(choice, work)


def _check(recipe: AnyRecipe, policy: Policy) -> None:
    bands = len(policy.thresholds) + 1
    if len(recipe.classes) != bands:
        raise PatinaError(
            f"the recipe has {len(recipe.classes)} moods, and {len(policy.thresholds)} thresholds make {bands} bands: "
            "give a mood for each band"
        )
    if not policy.window % 2:
        raise PatinaError(f"--window {policy.window}: a median wants an odd number of samples")
    if policy.hysteresis < 0:
        raise PatinaError("--hysteresis: give a percentage from 0% up")


def _terms(desk: Desk, recipe: AnyRecipe, supply: int, price: str, royalty: str, receiver: str | None) -> Terms:
    from node.artist.calls import Terms
    from node.chain.types import NOBODY
    from node.cli.edition.changing import basis_points
    from node.staking.amounts import ETHER_DECIMALS, parse_amount

    wei = 0 if price.strip() in ("0", "0.0") else parse_amount(price, ETHER_DECIMALS, "ether")
    points = basis_points(royalty, "--royalty")
    given = checked(receiver, "--royalty-receiver")
    return Terms(supply, wei, recipe.digest, (given or desk.address) if points else NOBODY, points)


async def _interrupted(desk: Desk, vault: str, policy: Policy, terms: Terms) -> Edition | None:
    """The edition on these very terms that an earlier run was opening when it was cut off, if it is open by now."""
    from node.artist import calls

    for calldata in (await desk.errands()).landed_at(desk.collection):
        name, *arguments = calls.read_art(calldata) or ("",)
        if name != "open_edition":
            continue
        supply, price, feed, recipe, _, commitment, receiver, royalty = arguments
        last = await desk.edition(await desk.next_edition() - 1)
        asked = (terms.supply, terms.price, terms.recipe, terms.royalty_receiver.lower(), terms.royalty)
        same = (supply, price, recipe, receiver.lower(), royalty) == asked and last.commitment == commitment
        if same and feed == await _opened(desk, vault, policy, last.id):
            return last
    return None


def publish(desk: Desk, recipe: AnyRecipe, number: int, supply: int, others: tuple[Path, ...] = ()) -> bytes:
    """Put recipe and placeholder where nodes and publishers take them from; the placeholder's root."""
    from node.artworks.studio import describe
    from node.cli.progress import Bar
    from node.content.edition import build_placeholder
    from node.content.store import BlockStore

    class Watched(BlockStore):
        def put(self, block: bytes) -> bytes:
            bar.step()
            return super().put(block)

    folder = desk.choice.folder / "recipes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{recipe.digest.hex()[:16]}.json").write_bytes(recipe.canonical)
    root = b""
    # Every block is synced to disk, one for each token: a large edition takes a while.
    with Bar("storing what tokens show until they are painted", supply * (1 + len(others)), "blocks") as bar:
        for place in (desk.blocks, *others):
            store = Watched(place)
            store.put(recipe.canonical)
            root = build_placeholder(store, recipe.name, describe(recipe), number, supply)
    return root


async def _explain(desk: Desk, recipe: AnyRecipe, policy: Policy, vault: str, number: int, terms: Terms) -> None:
    from node.cli.edition.words import bands, royalty_text
    from node.staking.amounts import show_ether

    owner = await desk.account("DynamicCollection", desk.collection, "owner")
    talk = desk.talk
    talk.rows(
        [
            ("network", f"{desk.deployment.network}, chain {desk.deployment.chain_id}"),
            ("collection", f"{desk.collection}\n{await desk.chain.name(desk.collection)}"),
            ("edition", f"{number}: {recipe.name}, {terms.supply} tokens at {show_ether(terms.price)}"),
            ("vault", vault if not (vault_name := await _name(desk, vault)) else f"{vault}\n{vault_name}"),
            ("account", desk.address),
        ]
    )
    if owner != desk.address:
        raise PatinaError(
            f"the artist of {desk.collection} is {owner}: name that account's keystore with --account, or make a "
            "collection of your own with patina edition collection"
        )
    talk.say()
    talk.say(
        f"Every {policy.cadence} blocks the median of the last {policy.window} samples of the share price is held "
        "against the price of today:"
        if not policy.lookback
        else f"Every {policy.cadence} blocks the median of the last {policy.window} samples of the share price is "
        f"held against that of {policy.lookback} checkpoints before:"
    )
    talk.rows(bands(recipe.classes, policy))
    points = ["None of it can be changed once the edition is open: neither vault nor policy, recipe, price or supply."]
    if terms.royalty:
        points.append(f"Of later sales {royalty_text(terms.royalty_receiver, terms.royalty)}; this can be changed.")
    talk.points(points)


async def _name(desk: Desk, vault: str) -> str:
    """What a vault is called; nothing where it does not say."""
    from node.errors import ChainError, RevertError

    try:
        return str(await desk.read("YieldVault", vault, "name"))
    except (ChainError, RevertError):
        return ""


async def open_feed(desk: Desk, vault: str, policy: Policy, number: int) -> int:
    """Open the feed, or find the one that an earlier run opened; its id."""
    from node.artist import calls

    if (found := await _opened(desk, vault, policy, number)) is not None:
        desk.talk.say(f"Feed {found} was opened for it by an earlier run.")
        return found
    calldata = calls.open_feed(vault, policy, desk.collection, number)
    await desk.send(f"open a feed on {vault}", desk.chain.oracle, calldata)
    if (found := await _opened(desk, vault, policy, number)) is None:
        raise PatinaError("the feed was opened and is not seen yet: the endpoint is behind; run it again in a moment")
    return found


async def _opened(desk: Desk, vault: str, policy: Policy, number: int) -> int | None:
    mine = (desk.collection.lower(), number, vault.lower(), policy, desk.address.lower())
    feeds = [
        feed.id
        for feed in await desk.chain.feeds()
        if (feed.collection.lower(), feed.edition, feed.vault.lower(), feed.policy, feed.opener.lower()) == mine
    ]
    return max(feeds, default=None)


async def open_edition(desk: Desk, feed: int, number: int, terms: Terms, placeholder: bytes) -> bytes:
    """Open the edition with a new secret; its commitment."""
    from node.artist import calls

    commitment = desk.secrets.new()
    calldata = calls.open_edition(feed, terms, placeholder, commitment)
    await desk.send(f"open edition {number}", desk.collection, calldata)
    return commitment
