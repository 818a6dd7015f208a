"""Fixtures of the chain tests: an embedded chain, alone or with an oracle."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.chain.world import Oracle, World, open_oracle, serve


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with serve() as served:
        yield served


@pytest.fixture
async def slow_world() -> AsyncIterator[World]:
    """Transactions wait until the test mines."""
    async with serve(automine=False) as served:
        yield served


@pytest.fixture
def oracle(world: World) -> Oracle:
    return open_oracle(world)
