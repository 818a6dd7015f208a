"""The render worker process: draws what it is asked on stdin, and can be told to stop in the middle of a picture.

What goes in and out is in `node.render.wire`. A thread reads stdin, so that a cancellation, or the end of the node,
is heard while the main thread draws: the worker never outlives the node that started it.
"""

from __future__ import annotations

import _thread
import argparse
import json
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from node.errors import KernelError, PatinaError, RenderError
from node.render.wire import Hello, Kind, Request, frame

if TYPE_CHECKING:
    from node.render.tolerance.recipe import PipelineRecipe

_MODEL: Final = Path(__file__).parent / "model"
_STOP: Final = signal.SIGUSR1
# What torch says when an allocation fails; it has no error class of its own for that on the CPU.
_FULL: Final = ("can't allocate memory", "not enough memory", "out of memory")


class _CancelledError(BaseException):
    """Raised in the middle of a picture that nobody wants any more; no library's `except Exception` keeps it."""


class AbsentError(Exception):
    """There is nothing to draw with now, and later there may be; the text says why."""


class Draws(Protocol):
    """What a worker process draws with."""

    def prepare(self) -> Hello:
        """Load and probe. Raises RenderError when nothing must be drawn with it, AbsentError when it is not there."""

    def draw(self, request: Request) -> Iterator[bytes]:
        """The PNGs of a request, in the order of its seeds. Raises RenderError."""

    def loaded(self, request: Request) -> bool:
        """Whether drawing it loads nothing more: only then may a cancellation break in."""


class Renderer:
    """How a worker draws. `engine` and `pipelines` are the configuration's render.engine and render.pipelines."""

    def __init__(self, engine: str = "auto", pipelines: Path | None = None) -> None:
        self.engine = engine
        self.pipelines = pipelines
        self._models: set[bytes] = set()

    def prepare(self) -> Hello:
        """Load and probe the engine. Raises RenderError when this machine must not render with it."""
        from node.render import model_digest
        from node.render.exact import probe

        found = probe.engine(_MODEL, self.engine)
        self._models.add(model_digest())
        return Hello(found.name, model_digest())

    def draw(self, request: Request) -> Iterator[bytes]:
        """The PNGs of a request, in the order of its seeds. Raises RenderError."""
        from node.render import render_batch
        from node.render.png import encode
        from node.render.recipe import Recipe

        recipe = request.recipe
        if not isinstance(recipe, Recipe):
            yield from self._pipeline(recipe, request)
            return
        pictures = render_batch(recipe, request.seeds, request.band, request.signals, engine=self.engine)
        self._models.add(recipe.model)
        for picture in pictures:
            yield encode(picture)

    def _pipeline(self, recipe: PipelineRecipe, request: Request) -> Iterator[bytes]:
        from node.render.png import encode
        from node.render.tolerance.painter import render as draw

        if self.pipelines is None:
            raise RenderError(f"recipe {recipe.name!r} names a pipeline, and render.pipelines names no folder of them")
        device = {"cuda": "cuda", "torch": "cpu"}.get(self.engine, "auto")
        for seed in request.seeds:
            yield encode(draw(recipe, seed, request.band, request.signals, pipelines=self.pipelines, device=device))
            self._models.add(recipe.model)

    def loaded(self, request: Request) -> bool:
        """Whether a picture of that model was drawn before, or its engine probed."""
        return request.recipe.model in self._models


