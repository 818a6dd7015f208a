"""Worker processes that draw editions side by side: on this machine (`local_pool`), or wherever a `Place` is."""

from __future__ import annotations

from node.render.pool.local import RenderSettings, local_pool
from node.render.pool.pool import RenderPool

__all__ = ["RenderPool", "RenderSettings", "local_pool"]
