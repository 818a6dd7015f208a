"""The pool of this machine: a worker process for every device that its settings name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from node.render import model_digest
from node.render.pool.devices import CPU, places, visibility
from node.render.pool.place import Place
from node.render.pool.pool import RenderPool
from node.render.pool.process import Launch

_WORKER: Final = "node.render.worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """How a node renders: `render.*` of its configuration. `memory` is in MiB, 0 for no cap; `patience` in seconds."""

    engine: str = "auto"
    devices: Literal["auto"] | Sequence[str] = "auto"
    workers: int = 1
    batch: int = 1
    memory: int = 0
    nice: int = 5
    patience: float = 180.0
    pipelines: Path | None = None


def local_pool(
    settings: RenderSettings, *, module: str = _WORKER, wanted: Callable[[], bytes] = model_digest
) -> RenderPool:
    """A pool of worker processes on this machine's devices.

    Where the devices are found and not named, a GPU that is unfit, or that torch cannot use, is replaced by the CPU.
    """
    found = [_place(device, settings, module) for device in places(settings.devices, settings.workers, settings.engine)]
    return RenderPool(found, batch=settings.batch, wanted=wanted)


def _place(device: str, settings: RenderSettings, module: str) -> Place:
    may_change = device != CPU and settings.devices == "auto" and settings.engine == "auto"
    spare = launch(CPU, settings, module) if may_change else None
    return Place(launch(device, settings, module), spare)


def launch(device: str, settings: RenderSettings, module: str = _WORKER) -> Launch:
    """How the worker of a device is started."""
    engine = "cuda" if device != CPU and settings.engine == "auto" else settings.engine
    arguments = ["--engine", engine, "--nice", str(settings.nice)]
    if settings.pipelines is not None:
        arguments += ["--pipelines", str(settings.pipelines)]
    if device == CPU:
        # A CUDA process reserves far more than it uses, so that only what it holds is looked at there.
        arguments += ["--memory", str(settings.memory)]
    return Launch(
        name=device,
        module=module,
        arguments=tuple(arguments),
        environment=visibility(device),
        memory=settings.memory,
        patience=settings.patience,
    )
