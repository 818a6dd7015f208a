"""Draws a known picture, and one of each served pipeline, as the node would, and reckons how long editions take."""

from __future__ import annotations

import asyncio
import hashlib
import math
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.errors import ConfigError, ContentError, RenderError
from node.preflight.finding import UnknownError
from node.staking.words import times

if TYPE_CHECKING:
    from node.chain.types import Edition, Feed
    from node.config import Config
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes
    from node.render.pool.pool import RenderPool
    from node.render.reading import AnyRecipe
    from node.render.tolerance.recipe import PipelineRecipe

SEED: Final = hashlib.sha256(b"patina check").digest()
BAND: Final = 3
BANDS: Final = 5
STEPS: Final = 20
SIGNALS: Final = (3 * 10**15, 10**16, -2 * 10**16)
"""Volatility, drawdown and flow, in wads."""
PICTURE: Final = "8504b1ddac2e4ade5401c37620071a79912ec0dabff02a5fffce5d897c2170f2"
"""sha2-256 of the PNG that this model draws of all that, on any machine; a test draws it."""


async def check(facts: Facts, notes: Notes) -> None:
    """Note worker, picture, time and recipes."""
    async with AsyncExitStack() as stack:
        pool = await _open(facts.config, notes, stack)
        seconds = None if pool is None else await _draw(pool, notes)
        recipes: dict[bytes, AnyRecipe] = {}
        with notes.needing("renderer.recipes"):
            recipes = await _check_recipes(facts, notes)
        with notes.needing("renderer.time"):
            if pool is None or seconds is None:
                raise UnknownError("no worker draws")
            await _check_time(facts, pool, seconds, recipes, notes)


async def _open(config: Config, notes: Notes, stack: AsyncExitStack) -> RenderPool | None:
    """A pool of one worker, which shows what all of them do: a whole set would take the memory of a node that runs."""
    from dataclasses import replace

    from node.settings import renderer_pool

    try:
        pool = renderer_pool(replace(config, render=replace(config.render, workers=1)))
    except ConfigError as error:
        notes.fault("renderer.worker", str(error))
        notes.skip("renderer.picture", "no worker draws")
        return None
    return await stack.enter_async_context(pool)


async def _draw(pool: RenderPool, notes: Notes) -> float | None:
    """Draw the picture twice in a worker of the node's own settings; seconds for the second one, None if it failed."""
    from node.render.recipe import Recipe

    began = time.monotonic()
    try:
        recipe = Recipe.for_bands(BANDS, "check", steps=STEPS)
        (first,) = await pool.render(recipe, [SEED], BAND, SIGNALS)
        started = time.monotonic() - began
        state = "; ".join(str(worker["state"]) for worker in pool.status()["workers"])
        notes.ok("renderer.worker", f"{state}; start and first picture in {started:.1f} s")
        again = time.monotonic()
        await pool.render(recipe, [SEED], BAND, SIGNALS)
        seconds = time.monotonic() - again
    except (RenderError, OSError) as error:
        notes.fault("renderer.worker", str(error))
        notes.skip("renderer.picture", "no worker draws")
        return None
    digest = hashlib.sha256(first).hexdigest()
    told = f"{digest[:16]}..., as everywhere" if digest == PICTURE else f"{digest}, it has to be {PICTURE}"
    notes.judge("renderer.picture", digest == PICTURE, told)
    return seconds


async def _check_recipes(facts: Facts, notes: Notes) -> dict[bytes, AnyRecipe]:
    """The recipes of the served editions that are there and can be drawn."""
    network = await facts.network.get()
    wanted = dict.fromkeys(edition.recipe for _, edition in await network.editions.get() if edition is not None)
    if not wanted:
        notes.ok("renderer.recipes", "no served feed paints an edition")
        return {}
    found: dict[bytes, AnyRecipe] = {}
    import aiohttp

    from node.artworks.peers import Peers
    from node.artworks.recipes import Recipes
    from node.content.store import BlockStore
    from node.render import check as check_model

    content = facts.config.content
    # What is fetched goes into a store of its own: a check leaves nothing behind in the node's.
    with tempfile.TemporaryDirectory(prefix="patina-check-") as folder:
        async with aiohttp.ClientSession() as session:
            store = BlockStore(Path(folder), content.max_block_bytes)
            peers = Peers(session, [peer.reveal() for peer in content.peers], store, content.max_block_bytes)
            recipes = Recipes(facts.config.render.recipes, peers)
            for digest in wanted:
                try:
                    recipe = await recipes.find(digest)
                    check_model(recipe, [], 0, (0, 0, 0))
                except (ContentError, RenderError) as error:
                    notes.fault("renderer.recipes", str(error), f"recipe 0x{digest.hex()[:16]}...")
                else:
                    found[digest] = recipe
    if len(found) == len(wanted):
        notes.ok("renderer.recipes", f"{times(len(found), 'recipe')} of served editions, all there")
    return found


async def _check_time(
    facts: Facts, pool: RenderPool, seconds: float, recipes: dict[bytes, AnyRecipe], notes: Notes
) -> None:
    """Note for each served edition how long it takes; `seconds` is what one picture of STEPS steps took."""
    from node.render.recipe import Recipe

    code, config = "renderer.time", facts.config
    pace = f"{seconds:.2f} s a picture"
    if config.render.pool != "local":
        notes.ok(code, f"{pace} by one worker of the cluster")
        return
    try:
        network = await facts.network.get()
        served = [(feed, edition) for feed, edition in await network.editions.get() if edition is not None]
    except UnknownError:
        notes.ok(code, f"{pace}; which editions are served is not known")
        return
    workers, patience, told = config.render.workers, config.agreement.render_ms / 1000, False
    for feed, edition in served:
        recipe = recipes.get(edition.recipe)
        if recipe is None or not edition.minted:
            continue
        told = True
        if isinstance(recipe, Recipe):
            each = seconds * recipe.steps / STEPS
        else:
            found = await _time_pipeline(pool, recipe, patience)
            if isinstance(found, str):
                notes.fault(code, found, _name(feed, edition), remedy=_PIPELINE)
                continue
            each = found
        whole = math.ceil(edition.minted / workers) * each
        line = (
            f"{times(edition.minted, 'picture')} take about {whole:.0f} s of {patience:.0f} s ({each:.2f} s a picture)"
        )
        (notes.warn if whole > patience else notes.ok)(code, line, _name(feed, edition))
    if not told:
        notes.ok(code, pace)


_PIPELINE: Final = "see the reason: the pipeline belongs into render.pipelines, and takes patina[pipelines] to be drawn"


async def _time_pipeline(pool: RenderPool, recipe: PipelineRecipe, patience: float) -> float | str:
    """Seconds for a picture of another pipeline once it is loaded, or why there is none within `patience`."""
    try:
        async with asyncio.timeout(2 * patience):
            await pool.render(recipe, [SEED], 0, SIGNALS)  # which loads it
            began = time.monotonic()
            await pool.render(recipe, [SEED], 0, SIGNALS)
            return time.monotonic() - began
    except TimeoutError:
        return f"two pictures of its pipeline take more than {2 * patience:.0f} s"
    except (RenderError, OSError) as error:
        return str(error)


def _name(feed: Feed, edition: Edition) -> str:
    return f"feed {feed.id}, edition {edition.id}"
