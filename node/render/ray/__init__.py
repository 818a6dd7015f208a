"""The same pool on a Ray cluster: a bridge process here and an actor there for every worker."""

from __future__ import annotations

from node.render.ray.pool import ray_pool

__all__ = ["ray_pool"]
