"""A render worker's loop: draws what it is asked on stdin, and can be told to stop in the middle of a picture.

What goes in and out is in `node.render.worker.wire`. A thread reads stdin, so that a cancellation, or the end of the
node, is heard while the main thread draws: the worker never outlives the node that started it.
"""

from __future__ import annotations

import _thread
import json
import os
import queue
import signal
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from node.errors import KernelError, PatinaError
from node.render.worker.memory import is_full
from node.render.worker.renderer import AbsentError, Draws
from node.render.worker.wire import Kind, Request, frame

_STOP: Final = signal.SIGUSR1


class _CancelledError(BaseException):
    """Raised in the middle of a picture that nobody wants any more; no library's `except Exception` keeps it."""


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


def reason(error: BaseException) -> bytes:
    """An error in words; those that Patina raises on purpose speak for themselves."""
    known = isinstance(error, PatinaError)
    return (str(error) if known else f"render worker: {type(error).__name__}: {error}").encode()[:4_096]
