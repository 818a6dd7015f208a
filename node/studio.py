"""Paints editions: from agreed inputs to images, metadata and one content root."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from eth_hash.auto import keccak

from node.content.edition import EditionSpec, build

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.chain.types import Edition, Feed
    from node.content.store import BlockStore
    from node.drawings import Drawings
    from node.recipes import Recipes
    from node.render.recipe import Recipe

log = structlog.get_logger("studio")


def token_seed(edition_seed: bytes, token: int) -> bytes:
    """Return the 32-byte seed that a token keeps for life, as DynamicCollection computes it."""
    return keccak(edition_seed + token.to_bytes(32, "big"))


def describe(recipe: Recipe) -> str:
    """Return the description that every token of an edition carries; it depends on the recipe alone."""
    return (
        f"{recipe.name} is a living artwork. It is painted anew by independent nodes when the vault it is bound to "
        "crosses a threshold, and anyone can paint it again from chain data and get the same bytes."
    )


class Studio:
    """Turns agreed inputs into a content root; equal inputs give equal roots on every node."""

    def __init__(self, chain_id: int, recipes: Recipes, drawings: Drawings, store: BlockStore) -> None:
        self._chain_id = chain_id
        self._recipes = recipes
        self._drawings = drawings
        self._store = store
        self.painted = 0
        self.on_image: Callable[[Feed, int, int], None] | None = None

    async def paint(
        self,
        feed: Feed,
        edition: Edition,
        checkpoint: int,
        block_hash: bytes,
        band: int,
        signals: tuple[tuple[str, int], ...],
    ) -> bytes:
        """Render every token of a revealed edition, store all blocks, and return the 32-byte content root.

        `signals` are (name, wad) in the agreed order.

        Images that a crash or a lost view left behind are found again; `on_image` tells of those that are drawn.

        Raises:
            RenderError, ContentError: the recipe cannot be had or not be rendered.
            JournalError: what is drawn cannot be noted.
        """
        recipe = await self._recipes.find(edition.recipe)
        tokens = edition.token_ids()
        seeds = tuple(token_seed(edition.seed, token) for token in tokens)

        def image_done(index: int, _: bytes) -> None:
            self.painted += 1
            log.debug("image rendered", feed=feed.id, checkpoint=checkpoint, image=index + 1, of=len(seeds))
            if self.on_image is not None:
                self.on_image(feed, index + 1, len(seeds))

        levels = [value for _, value in signals]
        images = await self._drawings.render(feed.id, checkpoint, recipe, seeds, band, levels, image_done)
        spec = EditionSpec(
            chain_id=self._chain_id,
            collection=edition.collection,
            title=recipe.name,
            description=describe(recipe),
            edition=edition.id,
            feed=feed.id,
            checkpoint=checkpoint,
            block_hash=block_hash,
            band=band,
            bands=len(feed.policy.thresholds) + 1,
            mood=recipe.classes[band],
            signals=signals,
            recipe=recipe.digest,
            model=recipe.model,
            seeds=seeds,
        )
        # On a thread: every block is synced to disk, and a large edition has thousands.
        root = await asyncio.to_thread(build, self._store, spec, images)
        log.info("edition painted", feed=feed.id, checkpoint=checkpoint, band=band, root=root.hex())
        return root
