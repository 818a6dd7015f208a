"""Four nodes whose floats differ paint with a tiny pipeline: what a leader shows lands if it is true, and only then."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import aiohttp
import numpy as np
import pytest
import torch
from aiohttp import web
from aiohttp.test_utils import TestServer
from eth_hash.auto import keccak
from PIL import Image

from node.agreement.effects import Timing
from node.artworks.comparison import Comparison
from node.artworks.drawings import Drawings
from node.artworks.paint import Likeness
from node.artworks.peers import Peers
from node.artworks.recipes import Recipes
from node.artworks.studio import Studio
from node.chain.types import Edition, Feed
from node.content.cid import DAG_PB, Cid
from node.content.dag import listing, read
from node.content.gateway import add_gateway
from node.content.store import BlockStore, MissingBlockError
from node.devnet import deploy
from node.journal import Journal
from node.render.png import encode
from node.render.tolerance.distance import psnr, squared_error
from node.render.tolerance.painter import draw, load
from node.render.tolerance.picture import open_picture
from node.render.tolerance.recipe import PipelineRecipe
from tests import pipelines
from tests.integration.nodes.committee import CADENCE, Committee, committee

WAD = 10**18
PERCENT = WAD // 100
NODES = 4
ONE_AT_A_TIME = threading.Lock()
"""torch's settings are the process's, and the four nodes share one here."""


@contextmanager
def kernels(index: int, loaded: Any) -> Iterator[None]:
    """Each node computes in another way: as it comes, without oneDNN, channels last, with weights off by 1e-5."""
    with ONE_AT_A_TIME:
        weights = dict(loaded.unet.named_parameters())
        kept = {name: weight.detach().clone() for name, weight in weights.items()}
        loaded.unet.to(memory_format=torch.channels_last if index == 2 else torch.contiguous_format)
        torch._C._set_mkldnn_enabled(index != 1)
        try:
            with torch.no_grad():
                generator = torch.Generator().manual_seed(1)
                for weight in weights.values() if index == 3 else ():
                    weight.mul_(1 + 1e-5 * torch.randn(weight.shape, generator=generator))
            yield
        finally:
            torch._C._set_mkldnn_enabled(True)
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.copy_(kept[name])


@dataclass
class Brush:
    """Draws with the pipeline as one node's kernels do, and, told to, what was not asked for."""

    index: int
    pipelines: Path
    cheat: str = ""
    drawn: int = 0

    async def render(
        self,
        recipe: PipelineRecipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: Callable[[int, bytes], None] | None = None,
    ) -> list[bytes]:
        asked = seeds[::-1] if self.cheat == "tokens swapped" else seeds
        images = []
        for place, seed in enumerate(asked):
            images.append(await asyncio.to_thread(self.one, recipe, seed, band, signals))
            if on_image is not None:
                on_image(place, images[-1])
        return images

    def one(self, recipe: PipelineRecipe, seed: bytes, band: int, signals: Sequence[int]) -> bytes:
        if self.cheat == "next band":
            band = (band + 1) % len(recipe.bands)
        elif self.cheat == "other seed":
            seed = keccak(seed)
        elif self.cheat == "one step less":
            recipe = replace(recipe, steps=recipe.steps - 1)
        loaded = load(self.pipelines / "text", recipe.model, recipe.precision, "cpu")
        with kernels(self.index, loaded):
            pixels = draw(loaded, recipe, seed, band, signals)
        self.drawn += 1
        if self.cheat == "hue + 1/256":
            hsv = np.asarray(Image.fromarray(pixels).convert("HSV")).copy()
            hsv[..., 0] += 1
            pixels = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))
        if self.cheat == "garbage":
            return b"\x89PNG\r\n\x1a\n" + bytes(5_000)
        png = encode(pixels)
        return png + b"\0" if self.cheat == "a byte appended" else png


class Turncoat(Studio):
    """A studio that, told to, says about its pictures what nobody else would."""

    brush: Brush

    async def paint(
        self, feed: Feed, edition: Edition, checkpoint: int, block_hash: bytes, band: int, signals: Any
    ) -> bytes | Likeness:
        if self.brush.cheat == "metadata":
            block_hash = keccak(block_hash)
        return await super().paint(feed, edition, checkpoint, block_hash, band, signals)


