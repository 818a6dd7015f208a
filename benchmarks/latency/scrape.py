"""What Prometheus costs a node: how long one reading of its metrics takes, and how many bytes it is."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from dataclasses import dataclass

from benchmarks.latency.network import Scene
from node.metrics.exposition import HELD_S

SCRAPES = 3


@dataclass(frozen=True)
class Scraped:
    """Wall seconds of each scrape, the way over HTTP included, and the bytes of the last."""

    seconds: list[float]
    size: int


async def scrape(scene: Scene, scrapes: int = SCRAPES) -> Scraped:
    """Ask one node again and again, each time late enough to be read anew."""
    url = scene.network.members[0].process.url + "/metrics"
    taken, size = [], 0
    for _ in range(scrapes):
        await asyncio.sleep(HELD_S * 1.1)
        began = time.perf_counter()
        size = len(await asyncio.to_thread(_fetch, url))
        taken.append(time.perf_counter() - began)
    return Scraped(taken, size)


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http, on this machine
        return bytes(answer.read())
