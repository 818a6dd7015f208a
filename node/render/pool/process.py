"""One render worker process as the node sees it: started, asked, watched, cancelled, ended."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node.errors import RenderError
from node.keys.environment import without_secrets
from node.render.worker.wire import HEAD, Hello, Kind, Request, cancel, is_png, parse_head

_ROOT: Final = Path(__file__).parents[3]
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_WATCH: Final = 0.1
"""Seconds between two looks at a busy worker's memory."""
_SETTLE: Final = 10.0
"""Seconds that a worker has to stop drawing what was cancelled."""
_ENDED: Final = (Kind.DONE, Kind.REFUSED, Kind.FULL, Kind.UNFIT)


class WorkerDiedError(Exception):
    """The process ended, or fell silent for too long, before it had answered."""


class WorkerFullError(Exception):
    """The process came to its memory cap."""


class WorkerUnfitError(Exception):
    """This machine, or this worker's model, must not render; the text says why. Starting again will not help."""


class WorkerAbsentError(Exception):
    """No worker can be had now; the text says why."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a worker process is started, and what it is held to.

    `memory` is in MiB of what it holds alone, 0 for no limit; `patience` is how many seconds its start may take, and
    each of its pictures.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    memory: int = 0
    patience: float = 180.0

    def variables(self) -> dict[str, str]:
        """The worker's environment: the node's without its secrets (PATINA_*), one thread, and this source tree."""
        kept = without_secrets()
        path = os.pathsep.join(filter(None, (str(_ROOT), kept.get("PYTHONPATH"))))
        return {**kept, **_ONE_THREAD, "PYTHONPATH": path, **self.environment}


class WorkerProcess:
    """A worker and the one request it may have in hand."""

    def __init__(self, launch: Launch, process: Process) -> None:
        self.launch = launch
        self.hello: Hello | None = None
        self._process = process
        self._reading: asyncio.Task[tuple[Kind, int, bytes]] | None = None
        self._number = 0
        self._open = False
        self._born = asyncio.get_running_loop().time()

    @classmethod
    async def start(cls, launch: Launch) -> WorkerProcess:
        """Start the process; it loads its engine while nobody waits."""
        # A group of its own: Ctrl-C is for the node, which then closes its workers in order. Not a session of its
        # own: Linux shares the CPU by session, and a worker must yield to its node.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", launch.module, *launch.arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
            env=launch.variables(), process_group=0,
        )  # fmt: skip
        return cls(launch, process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def ready(self) -> Hello:
        """Wait until the worker has started, and has let go of what was cancelled.

        Raises WorkerDied-, WorkerFull-, WorkerUnfit- or WorkerAbsentError.
        """
        if self.hello is None:
            kind, _, body = await self._next(self._born + self.launch.patience)
            if kind is Kind.UNFIT:
                raise WorkerUnfitError(body.decode(errors="replace"))
            if kind is Kind.ABSENT:
                raise WorkerAbsentError(body.decode(errors="replace"))
            if kind is Kind.FULL:
                raise WorkerFullError
            try:
                self.hello = Hello.parse(body)
            except ValueError as error:
                raise WorkerDiedError from error
        if self._open:
            try:
                await self._answers(lambda _: None, _SETTLE)
            except RenderError:
                pass  # of the cancelled request: its caller is gone
            except WorkerFullError as error:
                raise WorkerDiedError from error
        return self.hello

    async def ask(self, request: Request, on_picture: Callable[[bytes], None]) -> None:
        """Have a request drawn; `on_picture(png)` is called for each picture in order.

        Only a `ready` worker is asked. A cancelled call tells it to stop at once, and does not wait until it has.
        Raises RenderError for a request that no worker can draw, WorkerDiedError, WorkerFullError, and
        WorkerUnfitError when only this request showed that the machine must not render.
        """
        self._number += 1
        self._open = True
        try:
            self._write(request.line(self._number))
            patience = self.launch.patience * len(request.seeds)
            missing = len(request.seeds) - await self._answers(on_picture, patience)
        except (RenderError, WorkerDiedError, WorkerFullError, WorkerUnfitError):
            raise
        except BaseException:  # cancelled, or refused by whoever takes the pictures
            self._write(cancel(self._number))
            raise
        if missing:
            raise WorkerDiedError

    async def _answers(self, on_picture: Callable[[bytes], None], patience: float) -> int:
        """Read on until the request in hand has ended; return how many pictures came."""
        deadline, pictures = asyncio.get_running_loop().time() + patience, 0
        while True:
            kind, number, body = await self._next(deadline)
            if number != self._number or (kind not in _ENDED and not (kind is Kind.PICTURE and is_png(body))):
                raise WorkerDiedError
            if kind is Kind.PICTURE:
                pictures += 1
                on_picture(body)
                continue
            self._open = False
            if kind is Kind.FULL:
                raise WorkerFullError
            if kind is Kind.UNFIT:
                raise WorkerUnfitError(body.decode(errors="replace"))
            if kind is Kind.REFUSED:
                raise RenderError(body.decode(errors="replace"))
            return pictures

    async def _next(self, deadline: float) -> tuple[Kind, int, bytes]:
        """The next reply whole, while time and memory are watched; what a cancelled call began to read is not lost."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        clock = asyncio.get_running_loop().time
        while not self._reading.done():
            await asyncio.wait({self._reading}, timeout=max(0.0, min(_WATCH, deadline - clock())))
            if self.launch.memory and private_memory(self.pid) > self.launch.memory * 2**20:
                raise WorkerFullError
            if not self._reading.done() and clock() >= deadline:
                raise WorkerDiedError
        reading, self._reading = self._reading, None
        try:
            return reading.result()
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError) as error:
            raise WorkerDiedError from error

    async def _read(self) -> tuple[Kind, int, bytes]:
        assert self._process.stdout is not None  # noqa: S101 - started with PIPE
        kind, number, length = parse_head(await self._process.stdout.readexactly(HEAD))
        return kind, number, await self._process.stdout.readexactly(length)

    def _write(self, line: bytes) -> None:
        # Not drained: a request is a few kilobytes, and the worker's listening thread always reads.
        assert self._process.stdin is not None  # noqa: S101 - started with PIPE
        self._process.stdin.write(line)

    async def stop(self, grace: float) -> None:
        """End the process: by closing its stdin, or after `grace` seconds by force."""
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
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)
            await self._process.wait()


def private_memory(pid: int) -> int:
    """Bytes of RAM that a process holds and that no file stands behind (proc_pid_status(5)); 0 where unknown.

    Mapped libraries do not count: workers share them, and the kernel takes them back when it must.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_bytes().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith((b"RssAnon:", b"RssShmem:")))
