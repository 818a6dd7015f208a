"""The studio: equal inputs, equal roots; anything else, another root."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from node.artworks.drawings import Drawings
from node.artworks.recipes import Recipes
from node.artworks.studio import Studio, token_seed
from node.content.cid import Cid, parse
from node.content.dag import listing, read, resolve
from node.content.metadata import parse_metadata
from node.content.store import BlockStore
from node.errors import ContentError, RenderError
from node.journal import Journal
from node.render.recipe import Recipe
from tests.unit.paper import make_edition, make_feed

RECIPE = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear", "golden"), (10**16, 10**16, 10**17))
SIGNALS = (("volatility", 10**15), ("drawdown", 0), ("flow", -(10**15)))


@dataclass
class PaperPool:
    """Draws the same picture whatever it is asked for, so that a root differs by its metadata alone."""

    asked: list[tuple[Recipe, tuple[bytes, ...], int, list[int]]] = field(default_factory=list)

    async def render(
        self,
        recipe: Recipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: Callable[[int, bytes], None] | None = None,
    ) -> list[bytes]:
        recipe.mood(band)
        self.asked.append((recipe, tuple(seeds), band, list(signals)))
        pictures = [b"\x89PNG\r\n\x1a\n picture"] * len(seeds)
        for index, picture in enumerate(pictures):
            if on_image is not None:
                on_image(index, picture)
        return pictures


OPEN: list[Journal] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Bench:
    """A studio with a real store, journal and recipe folder; only the drawing is left out."""

    def __init__(self, folder: Path, recipe: Recipe = RECIPE) -> None:
        (folder / "recipes").mkdir(parents=True, exist_ok=True)
        (folder / "recipes" / "one.json").write_bytes(recipe.canonical)
        self.store, self.pool = BlockStore(folder / "blocks"), PaperPool()
        recipes = Recipes(folder / "recipes", cast(Any, None))
        OPEN.append(Journal(folder / "state"))
        drawings = Drawings(cast(Any, self.pool), OPEN[-1], self.store)
        self.studio = Studio(31337, recipes, drawings, self.store)

    async def paint(self, **changes: Any) -> bytes:
        feed, edition = make_feed(), make_edition(recipe=RECIPE.digest)
        inputs: dict[str, Any] = {
            "feed": feed,
            "edition": edition,
            "checkpoint": 30,
            "block_hash": b"b" * 32,
            "band": 1,
            "signals": SIGNALS,
        }
        return await self.studio.paint(**(inputs | changes))


@given(st.binary(min_size=32, max_size=32), st.integers(1, 2**256 - 1))
def test_token_seed__any_edition_seed_and_token__is_the_contracts_formula(seed: bytes, token: int) -> None:
    assert token_seed(seed, token) == keccak(encode_packed(["bytes32", "uint256"], [seed, token]))


async def test_paint__equal_inputs_on_two_nodes__give_equal_roots(tmp_path: Path) -> None:
    first, second = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    root = await first.paint()
    assert root == await first.paint() == await second.paint()
    assert len(root) == 32


async def test_exact__recipe_at_hand__says_whether_all_nodes_get_its_bytes(tmp_path: Path) -> None:
    assert await Bench(tmp_path).studio.exact(make_edition(recipe=RECIPE.digest))


async def test_paint__again_after_it_was_finished__draws_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    root = await bench.paint()
    assert bench.studio.painted == 2
    assert await bench.paint() == root
    assert (bench.studio.painted, len(bench.pool.asked)) == (2, 1)


CHANGES: dict[str, dict[str, Any]] = {
    "band": {"band": 2},
    "signal": {"signals": (*SIGNALS[:2], ("flow", -(10**15) - 1))},
    "seed": {"edition": make_edition(recipe=RECIPE.digest, seed=b"t" * 32)},
    "block hash": {"block_hash": b"c" * 32},
    "checkpoint": {"checkpoint": 40},
    "feed": {"feed": make_feed(2)},
    "edition": {"edition": make_edition(2, recipe=RECIPE.digest)},
    "collection": {"edition": make_edition(recipe=RECIPE.digest, collection="0x" + "44" * 20)},
    "tokens": {"edition": make_edition(recipe=RECIPE.digest, minted=1)},
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
async def test_paint__any_input_differs__gives_another_root(tmp_path: Path, changed: dict[str, Any]) -> None:
    bench = Bench(tmp_path)
    assert await bench.paint() != await bench.paint(**changed)


async def test_paint__recipe_of_another_model__gives_another_root(tmp_path: Path) -> None:
    other = replace(RECIPE, model=b"\x08" * 32)
    there = Bench(tmp_path / "b", other)
    edition = make_edition(recipe=other.digest)
    assert await Bench(tmp_path / "a").paint() != await there.paint(edition=edition)


async def test_paint__what_does_not_shape_a_picture__changes_nothing(tmp_path: Path) -> None:
    """Votes agree in everything but the answer, and the oracle's last report differs between nodes in time."""
    bench = Bench(tmp_path)
    later = make_feed(answer=5, checkpoint=20, updated_at=9, updated_block=8, band=2)
    shown = make_edition(recipe=RECIPE.digest, content_root=b"o" * 32, supply=9)
    assert await bench.paint() == await bench.paint(feed=later, edition=shown)


async def test_paint__stores_whole_tree__whose_metadata_lets_anyone_paint_it_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    root = Cid(parse_root(await bench.paint()).codec, await bench.paint())
    names = [link.name for link in listing(bench.store, root) or ()]
    assert sorted(names) == ["1000001.json", "1000001.png", "1000002.json", "1000002.png"]
    for number, token in enumerate((1_000_001, 1_000_002)):
        document = parse_metadata(read(bench.store, resolve(bench.store, root, [f"{token}.json"])))
        source = document.provenance
        assert source is not None
        assert (source.token_id, source.band, source.checkpoint, source.signals) == (token, 1, 30, SIGNALS)
        assert (source.recipe, source.model) == (RECIPE.digest, RECIPE.model)
        assert source.seed == token_seed(b"s" * 32, token) == bench.pool.asked[0][1][number]
        assert (document.mood, document.bands) == ("clear", 3)
        assert hashlib.sha256(read(bench.store, document.image)).digest() == document.image.digest
    assert bench.pool.asked[0][2:] == (1, [value for _, value in SIGNALS])


def parse_root(digest: bytes) -> Cid:
    from node.content.cid import directory_cid

    return parse(directory_cid(digest))


async def test_paint__recipe_without_that_band__is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(RenderError, match="band 3"):
        await bench.paint(band=3)
    assert not list((tmp_path / "blocks").rglob("*"))


async def test_paint__edition_without_tokens__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError):
        await Bench(tmp_path).paint(edition=make_edition(recipe=RECIPE.digest, minted=0))


async def test_paint__each_image__is_told_to_whoever_watches(tmp_path: Path) -> None:
    bench, told = Bench(tmp_path), list[tuple[int, int, int]]()
    bench.studio.on_image = lambda feed, done, of: told.append((feed.id, done, of))
    await bench.paint()
    assert told == [(1, 1, 2), (1, 2, 2)]
