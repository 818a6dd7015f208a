"""Draws what is not drawn yet: pictures that a crash, or a lost view, left in the store are found again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rfc8785
import structlog

from node.content.cid import parse_binary
from node.content.dag import read
from node.content.unixfs import file
from node.errors import ContentError

if TYPE_CHECKING:
    from node.content.store import BlockStore
    from node.journal import Journal
    from node.render.pool import RenderPool
    from node.render.reading import AnyRecipe

OnImage = Callable[[int, bytes], None]

_RENDER: Final = Path(__file__).parents[1] / "render"
ROOMS: Final = ("png", "tolerance")
"""The folders of node.render that decide a picture's bytes beside its model."""

log = structlog.get_logger("drawings")


@cache
def program_digest(render: Path = _RENDER) -> bytes:
    """sha2-256 over the code that turns pixels into a PNG, and over what draws with pipelines.

    A model's digest covers an exact picture's pixels, not the bytes around them. A node that was upgraded must not
    serve what its older code wrote.
    """
    total = hashlib.sha256(b"patina-program/1\0")
    names = (path.relative_to(render).as_posix() for room in ROOMS for path in (render / room).glob("*.py"))
    for name in sorted(names):
        content = (render / name).read_bytes()
        total.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
    return total.digest()


def picture_key(recipe: AnyRecipe, seed: bytes, band: int, signals: Sequence[int]) -> bytes:
    """sha2-256 of everything that a picture's bytes depend on, in its RFC 8785 form; wads are decimal strings."""
    inputs: dict[str, Any] = {
        "program": program_digest().hex(),
        "model": recipe.model.hex(),
        "recipe": recipe.digest.hex(),
        "seed": seed.hex(),
        "band": band,
        "signals": [str(signal) for signal in signals],
    }
    return hashlib.sha256(b"patina-picture/1\0" + rfc8785.dumps(inputs)).digest()


class Drawings:
    """A pool whose pictures are stored one by one as they come, and looked for before they are drawn.

    The journal knows them for as long as their round, and the one that landed until the next has.
    """

    def __init__(self, pool: RenderPool, journal: Journal, store: BlockStore) -> None:
        self._pool = pool
        self._journal = journal
        self._store = store
        self.found = 0

    async def render(
        self,
        feed: int,
        checkpoint: int,
        recipe: AnyRecipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: OnImage | None = None,
    ) -> list[bytes]:
        """The PNGs of the seeds, in their order, for a round; `on_image(index, png)` tells of those that are drawn.

        Raises RenderError as `RenderPool.render` does, ContentError when one cannot be stored, JournalError.
        """
        keys = [picture_key(recipe, seed, band, signals) for seed in seeds]
        images = await self._known(keys, feed, checkpoint)
        missing = [index for index in range(len(seeds)) if index not in images]
        if missing:
            wanted = [seeds[index] for index in missing]
            arrived: asyncio.Queue[int | None] = asyncio.Queue()

            def told(position: int, png: bytes) -> None:
                index = missing[position]
                images[index] = png
                arrived.put_nowait(index)
                if on_image is not None:
                    on_image(index, png)

            async def draw() -> None:
                try:
                    await self._pool.render(recipe, wanted, band, signals, told)
                finally:
                    arrived.put_nowait(None)

            drawing = asyncio.create_task(draw())
            keeping = asyncio.create_task(self._keep(arrived, keys, images, feed, checkpoint))
            try:
                await asyncio.wait({drawing, keeping}, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                drawing.cancel()
                # Cancelled or failed: what was drawn until then is kept, and not drawn again.
                await asyncio.gather(drawing, keeping, return_exceptions=True)
            if not drawing.cancelled():
                drawing.result()
            keeping.result()
        return [images[index] for index in range(len(seeds))]

    async def _known(self, keys: Sequence[bytes], feed: int, checkpoint: int) -> dict[int, bytes]:
        """By index, the pictures that are in the store, each verified against its CID."""
        self._journal.pictures.trim()
        cids = self._journal.pictures.find(keys)
        images = await asyncio.to_thread(self._read, list(enumerate(keys)), cids) if cids else {}
        with self._journal.transaction():
            for index in images:  # they are this round's now
                self._journal.pictures.add(keys[index], cids[keys[index]], feed, checkpoint)
        if images:
            self.found += len(images)
            log.info("pictures found again", feed=feed, checkpoint=checkpoint, found=len(images), of=len(keys))
        return images

    def _read(self, keys: Iterable[tuple[int, bytes]], cids: Mapping[bytes, bytes]) -> dict[int, bytes]:
        images = {}
        for index, key in keys:
            if key in cids:
                try:
                    images[index] = read(self._store, parse_binary(cids[key]))
                except ContentError as error:
                    log.warning("stored picture lost, drawn again", error=str(error))
        return images

    async def _keep(
        self,
        arrived: asyncio.Queue[int | None],
        keys: Sequence[bytes],
        images: Mapping[int, bytes],
        feed: int,
        checkpoint: int,
    ) -> None:
        """Store pictures as they come: their blocks first, then the rows that say where they are."""
        more = True
        while more:
            ready = [await arrived.get()]
            while not arrived.empty():
                ready.append(arrived.get_nowait())
            more = None not in ready
            files = {index: file(images[index]) for index in ready if index is not None}
            await asyncio.to_thread(self._store.put_all, [block for _, blocks in files.values() for block in blocks])
            with self._journal.transaction():
                for index, (target, _) in files.items():
                    self._journal.pictures.add(keys[index], target.cid.binary, feed, checkpoint)
