"""Four nodes that draw pictures in no time, no two alike to the byte: everything but the drawing is real."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.agreement.effects import Timing
from node.artworks.comparison import Comparison
from node.artworks.drawings import Drawings
from node.artworks.paint import Likeness
from node.artworks.peers import Peers
from node.artworks.recipes import Recipes
from node.artworks.studio import Studio
from node.chain.types import Landed
from node.content.cid import raw_cid
from node.content.gateway import add_gateway
from node.content.store import BlockStore
from node.journal import Journal
from node.render.png import encode
from node.render.tolerance.recipe import PipelineRecipe
from tests.integration.nodes.committee import CADENCE, Committee, committee

NODES = 4
SIDE = 32
RECIPE: dict[str, Any] = {
    "format": "patina-pipeline-recipe/1",
    "name": "Sketches",
    "pipeline": {"digest": "11" * 32, "precision": "float32", "width": SIDE, "height": SIDE, "steps": 1,
                 "guidance": None, "noise": "band"},
    "bands": [{"mood": mood, "prompt": None, "negative_prompt": None, "class_label": None}
              for mood in ("storm", "dawn", "golden")],
    "signals": {name: {"full_scale": "1000000000000000000", "words": []}
                for name in ("volatility", "drawdown", "flow")},
    "tolerance": {"psnr_floor_db": "58"},
}  # fmt: skip


class Sketcher:
    """Draws noise in place of a pipeline, one value of it off by as much as the node's index."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.seconds = 0.0
        """What a picture takes."""

    async def render(
        self,
        recipe: PipelineRecipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: Callable[[int, bytes], None] | None = None,
    ) -> list[bytes]:
        images = []
        for place, seed in enumerate(seeds):
            await asyncio.sleep(self.seconds)
            said = hashlib.sha256(recipe.digest + seed + repr((band, tuple(signals))).encode()).digest()
            pixels = np.random.default_rng(int.from_bytes(said, "big")).integers(0, 200, (SIDE, SIDE, 3), np.uint8)
            pixels[0, 0, 0] += self.index
            images.append(encode(pixels))
            if on_image is not None:
                on_image(place, images[-1])
        return images


class RememberingStudio(Studio):
    """Knows which content roots are its own."""

    async def paint(self, *args: Any) -> bytes | Likeness:
        painted = await super().paint(*args)
        assert isinstance(painted, Likeness)
        self.own: set[bytes] = getattr(self, "own", set()) | {painted.root}
        return painted


class Gateway:
    """A node's gateway. Told to trickle, it gives directories at once and every picture after a while."""

    def __init__(self, store: BlockStore) -> None:
        self.seconds = 0.0
        self.trickled = 0
        self.studio: RememberingStudio | None = None
        app = web.Application(middlewares=[self._slowly])
        add_gateway(app, store)
        self.server = TestServer(app, host="127.0.0.1")

    @web.middleware
    async def _slowly(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if self.seconds and not any(str(raw_cid(root)) in request.path for root in self.studio.own):
            self.trickled += 1
            await asyncio.sleep(self.seconds)
        return await handler(request)


@dataclass
class Network:
    """A committee, and each member's sketcher, studio and gateway."""

    nodes: Committee
    sketchers: list[Sketcher]
    studios: list[RememberingStudio]
    gateways: list[Gateway]
    recipe: bytes

    async def next_leader(self, feed: int) -> int:
        """Who leads the first view of the next checkpoint."""
        head = int(await self.nodes.account.web3.eth.block_number)
        return (await self.nodes.members[0].chain.committee()).leader(feed, (head // CADENCE + 1) * CADENCE, 0)

    def painter(self, report: Landed) -> int:
        """Whose own pictures a report carries."""
        [found] = [index for index, studio in enumerate(self.studios) if report.content_root in studio.own]
        return found


async def landed(nodes: Committee) -> list[Landed]:
    """Every report that landed, in order."""
    chain = nodes.members[0].chain
    return await chain.landed(0, (await chain.head()).number)


def view_of(nodes: Committee, report: Landed) -> int:
    """The view in which a landed report was first proposed, as those who signed it hold it."""
    views = set()
    for member in nodes.members:
        held = member.journal.attestations.digests(report.config_digest, report.feed, report.checkpoint)
        views |= {view for view, digest in held.items() if digest == report.report_digest}
    [view] = views
    return view


@asynccontextmanager
async def sketching(folder: Path, timing: Timing) -> AsyncIterator[Network]:
    """Start four nodes whose recipe agrees by tolerance, with real studios, stores and gateways."""
    recipe = PipelineRecipe.from_json(json.dumps(RECIPE).encode())
    recipes = folder / "recipes"
    recipes.mkdir()
    (recipes / "one.json").write_bytes(recipe.canonical)
    stores = [BlockStore(folder / f"blocks-{index}") for index in range(NODES)]
    sketchers, gateways = [Sketcher(index) for index in range(NODES)], [Gateway(store) for store in stores]
    studios: list[RememberingStudio] = []
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for gateway in gateways:
            await gateway.server.start_server()
            stack.push_async_callback(gateway.server.close)

        def studio(index: int, journal: Journal) -> Studio:
            urls = [str(one.server.make_url("/")) for place, one in enumerate(gateways) if place != index]
            peers = Peers(session, urls, stores[index], 2 << 20)
            drawings = Drawings(cast(Any, sketchers[index]), journal, stores[index])
            comparison = Comparison(peers, stores[index])
            studios.append(RememberingStudio(31337, Recipes(recipes, peers), drawings, stores[index], comparison))
            gateways[index].studio = studios[-1]
            return studios[-1]

        nodes = await stack.enter_async_context(committee(folder, NODES, studio, timing))
        yield Network(nodes, sketchers, studios, gateways, recipe.digest)
