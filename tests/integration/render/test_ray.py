"""The same jobs on a Ray cluster of two nodes, one of which is killed in the middle of one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from node.errors import RenderError
from node.render import Recipe
from node.render.pool import RenderPool, RenderSettings, local_pool
from node.render.ray import ray_pool
from tests.integration.render.cluster import SECRET, Cluster

MODULE = "tests.unit.render.planted"
SIGNALS = (5 * 10**15, -(10**30), 2 * 10**16)
SEEDS = [bytes([token]) * 32 for token in range(1, 25)]
RECIPE = Recipe.for_bands(8, "paced")


def environments() -> dict[str, bytes]:
    """The environment of every other process here that has to do with Ray."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if int(process.name) != os.getpid() and (b"ray" in command or MODULE.encode() in command):
                found[f"{process.name} {command[:60]!r}"] = (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended
    return found


async def both_up(pool: RenderPool, expected: list[bytes]) -> None:
    """Draw small jobs until each of the two workers has come up, however long a busy machine takes over it."""
    async with asyncio.timeout(400):
        while not all(worker["state"].startswith("ready") for worker in pool.status()["workers"]):
            try:
                assert await pool.render(RECIPE, SEEDS[:4], 5, SIGNALS) == expected[:4]
            except RenderError:  # neither was up in time: the places rest, and start again
                await asyncio.sleep(1)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_render__one_of_two_ray_nodes_killed_mid_job__every_picture_equal_to_the_local_pools(
    cluster: Cluster,
) -> None:
    settings = RenderSettings(devices=["cpu"], workers=2, batch=2, memory=512)
    async with local_pool(settings, module=MODULE) as local:
        expected = await local.render(RECIPE, SEEDS, 5, SIGNALS)
    seen: dict[int, bytes] = {}
    async with ray_pool("ray://auto", settings, module=MODULE) as pool:
        await both_up(pool, expected)
        assert not [name for name, environment in environments().items() if SECRET.encode() in environment]

        def strike(index: int, png: bytes) -> None:
            seen[index] = png
            if len(seen) == 4:
                cluster.kill(1)

        assert await pool.render(RECIPE, SEEDS, 5, SIGNALS, strike) == expected
        assert [seen[index] for index in range(len(SEEDS))] == expected
        assert pool.status()["workers_died"] >= 1
        assert pool.fault == ""
