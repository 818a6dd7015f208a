"""Draws editions in worker processes, so that the daemon's loop never waits for a picture and never loads torch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import structlog

from node.durations import Durations
from node.errors import RenderError
from node.render import check, model_digest
from node.render.pool.edition import ATTEMPTS, Batch, Edition, OnImage
from node.render.pool.place import Place, Standing
from node.render.pool.process import Launch, WorkerDiedError, WorkerFullError, WorkerProcess, WorkerUnfitError
from node.render.pool.progress import Progress
from node.render.pool.turns import Turns
from node.render.reading import AnyRecipe

_GRACE: Final = 2.0
_REST: Final = 30.0
"""Seconds that a place stays out of turn after its workers did not start."""
_CLOSED: Final = "render pool: closed"

log = structlog.get_logger("render")


class RenderPool:
    """A worker process in every place, started when first needed and kept warm: on this machine, or on a Ray cluster.

    `batch` is the most pictures that one request asks for. `wanted` gives the model (32-byte digest) that every
    worker must have. `rest` is how many seconds a place is left alone when its workers do not start.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        batch: int = 1,
        rest: float = _REST,
        wanted: Callable[[], bytes] = model_digest,
    ) -> None:
        if not places or batch < 1:
            raise RenderError(f"render pool: {len(places)} workers and a batch of {batch}, at least 1 is needed")
        self._places = tuple(places)
        self._batch = batch
        self._rest = rest
        self._wanted = wanted
        self._turns = Turns(self._places)
        self._resting: dict[Place, asyncio.TimerHandle] = {}
        self._progress = Progress()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def fault(self) -> str:
        """Why nothing can be drawn at all, such as the kernel that failed its probe; "" while something can."""
        return "" if any(place.standing is not Standing.UNFIT for place in self._places) else self._states()

    @property
    def took(self) -> Durations:
        """How long workers took for a picture."""
        return self._progress.took

    def status(self) -> dict[str, Any]:
        """Figures for the status page."""
        return {
            "workers": [place.status() for place in self._places],
            "batch": self._batch,
            **self._progress.status(),
        }

    async def render(
        self,
        recipe: AnyRecipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: OnImage | None = None,
    ) -> list[bytes]:
        """The PNGs of the seeds, in their order; `on_image(index, png)` is called as each is there.

        Cancelling the call starts no further picture of it and gives up those in hand. Jobs that run at once take
        turns, batch by batch. A batch that a worker did not survive is tried again in halves; a picture that three
        did not survive fails the job. Raises RenderError then, where `node.render.render` would, when no worker can
        be had, and after aclose().
        """
        check(recipe, seeds, band, signals)
        edition = Edition(recipe, seeds, band, signals, on_image)
        with self._progress.job(len(seeds)) as job:
            batches = edition.begin(job, self._batch, len(self._places))
            try:
                async with asyncio.TaskGroup() as group:
                    work = [group.create_task(self._work(edition)) for _ in self._places[:batches]]
                    await edition.over()
                    for task in work:  # whoever still waits for a worker waits for nothing
                        task.cancel()
            except BaseExceptionGroup as failures:
                # One cause is enough: the others failed, or were cancelled, with it.
                raise failures.exceptions[0] from None
        return edition.done

    async def aclose(self) -> None:
        """End all workers; pictures still being drawn fail with RenderError. May be called twice."""
        self._closed = True
        for timer in self._resting.values():
            timer.cancel()
        self._turns.stop(_CLOSED)
        await asyncio.gather(*(place.close(_GRACE) for place in self._places))

    async def _work(self, edition: Edition) -> None:
        """Draw batch after batch, each in a place that is free and has a worker by then: no batch waits for a start."""
        while True:
            place = await self._turns.take()
            try:
                worker = await place.worker(self._wanted())
                if worker is not None:
                    batch = edition.next()
                    if batch is None:
                        return
                    await self._draw(edition, batch, place, worker)
            finally:
                self._hand_back(place)

    async def _draw(self, edition: Edition, batch: Batch, place: Place, worker: WorkerProcess) -> None:
        began, pictures = time.monotonic(), len(batch.left)
        try:
            await worker.ask(batch.request, batch.arrived)
        except WorkerUnfitError as error:
            await place.refused(str(error))
            edition.again(batch)
        except (WorkerDiedError, WorkerFullError) as error:
            full = isinstance(error, WorkerFullError)
            how = "came to its memory cap" if full else "died"
            await place.lost(f"the last worker {how}")
            if self._closed:
                raise RenderError(_CLOSED) from None
            log.warning(f"render worker {how}", place=place.launch.name, pictures=len(batch.left))
            self._progress.lost(full=full)
            edition.lost(batch, _hopeless(place.launch, full=full))
        else:
            self._progress.took.observe((time.monotonic() - began) / pictures, pictures)
            edition.finished()

    def _hand_back(self, place: Place) -> None:
        if self._closed:
            return
        if place.standing is Standing.USABLE:
            self._turns.give(place, warm=place.warm)
            return
        if place.standing is Standing.TIRED:
            self._resting[place] = asyncio.get_running_loop().call_later(self._rest, self._rested, place)
        if all(other.standing is not Standing.USABLE for other in self._places):
            self._turns.stop(f"render pool: {self._states()}")

    def _rested(self, place: Place) -> None:
        del self._resting[place]
        place.rested()
        self._turns.resume()
        self._turns.give(place, warm=False)

    def _states(self) -> str:
        return "; ".join(sorted({place.state for place in self._places}))


def _hopeless(launch: Launch, *, full: bool) -> str:
    if full:
        return f"render pool: one picture alone takes a worker beyond {launch.memory} MiB: raise render.memory_mb"
    return f"render pool: the worker died {ATTEMPTS} times over one picture; is there enough memory?"