class Worker:
    """One process's loop: requests in, replies out, until stdin ends."""

    def __init__(self, renderer: Draws, requests: BinaryIO, replies: BinaryIO) -> None:
        self._renderer = renderer
        self._requests = requests
        self._replies = replies
        self._queue: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._current = self._cancelled = 0
        self._drawing = False

    def run(self) -> None:
        """Say what this worker is, then answer until it is to end."""
        signal.signal(_STOP, self._interrupt)
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            hello = self._renderer.prepare()
        except AbsentError as error:
            self._say(Kind.ABSENT, str(error).encode())
            return
        except Exception as error:
            self._say(*((Kind.FULL, b"") if is_full(error) else (Kind.UNFIT, reason(error))))
            return
        self._say(Kind.READY, hello.body())
        while True:
            fields = self._queue.get()
            self._current = fields["request"]
            kind, body = self._answer(fields)
            self._say(kind, body)
            self._current = 0
            if kind in (Kind.FULL, Kind.UNFIT):
                return

    def _answer(self, fields: dict[str, Any]) -> tuple[Kind, bytes]:
        try:
            request = Request.parse(fields)
            pictures = self._renderer.draw(request)
            while (picture := self._next(pictures, self._renderer.loaded(request))) is not None:
                self._say(Kind.PICTURE, picture)
        except _CancelledError:
            return Kind.DONE, b""
        except KernelError as error:
            return Kind.UNFIT, reason(error)
        except Exception as error:  # the node must hear why; a worker that cannot even say so has died and is replaced
            return (Kind.FULL, b"") if is_full(error) else (Kind.REFUSED, reason(error))
        return Kind.DONE, b""

    def _next(self, pictures: Iterator[bytes], loaded: bool) -> bytes | None:
        """The next picture, drawn where a cancellation may break in; never while a library is still loading."""
        self._drawing = loaded
        if self._cancelled == self._current:
            self._drawing = False
            raise _CancelledError
        picture = next(pictures, None)
        self._drawing = False
        return picture

    def _interrupt(self, *_: object) -> None:
        # Runs in the main thread, between two of its steps.
        if self._drawing and self._cancelled == self._current:
            self._drawing = False
            raise _CancelledError

    def _listen(self) -> None:
        for line in self._requests:
            fields = json.loads(line)
            if "cancel" in fields:
                self._cancelled = fields["cancel"]
                _thread.interrupt_main(_STOP)
            else:
                self._queue.put(fields)
        # The node is gone or wants no more; what is being drawn has nobody to go to.
        os._exit(0)

    def _say(self, kind: Kind, body: bytes) -> None:
        self._drawing = False
        self._replies.write(frame(kind, self._current, body))
        self._replies.flush()


def is_full(error: BaseException) -> bool:
    """Whether an allocation failed."""
    told = isinstance(error, RuntimeError) and any(words in str(error) for words in _FULL)
    return told or isinstance(error, MemoryError)


def reason(error: BaseException) -> bytes:
    """An error in words; those that Patina raises on purpose speak for themselves."""
    known = isinstance(error, PatinaError)
    return (str(error) if known else f"render worker: {type(error).__name__}: {error}").encode()[:4_096]


def cap_memory(mebibytes: int) -> None:
    """Let allocations fail beyond so much private memory; 0 leaves it as it is.

    RLIMIT_DATA counts what the process may write (setrlimit(2)), a tenth above what it really uses with torch on a CPU;
    RLIMIT_AS would also count every mapped library, about twice that.
    """
    if mebibytes:
        resource.setrlimit(resource.RLIMIT_DATA, (mebibytes * 2**20,) * 2)


def options() -> argparse.ArgumentParser:
    """What a pool tells its workers at their start."""
    parser = argparse.ArgumentParser(prog="node.render.worker")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--memory", type=int, default=0, help="MiB of private memory, 0 for no limit")
    parser.add_argument("--pipelines", type=Path)
    return parser


def serve(renderer: Draws) -> None:
    """Answer on a private copy of stdout, so that a library's print cannot break the framing."""
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        Worker(renderer, sys.stdin.buffer, replies).run()
        replies.flush()
        # Not by way of the interpreter's end: the thread that reads stdin would hold it up.
        os._exit(0)


def main(renderer: type[Renderer] = Renderer) -> None:
    """Serve as the options say."""
    chosen = options().parse_args()
    os.nice(chosen.nice)
    cap_memory(chosen.memory)
    serve(renderer(chosen.engine, chosen.pipelines))


if __name__ == "__main__":
    main()
