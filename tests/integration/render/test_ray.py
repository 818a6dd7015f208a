"""The same jobs on a Ray cluster of two nodes, one of which is killed in the middle of one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.render import Recipe
from node.render.pool import RenderSettings, local_pool
from node.render.ray import ray_pool
from tests.integration.render.cluster import Cluster

pytest.importorskip("ray", reason="the extra patina[ray] is not installed")
pytestmark = pytest.mark.cluster
MODULE = "tests.unit.render.planted"
SIGNALS = (5 * 10**15, -(10**30), 2 * 10**16)
SEEDS = [bytes([token]) * 32 for token in range(1, 25)]
RECIPE = Recipe.for_bands(8, "paced")
SECRET = "planted-password-91"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("PLANTED", str(tmp_path / "begun"))
    with Cluster(tmp_path / "begun") as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATINA_SIGNING_PASSWORD", SECRET)
        yield made


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


@pytest.mark.timeout(900)
async def test_render__one_of_two_ray_nodes_killed_mid_job__every_picture_equal_to_the_local_pools(
    cluster: Cluster,
) -> None:
    settings = RenderSettings(devices=["cpu"], workers=2, batch=2, memory=512)
    async with local_pool(settings, module=MODULE) as local:
        expected = await local.render(RECIPE, SEEDS, 5, SIGNALS)
    seen: dict[int, bytes] = {}
    async with ray_pool("ray://auto", settings, module=MODULE) as pool:

        def both() -> bool:
            return all(worker["state"].startswith("ready") for worker in pool.status()["workers"])

        # Both nodes draw before one is lost: small jobs until each of the two workers has come up.
        async with asyncio.timeout(600):
            while not both():
                assert await pool.render(RECIPE, SEEDS[:4], 5, SIGNALS) == expected[:4]
        assert not [name for name, environment in environments().items() if SECRET.encode() in environment]

        def strike(index: int, png: bytes) -> None:
            seen[index] = png
            if len(seen) == 4:
                cluster.kill(1)

        assert await pool.render(RECIPE, SEEDS, 5, SIGNALS, strike) == expected
        assert [seen[index] for index in range(len(SEEDS))] == expected
        assert pool.status()["workers_died"] >= 1
        assert pool.fault == ""
    # From a machine outside the cluster, on the node that is left.
    async with ray_pool(cluster.address, RenderSettings(workers=1, batch=2), module=MODULE) as outside:
        assert await outside.render(RECIPE, SEEDS[:3], 5, SIGNALS) == expected[:3]


async def test_render__ray_cluster_out_of_reach__job_fails_with_the_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    async with ray_pool("ray://auto", RenderSettings(workers=1, patience=15), module=MODULE) as pool:
        with pytest.raises(Exception, match=r"cannot be had: Ray at ray://auto|hangs"):
            await pool.render(RECIPE, SEEDS[:1], 5, SIGNALS)
        assert pool.fault == ""  # the cluster may come back
