"""A process with a real journal, store, studio and worker pool that paints one edition and prints its root."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

from node.artworks.drawings import Drawings
from node.artworks.recipes import Recipes
from node.artworks.studio import Studio
from node.content.store import BlockStore
from node.journal import Journal
from node.render.pool import RenderSettings, local_pool
from node.render.recipe import Recipe
from tests.unit.paper import make_edition, make_feed

TOKENS = 24
BATCH = 4


async def paint(folder: Path) -> None:
    recipe = Recipe.for_bands(3, "steady")
    (folder / "recipes").mkdir(exist_ok=True)
    (folder / "recipes" / "one.json").write_bytes(recipe.canonical)
    store = BlockStore(folder / "blocks")
    with Journal(folder / "state") as journal:
        async with local_pool(RenderSettings(devices=["cpu"], batch=BATCH), module="tests.unit.render.planted") as pool:
            drawings = Drawings(pool, journal, store)
            studio = Studio(31337, Recipes(folder / "recipes", cast(Any, None)), drawings, store)
            edition = make_edition(recipe=recipe.digest, supply=TOKENS, minted=TOKENS)
            signals = (("volatility", 1), ("drawdown", 2), ("flow", -3))
            root = await studio.paint(make_feed(), edition, 10, b"b" * 32, 1, signals)
    print(root.hex(), studio.painted, drawings.found)


if __name__ == "__main__":
    asyncio.run(paint(Path(sys.argv[1])))