@dataclass
class Network:
    """A committee whose members paint, and what they paint with."""

    nodes: Committee
    brushes: list[Brush]
    stores: list[BlockStore]
    gateways: list[TestServer]
    recipe: PipelineRecipe

    async def cross(self, feed: int, vault: deploy.Vault, price: int, cheat: str = "") -> tuple[bytes, int]:
        """Move the price over a threshold, with the first leader cheating; return what landed, and that leader."""
        await deploy.set_price(self.nodes.account, vault, price)
        head = int(await self.nodes.account.web3.eth.block_number)
        chain = self.nodes.members[0].chain
        leader = (await chain.committee()).leader(feed, (head // CADENCE + 1) * CADENCE, 0)
        self.brushes[leader].cheat = cheat
        if cheat == "nothing to fetch":
            await self.gateways[leader].close()
        await self.nodes.checkpoint(feed)
        self.brushes[leader].cheat = ""
        return (await chain.landed(0, (await chain.head()).number))[-1].content_root, leader

    def serving(self, root: bytes) -> list[int]:
        """The nodes that have everything under a root: whoever signed it, and perhaps others."""
        found = []
        for index in range(NODES):
            try:
                pictures = self.pictures(index, root)
            except MissingBlockError:
                continue
            assert len(pictures) == 2
            found.append(index)
        return found

    def refusals(self, nodes: Sequence[int]) -> int:
        """How often these nodes found a leader's artwork unlike their own."""
        return sum(self.nodes.members[index].rounds.counters["dropped unlike"] for index in nodes)

    def pictures(self, node: int, root: bytes) -> list[np.ndarray]:
        """The pictures under a root, as a node serves them."""
        store, side = self.stores[node], pipelines.SIDE
        links = [link for link in listing(store, Cid(DAG_PB, root)) or () if link.name.endswith(".png")]
        return [open_picture(read(store, link.cid), side, side) for link in sorted(links, key=lambda one: one.name)]


@asynccontextmanager
async def network(folder: Path, timing: Timing) -> AsyncIterator[Network]:
    shelf = folder / "pipelines"
    pipelines.stable_diffusion(shelf / "text")
    recipe = pipelines.recipe(shelf / "text", pipeline={"steps": 4})
    recipes = folder / "recipes"
    recipes.mkdir()
    (recipes / "one.json").write_bytes(recipe.canonical)
    brushes = [Brush(index, shelf) for index in range(NODES)]
    stores = [BlockStore(folder / f"blocks-{index}") for index in range(NODES)]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        gateways = []
        for store in stores:
            app = web.Application()
            add_gateway(app, store)
            server = TestServer(app, host="127.0.0.1")
            await server.start_server()
            stack.push_async_callback(server.close)
            gateways.append(server)

        def studio(index: int, journal: Journal) -> Studio:
            urls = [str(server.make_url("/")) for place, server in enumerate(gateways) if place != index]
            peers = Peers(session, urls, stores[index], 2 << 20)
            drawings = Drawings(cast(Any, brushes[index]), journal, stores[index])
            made = Turncoat(31337, Recipes(recipes, peers), drawings, stores[index], Comparison(peers, stores[index]))
            made.brush = brushes[index]
            return made

        nodes = await stack.enter_async_context(committee(folder, NODES, studio, timing))
        nodes.pause = 0.3  # drawing shares the interpreter with all four nodes
        nodes.patience = 600  # a busy machine draws slowly; what is shown here is what lands, not how soon
        yield Network(nodes, brushes, stores, gateways, recipe)


PATIENT = Timing(view_ms=60_000, view_max_ms=120_000, render_ms=120_000, grace_ms=50, repeat_ms=500)
CHEATS = ("next band", "other seed", "one step less", "hue + 1/256", "tokens swapped", "metadata", "garbage",
          "a byte appended")  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_crossings__every_node_computes_in_its_own_way__land_and_a_cheating_leader_does_not(
    tmp_path: Path,
) -> None:
    """No timer plays a part here: whoever finds a leader's artwork unlike its own leaves the view at once."""
    async with network(tmp_path, PATIENT) as net:
        feed, vault = await net.nodes.open([WAD], [PERCENT, 2 * PERCENT], 1, 0, net.recipe.digest)
        root, _ = await net.cross(feed, vault, WAD)
        assert len(net.serving(root)) >= 3
        assert net.refusals(range(NODES)) == 0
        for turn, cheat in enumerate(CHEATS):
            before = [net.refusals([index]) for index in range(NODES)]
            root, liar = await net.cross(feed, vault, WAD + (3 + 2 * (turn % 2)) * PERCENT // 2, cheat)
            honest = [index for index in range(NODES) if index != liar]
            # Two that refuse are enough to carry the third away from what it was about to look at.
            assert net.refusals(honest) >= sum(before[index] for index in honest) + 2, cheat
            # The liar finds the honest pictures unlike its own, so the quorum is the three others.
            assert set(net.serving(root)) >= set(honest), cheat
        await net.nodes.settle()


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_crossing__leader_whose_blocks_are_to_be_had_nowhere__is_replaced_when_its_time_is_up(
    tmp_path: Path,
) -> None:
    hasty = Timing(view_ms=1_500, view_max_ms=3_000, render_ms=6_000, grace_ms=50, repeat_ms=300)
    async with network(tmp_path, hasty) as net:
        feed, vault = await net.nodes.open([WAD], [PERCENT], 1, 0, net.recipe.digest)
        root, hidden = await net.cross(feed, vault, WAD, "nothing to fetch")
        assert set(net.serving(root)) - {hidden}
        assert net.refusals(range(NODES)) == 0


def test_kernels__the_four_ways__do_differ_and_pass(tmp_path: Path) -> None:
    """Without this the test above could pass on pictures that are equal to the byte."""
    pipelines.stable_diffusion(tmp_path / "text")
    recipe = pipelines.recipe(tmp_path / "text", pipeline={"steps": 4})
    found = [Brush(index, tmp_path).one(recipe, b"\x05" * 32, 1, (0, 0, 0)) for index in range(NODES)]
    assert len(set(found)) > 1
    pictures = [open_picture(png, recipe.width, recipe.height) for png in found]
    distances = [psnr(squared_error(pictures[0], other), other.size) for other in pictures[1:]]
    assert min(distances) > recipe.floor / 100 + 6
