"""One job's pictures: which are there, which are still to be drawn, and which no worker survives."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

from node.errors import RenderError
from node.render.pool.progress import Job
from node.render.reading import AnyRecipe
from node.render.worker.wire import Request

OnImage = Callable[[int, bytes], None]
"""Told the index of a seed and its PNG as soon as it is there."""

ATTEMPTS: Final = 3
"""Workers that may be lost over one picture."""


class Batch:
    """Some of a job's pictures, asked for in one request."""

    def __init__(self, edition: Edition, indices: tuple[int, ...], request: Request) -> None:
        self.request = request
        self._edition = edition
        self._indices = indices
        self._got = 0

    @property
    def left(self) -> tuple[int, ...]:
        """The indices of the pictures that have not come."""
        return self._indices[self._got :]

    def arrived(self, png: bytes) -> None:
        """Take the next picture."""
        index = self._indices[self._got]
        self._got += 1
        self._edition.arrived(index, png)


class Edition:
    """The pictures of some seeds in one band under the same signals, in batches of at most `size`."""

    def __init__(
        self, recipe: AnyRecipe, seeds: Sequence[bytes], band: int, signals: Sequence[int], on_image: OnImage | None
    ) -> None:
        self.done: list[bytes] = [b""] * len(seeds)
        self._recipe = recipe
        self._seeds = seeds
        self._band = band
        self._signals = tuple(signals)
        self._on_image = on_image
        self._todo: deque[tuple[int, ...]] = deque()
        self._out = 0
        self._over = asyncio.Event()
        self._losses: Counter[int] = Counter()
        self._job: Job | None = None

    def begin(self, job: Job, size: int, workers: int) -> int:
        """Cut the work into batches, smaller where that gives every worker a share; return their number."""
        size = max(1, min(size, -(-len(self._seeds) // workers)))
        every = range(len(self._seeds))
        self._todo.extend(tuple(every[at : at + size]) for at in every[::size])
        self._job = job
        self._look()
        return len(self._todo)

    async def over(self) -> None:
        """Wait until nothing is left to be drawn and nothing is being drawn."""
        await self._over.wait()

    def next(self) -> Batch | None:
        """A batch to draw, or None when none is left to begin; each is `finished`, drawn `again`, or `lost`."""
        if not self._todo:
            return None
        self._out += 1
        indices = self._todo.popleft()
        seeds = tuple(self._seeds[index] for index in indices)
        return Batch(self, indices, Request(self._recipe, seeds, self._band, self._signals))

    def arrived(self, index: int, png: bytes) -> None:
        """Keep a picture and tell of it."""
        self.done[index] = png
        if self._job is not None:
            self._job.drawn()
        if self._on_image is not None:
            self._on_image(index, png)

    def finished(self) -> None:
        """A batch is drawn."""
        self._out -= 1
        self._look()

    def again(self, batch: Batch) -> None:
        """Have what is left of a batch drawn by another worker; this one's loss was not its fault."""
        if batch.left:
            self._todo.appendleft(batch.left)
        self.finished()

    def lost(self, batch: Batch, why: str) -> None:
        """Try again what is left of a batch whose worker was lost: in halves, so that one bad picture is found out.

        Raises RenderError, with `why`, for a picture that was alone with its worker three times.
        """
        left = batch.left
        if len(left) > 1:
            middle = len(left) // 2
            self._todo.extendleft([left[middle:], left[:middle]])
        for index in left[: len(left) == 1]:
            self._losses[index] += 1
            if self._losses[index] >= ATTEMPTS:
                raise RenderError(why)
            self._todo.appendleft(left)
        self.finished()

    def _look(self) -> None:
        if not self._todo and not self._out:
            self._over.set()
