"""Pictures found again: each input counts, what is kept is verified, and a round's end lets go of it."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import node.render
from node.artworks.drawings import ROOMS, Drawings, picture_key, program_digest
from node.content.store import BlockStore
from node.content.unixfs import CHUNK
from node.errors import ContentError, RenderError
from node.journal import Journal
from node.render.recipe import Recipe

RECIPE = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear", "golden"), (10**16, 10**16, 10**17))
SEEDS = [bytes([token]) * 32 for token in range(1, 6)]
SIGNALS = (10**15, 0, -(10**30))


class PaperPool:
    """Draws a text for each seed, and stops before the seed where it is told to."""

    def __init__(self) -> None:
        self.drawn: list[bytes] = []
        self.stop: bytes | None = None
        self.fault: BaseException | None = None
        self.padding = b""

    async def render(
        self,
        recipe: Recipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: Callable[[int, bytes], None] | None = None,
    ) -> list[bytes]:
        images = []
        for index, seed in enumerate(seeds):
            if seed == self.stop:
                if self.fault is not None:
                    raise self.fault
                await asyncio.Event().wait()
            self.drawn.append(seed)
            images.append(b"picture of " + seed + self.padding)
            if on_image is not None:
                on_image(index, images[-1])
        return images


class Desk:
    def __init__(self, folder: Path) -> None:
        self.pool: Any = PaperPool()
        self.journal, self.store = Journal(folder / "state"), BlockStore(folder / "blocks")
        self.drawings = Drawings(self.pool, self.journal, self.store)
        self.told: list[int] = []

    async def render(self, checkpoint: int = 10, seeds: list[bytes] = SEEDS, **changes: Any) -> list[bytes]:
        inputs: dict[str, Any] = {"recipe": RECIPE, "band": 1, "signals": SIGNALS, "feed": 1} | changes
        return await self.drawings.render(
            checkpoint=checkpoint, seeds=seeds, on_image=lambda index, _: self.told.append(index), **inputs
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def expected(seeds: Sequence[bytes] = SEEDS) -> list[bytes]:
    return [b"picture of " + seed for seed in seeds]


async def test_render__finished_before__draws_nothing_and_gives_the_same(desk: Desk) -> None:
    assert await desk.render() == expected()
    assert desk.told == list(range(5))
    assert await desk.render(checkpoint=20) == expected()
    assert len(desk.pool.drawn) == len(desk.told) == desk.drawings.found == 5


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_render__ended_early__only_the_rest_is_drawn_later_and_in_the_right_places(desk: Desk, how: str) -> None:
    """A view is lost, or a worker fails for good: the next attempt begins where that one ended."""
    desk.pool.stop, desk.pool.fault = SEEDS[3], RenderError("lost") if how == "failed" else None
    job = asyncio.create_task(desk.render())
    async with asyncio.timeout(30):
        while len(desk.pool.drawn) < 3:
            await asyncio.sleep(0)
        job.cancel() if how == "cancelled" else None
        with pytest.raises(asyncio.CancelledError if how == "cancelled" else RenderError):
            await job
    desk.pool.stop = None
    assert await desk.render(seeds=SEEDS[::-1]) == expected(SEEDS[::-1])
    assert sorted(desk.pool.drawn) == SEEDS
    assert desk.told == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"band": 2},
        {"signals": (10**15 + 1, 0, -(10**30))},
        {"recipe": dataclasses.replace(RECIPE, steps=5)},
        {"recipe": dataclasses.replace(RECIPE, model=b"\x08" * 32)},
        {"seeds": [b"x" * 32]},
    ],
)
async def test_render__any_input_differs__drawn_anew(desk: Desk, changes: dict[str, Any]) -> None:
    await desk.render(seeds=SEEDS[:1])
    await desk.render(**({"seeds": SEEDS[:1]} | changes))
    assert len(desk.pool.drawn) == 2


async def test_render__other_program__drawn_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that writes other bytes for the same pixels must not mix both in one edition."""
    await desk.render()
    monkeypatch.setattr("node.artworks.drawings.program_digest", lambda: b"\x01" * 32)
    await desk.render()
    assert len(desk.pool.drawn) == 10


