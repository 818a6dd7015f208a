"""A render worker that draws elsewhere: this process stands between the node and one actor of a Ray cluster.

It speaks with the node as any worker does. So what a cluster sends is unpickled here, in a process that holds no key
and none of the node's secrets, and only framed pictures go on to the node.
"""

from __future__ import annotations

import importlib.util
import os
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from node.errors import KernelError, RenderError
from node.render.pool.process import Launch
from node.render.ray.actor import Painter
from node.render.worker.program import options, serve
from node.render.worker.renderer import AbsentError
from node.render.worker.wire import Hello, Kind, Request

_PLACED: Final = 60.0
"""Seconds that the cluster has to find a place for an actor."""


class RayRenderer:
    """Draws by one actor. Raises AbsentError where the cluster cannot be reached or has no place."""

    def __init__(self, address: str, launch: Launch, gpus: int) -> None:
        self._address = address
        self._launch = launch
        self._gpus = gpus
        self._actor: Any = None
        self._calls = ThreadPoolExecutor(2)

    def prepare(self) -> Hello:
        """Connect, and have the actor start its worker. What the worker says of itself is passed on."""
        if importlib.util.find_spec("ray") is None:
            raise RenderError("Ray is not installed here: install this package's extra ray")
        import ray

        try:
            address = "auto" if self._address == "ray://auto" else self._address
            ray.init(address, log_to_driver=False, namespace="patina")
            remote = ray.remote(num_cpus=1, num_gpus=self._gpus, max_restarts=0, scheduling_strategy="SPREAD")(Painter)
            self._actor = remote.remote(self._launch)
        except Exception as error:
            raise AbsentError(f"cannot be had: Ray at {self._address}: {_brief(error)}") from error
        self._wait(self._actor.here.remote(), _PLACED)
        kind, body = self._wait(self._actor.start.remote(), None)
        if kind == Kind.UNFIT:
            raise RenderError(body.decode(errors="replace"))
        if kind == Kind.FULL:
            raise MemoryError
        if kind != Kind.READY:
            raise AbsentError(body.decode(errors="replace"))
        return Hello.parse(body)

    def draw(self, request: Request) -> Iterator[bytes]:
        """The pictures of a request; this process ends when its actor is lost."""
        import ray

        asked = self._actor.draw.remote(request.line(0))
        try:
            answers = self._wait(asked, None)
        except AbsentError:
            os._exit(1)
        except BaseException:
            ray.cancel(asked)
            raise
        for kind, body in answers:
            if kind == Kind.PICTURE:
                yield body
            elif kind == Kind.REFUSED:
                raise RenderError(body.decode(errors="replace"))
            elif kind == Kind.UNFIT:
                raise KernelError(body.decode(errors="replace"))
            elif kind == Kind.FULL:
                raise MemoryError
            elif kind != Kind.DONE:
                os._exit(1)

    def loaded(self, _: Request) -> bool:
        """Always: what is to be loaded is loaded by the actor's worker."""
        return True

    def _wait(self, asked: Any, seconds: float | None) -> Any:
        """The result of a call. Ray waits in a thread of its own, so that a cancellation never breaks into its code."""
        import ray

        try:
            return self._calls.submit(ray.get, asked, timeout=seconds).result()
        except ray.exceptions.GetTimeoutError:
            raise AbsentError("finds no place: every CPU, or GPU, of the Ray cluster is taken") from None
        except Exception as error:
            raise AbsentError(f"was lost: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    """The first line of an error, with its class: Ray's texts run over pages."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]


def _renderer(chosen: Namespace) -> RayRenderer:
    # The machine that draws is not this one: what Ray lets the actor see of its GPUs holds for its worker too.
    arguments = ["--engine", chosen.engine, "--nice", str(chosen.nice)]
    if chosen.pipelines is not None:
        arguments += ["--pipelines", str(chosen.pipelines)]
    if not chosen.gpus:
        arguments += ["--memory", str(chosen.memory)]
    launch = Launch("ray", chosen.module, tuple(arguments), memory=chosen.memory, patience=chosen.patience)
    return RayRenderer(chosen.address, launch, chosen.gpus)


def main() -> None:
    """Serve one node's place on the cluster. The memory cap and the niceness are the distant worker's."""
    parser = options()
    parser.add_argument("--address", required=True)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--patience", type=float, default=180.0)
    parser.add_argument("--module", default="node.render.worker")
    serve(_renderer(parser.parse_args()))


if __name__ == "__main__":
    main()
