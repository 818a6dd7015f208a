"""Finds a recipe by the digest that its edition names on chain."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from node.errors import ContentError, RenderError

if TYPE_CHECKING:
    from node.artworks.peers import Peers
    from node.render.reading import AnyRecipe

log = structlog.get_logger("recipes")


class Recipes:
    """Recipes from a folder of JSON files, and, for those not there, from peers by content."""

    def __init__(self, folder: Path | None, peers: Peers, keep: Callable[[bytes], object] | None = None) -> None:
        """`keep` is handed the canonical bytes of recipes from the folder that an edition names, so that others who
        verify or paint that edition can be served them."""
        self._folder = folder
        self._peers = peers
        self._keep = keep
        self._known: dict[bytes, AnyRecipe] = {}
        self._faulty: set[Path] = set()

    async def find(self, digest: bytes) -> AnyRecipe:
        """Return the recipe whose canonical JSON has this 32-byte sha2-256 digest.

        Raises:
            ContentError: it is neither in the folder nor at any peer.
            RenderError: it is there and is not a recipe that this node can render.
        """
        if digest not in self._known:
            self._read_folder()
            if digest in self._known and self._keep is not None:
                # Serving others is no condition of painting: a full disk says so elsewhere.
                with contextlib.suppress(ContentError):
                    self._keep(self._known[digest].canonical)
        if digest not in self._known:
            await self._fetch(digest)
        return self._known[digest]

    def _read_folder(self) -> None:
        from node.render.reading import read_recipe_file

        for path in sorted(self._folder.glob("*.json")) if self._folder else ():
            try:
                recipe = read_recipe_file(path)
            except RenderError as error:
                # One bad file must not keep the others' editions from being painted.
                if path not in self._faulty:
                    log.warning("recipe file left out", file=str(path), error=str(error))
                self._faulty.add(path)
                continue
            self._known[recipe.digest] = recipe

    async def _fetch(self, digest: bytes) -> None:
        from node.render.reading import read_recipe

        recipe = read_recipe(await self._peers.block(digest))
        if recipe.digest != digest:
            raise RenderError(f"recipe 0x{digest.hex()} is not in canonical form")
        self._known[digest] = recipe
