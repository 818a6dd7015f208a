"""A place where one render worker can be: the process, if there is one, and what became of those before it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import structlog

from node.render.pool.process import (
    Launch,
    WorkerAbsentError,
    WorkerDiedError,
    WorkerFullError,
    WorkerProcess,
    WorkerUnfitError,
)
from node.render.worker.wire import Hello

ATTEMPTS: Final = 3
"""Starts that may fail before a place rests."""

log = structlog.get_logger("render")


class Standing(Enum):
    """Whether a place can be used."""

    USABLE = "usable"
    TIRED = "tired"
    """Its workers do not start; later they may."""
    UNFIT = "unfit"
    """Its device, or what its worker draws with, is not to be trusted, now or later."""


class Place:
    """Where one worker process is started when it is needed, kept warm, and replaced when it is lost.

    `spare` is started instead of a worker that proves unfit, as a CPU is used where a GPU fails.
    """

    def __init__(self, launch: Launch, spare: Launch | None = None) -> None:
        self.launch = launch
        self.standing = Standing.USABLE
        self.state = "not started"
        self._spare = spare
        self._worker: WorkerProcess | None = None
        self._failures = 0
        self._closed = False

    @property
    def warm(self) -> bool:
        """Whether a worker is here that has started."""
        return self._worker is not None and self._worker.hello is not None

    def status(self) -> dict[str, Any]:
        """Figures for the status page."""
        process = None if self._worker is None else self._worker.pid
        return {"place": self.launch.name, "state": self.state, "process": process}

    async def worker(self, model: bytes) -> WorkerProcess | None:
        """A worker that draws with this model (32-byte digest) and is ready for a request.

        None where there is none this time: `standing` and `state` then say what that means and why.
        """
        try:
            if self._worker is None:
                self._worker, self.state = await WorkerProcess.start(self.launch), "starting"
            if self._closed:  # while it started: close() did not see it
                await self.lost("closed")
                return None
            hello = await self._worker.ready()
            if hello.model != model:
                raise WorkerUnfitError(f"it draws with model {hello.model.hex()}, this node with {model.hex()}")
        except WorkerUnfitError as error:
            await self.refused(str(error))
        except (WorkerDiedError, OSError):
            await self._failed("dies, or hangs, at its start")
        except WorkerFullError:
            await self._failed(f"needs more than {self.launch.memory} MiB (render.memory_mb) to start")
        except WorkerAbsentError as error:
            self._failures = ATTEMPTS
            await self._failed(str(error))
        else:
            return self._started(self._worker, hello)
        return None

    async def lost(self, how: str) -> None:
        """End the worker at once; the next call of `worker` starts another."""
        worker, self._worker = self._worker, None
        self.state = how
        if worker is not None:
            await worker.stop(0)

    async def close(self, grace: float) -> None:
        """End the worker for good, within `grace` seconds."""
        self._closed = True
        if self._worker is not None:
            await self._worker.stop(grace)

    def rested(self) -> None:
        """Let a tired place try again."""
        self.standing = Standing.USABLE

    def _started(self, worker: WorkerProcess, hello: Hello) -> WorkerProcess:
        if self.state == "starting":
            log.info("render worker ready", place=self.launch.name, engine=hello.engine, process=worker.pid)
        self._failures, self.state = 0, f"ready: {hello.engine}"
        return worker

    async def refused(self, why: str) -> None:
        """Take the place out of service for good, or give it to its spare."""
        await self.lost(f"{self.launch.name} is unfit: {why}")
        log.error("this machine must not render", place=self.launch.name, reason=why, remedy="another render.engine")
        if self._spare is None:
            self.standing = Standing.UNFIT
        else:
            self.launch, self._spare = self._spare, None

    async def _failed(self, why: str) -> None:
        await self.lost(f"{self.launch.name}: the worker {why}")
        self._failures += 1
        if self._failures >= ATTEMPTS and not self._closed:
            self._failures, self.standing = 0, Standing.TIRED
            log.error("render worker does not start", place=self.launch.name, reason=why)