@pytest.mark.parametrize("damage", [b"", b"other", None])
async def test_render__stored_block_damaged_or_gone__that_picture_is_drawn_again(
    desk: Desk, damage: bytes | None
) -> None:
    await desk.render()
    [victim] = [path for path in desk.store.path.rglob("b*") if path.is_file() and path.read_bytes() == expected()[2]]
    victim.unlink() if damage is None else victim.write_bytes(damage)
    assert await desk.render() == expected()
    assert desk.pool.drawn == [*SEEDS, SEEDS[2]]
    assert victim.read_bytes() == expected()[2]


async def test_render__picture_of_several_blocks__found_again_whole(desk: Desk) -> None:
    desk.pool.padding = bytes(CHUNK + 5)
    images = await desk.render(seeds=SEEDS[:2])
    assert await desk.render(seeds=SEEDS[:2]) == images
    assert len(desk.pool.drawn) == 2


async def test_render__store_fails__drawing_stops_with_its_reason(desk: Desk) -> None:
    desk.store.max_block = 4
    desk.pool.stop = SEEDS[3]  # would wait for ever
    with pytest.raises(ContentError, match="at most 4"):
        await desk.render()


def test_pictures__round_over__its_rows_go_and_no_others(desk: Desk) -> None:
    pictures = desk.journal.pictures
    for number, (feed, checkpoint) in enumerate([(1, 10), (1, 20), (1, 30), (2, 10)]):
        pictures.add(bytes([number]) * 32, bytes(36), feed, checkpoint)
    assert pictures.forget(1, 20) == 1
    assert pictures.forget_before(1, 30) == 1
    assert set(pictures.find(bytes([number]) * 32 for number in range(5))) == {b"\x02" * 32, b"\x03" * 32}


def test_pictures__beyond_the_bound__oldest_go_first(desk: Desk) -> None:
    pictures = desk.journal.pictures
    for number in range(8):
        pictures.add(bytes([number]) * 32, bytes(36), 1, number)
    assert pictures.trim(3) == 5
    assert set(pictures.find(bytes([number]) * 32 for number in range(8))) == {bytes([n]) * 32 for n in (5, 6, 7)}
    assert pictures.trim() == 0
    assert pictures.count() == 3


async def test_render__found_in_a_later_round__kept_with_that_round(desk: Desk) -> None:
    await desk.render(checkpoint=10)
    await desk.render(checkpoint=20)
    desk.journal.pictures.forget_before(1, 20)
    await desk.render(checkpoint=20)
    assert len(desk.pool.drawn) == 5


def test_picture_key__same_inputs__same_key_of_32_bytes() -> None:
    key = picture_key(RECIPE, SEEDS[0], 1, SIGNALS)
    assert key == picture_key(RECIPE, SEEDS[0], 1, list(SIGNALS))
    assert len(key) == len(program_digest()) == 32


def test_program_digest__whatever_the_encoder_imports__is_in_it() -> None:
    program = "import sys, node.render.png; print(*[name for name in sys.modules if name.startswith('node.render.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = {name.removeprefix("node.render.").split(".")[0] for name in done.stdout.split()}
    assert imported - {"recipe", "document"} == {"png"}  # the package's own imports: a recipe's digest is in the key
    assert "png" in ROOMS


@pytest.mark.parametrize("name", ["png/encoder.py", "png/matches.py", "tolerance/painter.py"])
def test_program_digest__a_file_changes__changes(tmp_path: Path, name: str) -> None:
    shutil.copytree(Path(node.render.__file__).parent / "png", tmp_path / "png")
    shutil.copytree(Path(node.render.__file__).parent / "tolerance", tmp_path / "tolerance")
    before = program_digest(tmp_path)
    assert before == program_digest()
    kept = (tmp_path / name).read_bytes()
    (tmp_path / name).write_text("two")
    program_digest.cache_clear()
    assert program_digest(tmp_path) != before
    (tmp_path / name).write_bytes(kept)
    program_digest.cache_clear()
    assert program_digest(tmp_path) == before
