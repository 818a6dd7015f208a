"""Paints editions: from agreed inputs to images, metadata and one content root."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from eth_hash.auto import keccak

from node.artworks.comparison import Comparison, UnlikeError
from node.artworks.paint import Likeness
from node.content.edition import EditionSpec, build
from node.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from node.artworks.drawings import Drawings
    from node.artworks.recipes import Recipes
    from node.chain.types import Edition, Feed
    from node.content.store import BlockStore
    from node.render.reading import AnyRecipe
    from node.render.tolerance.recipe import PipelineRecipe

log = structlog.get_logger("studio")


def token_seed(edition_seed: bytes, token: int) -> bytes:
    """Return the 32-byte seed that a token keeps for life, as DynamicCollection computes it."""
    return keccak(edition_seed + token.to_bytes(32, "big"))


def describe(recipe: AnyRecipe) -> str:
    """Return the description that every token of an edition carries; it depends on the recipe alone."""
    from node.render.recipe import Recipe

    again = "bytes" if isinstance(recipe, Recipe) else f"picture, to {recipe.psnr_floor} dB"
    return (
        f"{recipe.name} is a living artwork. It is painted anew by independent nodes when the vault it is bound to "
        f"crosses a threshold, and anyone can paint it again from chain data and get the same {again}."
    )


class Studio:
    """Turns agreed inputs into a content root; equal inputs give equal roots on every node.

    Recipes that agree by tolerance give roots that differ, and a way to hold another's against one's own: `comparison`.
    `on_image` is told of each image drawn, `on_progress` (feed) of each drawn or compared.
    """

    def __init__(
        self,
        chain_id: int,
        recipes: Recipes,
        drawings: Drawings,
        store: BlockStore,
        comparison: Comparison | None = None,
    ) -> None:
        self._chain_id = chain_id
        self._recipes = recipes
        self._drawings = drawings
        self._store = store
        self._comparison = comparison
        self.painted = 0
        self.on_image: Callable[[Feed, int, int], None] | None = None
        self.on_progress: Callable[[int], None] | None = None

    async def exact(self, edition: Edition) -> bool:
        """Say whether an edition's recipe gives every node the same bytes.

        Raises:
            ContentError: the recipe is to be had nowhere.
        """
        from node.render.recipe import Recipe

        return isinstance(await self._recipes.find(edition.recipe), Recipe)

    async def paint(
        self,
        feed: Feed,
        edition: Edition,
        checkpoint: int,
        block_hash: bytes,
        band: int,
        signals: tuple[tuple[str, int], ...],
    ) -> bytes | Likeness:
        """Render every token of a revealed edition, store all blocks, and return the 32-byte content root.

        Of a recipe that agrees by tolerance the root comes with the way to hold another node's against it.

        `signals` are (name, wad) in the agreed order.

        Images that a crash or a lost view left behind are found again; `on_image` tells of those that are drawn.

        Raises:
            RenderError, ContentError: the recipe cannot be had or not be rendered.
            JournalError: what is drawn cannot be noted.
        """
        from node.render.recipe import Recipe

        recipe = await self._recipes.find(edition.recipe)
        tokens = edition.token_ids()
        seeds = tuple(token_seed(edition.seed, token) for token in tokens)

        def image_done(index: int, _: bytes) -> None:
            self.painted += 1
            log.debug("image rendered", feed=feed.id, checkpoint=checkpoint, image=index + 1, of=len(seeds))
            if self.on_image is not None:
                self.on_image(feed, index + 1, len(seeds))
            progressed()

        def progressed() -> None:
            if self.on_progress is not None:
                self.on_progress(feed.id)

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
        if isinstance(recipe, Recipe):
            return root
        return Likeness(root, self._alike(recipe, spec, images, progressed))

    def _alike(
        self, recipe: PipelineRecipe, spec: EditionSpec, images: Sequence[bytes], progressed: Callable[[], None]
    ) -> Callable[[bytes], Awaitable[bool]]:
        comparison = self._comparison
        if comparison is None:
            raise RenderError(f"recipe {recipe.name!r} agrees by tolerance, and this node compares with nobody")
        furthest: dict[bytes, int] = {}

        async def alike(root: bytes) -> bool:
            compared = 0

            def further() -> None:
                # What is fetched in vain is tried again from the start: a picture compared before is no progress, or
                # a leader that keeps its last one to itself would hold its view for ever.
                nonlocal compared
                compared += 1
                if compared > furthest.get(root, 0):
                    furthest[root] = compared
                    progressed()

            try:
                await comparison.hold(recipe, spec, images, root, further)
            except UnlikeError as error:
                # A warning and no more: the odd one may be this node.
                log.warning("leader's artwork refused", feed=spec.feed, checkpoint=spec.checkpoint, why=str(error))
                return False
            log.info("leader's artwork confirmed", feed=spec.feed, checkpoint=spec.checkpoint, root=root.hex())
            return True

        return alike
