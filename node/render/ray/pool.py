"""The pool of a Ray cluster: as the local one, with a bridge process where a worker process would be."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Final

from node.errors import ConfigError
from node.render import model_digest
from node.render.pool.local import RenderSettings
from node.render.pool.place import Place
from node.render.pool.pool import RenderPool
from node.render.pool.process import Launch

_BRIDGE: Final = "node.render.ray.worker"
_WORKER: Final = "node.render.worker"
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "0",  # or the place of a worker that was ended would stay taken
}
"""Nothing is told to Ray's makers, and nothing outlives its connection."""


def ray_pool(
    address: str, settings: RenderSettings, *, module: str = _WORKER, wanted: Callable[[], bytes] = model_digest
) -> RenderPool:
    """A pool of `settings.workers` workers on the cluster at "ray://host:port" or "ray://auto".

    Whoever reaches a Ray cluster can run programs on it: keep it on a network of its own, or have it ask for a token
    (RAY_AUTH_MODE, which this node's bridges take over from its environment). What it sends is held to this: a
    worker's model digest must be this node's before it is asked for anything, and a picture must be a PNG of bounded
    size. Raises ConfigError where Ray is not
    installed; that the cluster cannot be reached is told by the first job.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("render.pool names a Ray cluster, and Ray is not installed: install this package's extra ray")
    gpus = 1 if settings.engine == "cuda" else 0
    arguments = ["--address", address, "--module", module, "--patience", str(settings.patience)]
    arguments += ["--engine", settings.engine, "--nice", str(settings.nice), "--memory", str(settings.memory)]
    arguments += ["--gpus", str(gpus)]
    if settings.pipelines is not None:
        arguments += ["--pipelines", str(settings.pipelines)]
    launches = [
        Launch(f"ray:{number}", _BRIDGE, tuple(arguments), _ENVIRONMENT, settings.memory, settings.patience)
        for number in range(settings.workers)
    ]
    return RenderPool([Place(launch) for launch in launches], batch=settings.batch, wanted=wanted)
