"""What runs on a Ray cluster: an actor that keeps one render worker process, and answers for it."""

from __future__ import annotations

import json

from node.errors import RenderError
from node.render.pool.process import (
    Launch,
    WorkerAbsentError,
    WorkerDiedError,
    WorkerFullError,
    WorkerProcess,
    WorkerUnfitError,
)
from node.render.worker.wire import Kind, Request

Answer = tuple[int, bytes]
"""A reply's kind and body, as in `node.render.worker.wire`: plain types, for they cross machines."""


class Painter:
    """One worker process on whatever machine Ray chose. A cancelled call stops it in the middle of a picture."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._worker: WorkerProcess | None = None

    async def here(self) -> bool:
        """Answer, which shows that the cluster had a place for this actor."""
        return True

    async def start(self) -> Answer:
        """Start the worker; what it says of itself, or why it must or can not draw."""
        self._worker = await WorkerProcess.start(self._launch)
        try:
            return Kind.READY, (await self._worker.ready()).body()
        except WorkerUnfitError as error:
            return Kind.UNFIT, str(error).encode()
        except WorkerFullError:
            return Kind.FULL, b""
        except (WorkerDiedError, WorkerAbsentError):
            return Kind.ABSENT, b"dies, or hangs, at its start on the cluster"

    async def draw(self, line: bytes) -> list[Answer]:
        """The pictures of a request, then how it ended; ABSENT when the worker was lost."""
        answers: list[Answer] = []
        try:
            if self._worker is None:
                return [(Kind.ABSENT, b"")]
            await self._worker.ready()
            request = Request.parse(json.loads(line))
            await self._worker.ask(request, lambda png: answers.append((Kind.PICTURE, png)))
        except RenderError as error:
            return [*answers, (Kind.REFUSED, str(error).encode())]
        except WorkerFullError:
            return [*answers, (Kind.FULL, b"")]
        except WorkerUnfitError as error:
            return [*answers, (Kind.UNFIT, str(error).encode())]
        except (WorkerDiedError, WorkerAbsentError):
            return [*answers, (Kind.ABSENT, b"")]
        return [*answers, (Kind.DONE, b"")]
