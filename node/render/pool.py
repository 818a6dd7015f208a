"""Renders editions in worker processes, so that the daemon's loop never waits for a picture and never loads torch."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from node.errors import RenderError
from node.render import model_digest
from node.render.recipe import Recipe
from node.render.worker import PICTURE

_ROOT: Final = Path(__file__).parents[2]
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_ATTEMPTS: Final = 3
_GRACE: Final = 2.0


class _WorkerDiedError(Exception):
    """The process ended, or fell silent for too long, before it replied."""


class _Worker:
    """One worker process and the one request it may have in hand."""

    def __init__(self, process: Process, patience: float) -> None:
        self._process = process
        self._patience = patience
        self._reply: asyncio.Task[tuple[int, bytes]] | None = None

    @classmethod
    async def start(cls, patience: float) -> _Worker:
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        # A group of its own: Ctrl-C is for the node, which then closes its workers in order. Not a session of its
        # own: Linux shares the CPU by session, and a worker must yield to its node.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "node.render.worker", stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path}, process_group=0,
        )  # fmt: skip
        return cls(process, patience)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The reply to one request; what a cancelled caller left unread is read and dropped first."""
        try:
            async with asyncio.timeout(self._patience):
                if self._reply is not None:
                    await asyncio.shield(self._reply)
                assert self._process.stdin is not None  # noqa: S101 - started with PIPE
                self._process.stdin.write(request)
                self._reply = asyncio.create_task(self._read())
                await self._process.stdin.drain()
                reply = await asyncio.shield(self._reply)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise _WorkerDiedError from error
        self._reply = None
        return reply

    async def _read(self) -> tuple[int, bytes]:
        assert self._process.stdout is not None  # noqa: S101 - started with PIPE
        head = await self._process.stdout.readexactly(5)
        return head[0], await self._process.stdout.readexactly(int.from_bytes(head[1:], "big"))

    async def stop(self, grace: float) -> None:
        """Ends the process: by closing its stdin, or after `grace` seconds by force."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            if self._process.returncode is None:
                self._process.kill()
            if self._reply is not None:
                self._reply.cancel()
                await asyncio.gather(self._reply, return_exceptions=True)
            await self._process.wait()


class RenderPool:
    """At most `workers` worker processes, started when first needed and replaced when they die.

    `patience` is how many seconds one picture may take, a cold start included.
    """

    def __init__(self, workers: int = 1, *, patience: float = 180.0) -> None:
        if workers < 1:
            raise RenderError(f"render pool: {workers} workers, at least 1 is needed")
        self._workers = workers
        self._patience = patience
        self._turns = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def render(
        self,
        recipe: Recipe,
        seeds: Sequence[bytes],
        band: int,
        signals: Sequence[int],
        on_image: Callable[[int, bytes], None] | None = None,
    ) -> list[bytes]:
        """The PNGs of the seeds, in their order; `on_image(index, png)` is called as each is done.

        Cancelling the call starts no further picture of it. Jobs that run at once take turns, picture by picture.
        Raises RenderError where `node.render.render` would, when a picture fails three times, or after aclose().
        """
        _check(recipe, seeds, band, signals)
        done: list[bytes] = [b""] * len(seeds)
        waiting = iter(range(len(seeds)))

        async def paint() -> None:
            for index in waiting:
                done[index] = await self._one(_request(recipe, seeds[index], band, signals))
                if on_image is not None:
                    on_image(index, done[index])

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._workers, len(seeds))):
                    group.create_task(paint())
        except BaseExceptionGroup as failures:
            # One cause is enough: the others failed, or were cancelled, with it.
            raise failures.exceptions[0] from None
        return done

    async def aclose(self) -> None:
        """Ends all workers; pictures still being drawn fail with RenderError. May be called twice."""
        self._closed = True
        workers, self._idle = [*self._idle, *self._busy], []
        await asyncio.gather(*(worker.stop(_GRACE) for worker in workers))

    async def _one(self, request: bytes) -> bytes:
        async with self._turns:
            for _ in range(_ATTEMPTS):
                if self._closed:
                    raise RenderError("render pool: closed")
                try:
                    status, body = await self._ask(request)
                except _WorkerDiedError:
                    continue
                if status != PICTURE:
                    raise RenderError(body.decode(errors="replace"))
                return body
        if self._closed:
            raise RenderError("render pool: closed")
        raise RenderError(f"render pool: the worker died {_ATTEMPTS} times over one picture; is there enough memory?")

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        """One request to an idle worker, or to a new one; a dead worker does not come back to the idle."""
        worker = self._idle.pop() if self._idle else await _Worker.start(self._patience)
        if self._closed:  # while the worker started: aclose() did not see it
            await worker.stop(0)
            raise _WorkerDiedError
        self._busy.add(worker)
        try:
            reply = await worker.ask(request)
        except _WorkerDiedError:
            await worker.stop(0)
            raise
        except BaseException:
            if not self._closed:
                self._idle.append(worker)
            raise
        else:
            if not self._closed:
                self._idle.append(worker)
            return reply
        finally:
            self._busy.discard(worker)


def _check(recipe: Recipe, seeds: Sequence[bytes], band: int, signals: Sequence[int]) -> None:
    """What can be refused is refused before any work starts."""
    if recipe.model != model_digest():
        raise RenderError(
            f"recipe {recipe.name!r} asks for model {recipe.model.hex()}, this build renders {model_digest().hex()}"
        )
    recipe.mood(band)
    recipe.levels(signals)
    for index, seed in enumerate(seeds):
        if len(seed) != 32:
            raise RenderError(f"seed {index}: {len(seed)} bytes instead of 32")


def _request(recipe: Recipe, seed: bytes, band: int, signals: Sequence[int]) -> bytes:
    fields = {
        "recipe": recipe.canonical.decode(),
        "seed": seed.hex(),
        "band": band,
        "signals": [str(signal) for signal in signals],
    }
    return json.dumps(fields).encode() + b"\n"
