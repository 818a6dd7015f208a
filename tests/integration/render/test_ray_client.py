"""A Ray cluster asked from outside it, and one that is out of reach."""

from __future__ import annotations

import pytest

from node.render import Recipe
from node.render.pool import RenderSettings, local_pool
from node.render.ray import ray_pool
from tests.integration.render.cluster import Cluster

pytest.importorskip("ray", reason="the extra patina[ray] is not installed")
pytestmark = pytest.mark.cluster
MODULE = "tests.unit.render.planted"
SIGNALS = (5 * 10**15, -(10**30), 2 * 10**16)
SEEDS = [bytes([token]) * 32 for token in range(1, 4)]
RECIPE = Recipe.for_bands(8, "plain")


@pytest.mark.timeout(600)
async def test_render__from_a_machine_outside_the_cluster__every_picture_equal_to_the_local_pools(
    cluster: Cluster,
) -> None:
    async with local_pool(RenderSettings(devices=["cpu"]), module=MODULE) as local:
        expected = await local.render(RECIPE, SEEDS, 5, SIGNALS)
    async with ray_pool(cluster.address, RenderSettings(workers=1, batch=2), module=MODULE) as outside:
        assert await outside.render(RECIPE, SEEDS, 5, SIGNALS) == expected


async def test_render__ray_cluster_out_of_reach__job_fails_with_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    async with ray_pool("ray://auto", RenderSettings(workers=1, patience=15), module=MODULE) as pool:
        with pytest.raises(Exception, match=r"cannot be had: Ray at ray://auto|hangs"):
            await pool.render(RECIPE, SEEDS[:1], 5, SIGNALS)
        assert pool.fault == ""  # the cluster may come back
