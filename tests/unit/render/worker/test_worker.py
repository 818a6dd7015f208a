"""Real worker processes, with the model: the same pictures, cancellation, and an end with their node."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from node.render import Recipe
from node.render.png import encode
from node.render.pool import RenderPool, RenderSettings, local_pool

SIGNALS = (5 * 10**15, 10**16, 2 * 10**16)
Draw = Callable[[int, int], NDArray[np.uint8]]
SEEDS = [bytes([token]) * 32 for token in (1, 2, 3)]
# Starting a worker costs seconds (torch), so the tests that can share one, in any order, share it.
shared_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[RenderPool]:
    async with local_pool(RenderSettings(devices=["cpu"], batch=2, memory=4_096)) as made:
        yield made


@shared_loop
async def test_render__several_seeds_in_batches__pngs_equal_to_those_drawn_alone_here(
    pool: RenderPool, quick: Recipe, drawn: Draw
) -> None:
    images = await pool.render(quick, [*SEEDS[:2], SEEDS[0]], 5, SIGNALS)
    assert images == [encode(drawn(token, 5)) for token in (1, 2, 1)]


@shared_loop
async def test_render__cancelled_in_the_middle_of_a_picture__next_job_gets_its_own(
    pool: RenderPool, quick: Recipe, drawn: Draw
) -> None:
    first = asyncio.Event()
    job = asyncio.create_task(pool.render(quick, SEEDS * 40, 5, SIGNALS, lambda *_: first.set()))
    await asyncio.wait_for(first.wait(), 120)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await pool.render(quick, SEEDS[:1], 0, SIGNALS) == [encode(drawn(1, 0))]
    assert pool.status()["workers_died"] == 0


def alive(pids: list[int]) -> bool:
    states = subprocess.run(["ps", "-o", "stat=", "-p", ",".join(map(str, pids))], capture_output=True, text=True)
    return any(not state.startswith("Z") for state in states.stdout.split())


def test_worker__node_killed__ends_with_its_stdin() -> None:
    """A node that dies without a word leaves no worker behind."""
    program = (
        "import asyncio, os\n"
        "from node.render import Recipe\n"
        "from node.render.pool import RenderPool, RenderSettings, local_pool\n"
        "async def main():\n"
        "    recipe, say = Recipe.for_bands(2, 'x', steps=1), lambda *_: print('on', flush=True)\n"
        "    pool = local_pool(RenderSettings(devices=['cpu']))\n"
        "    await pool.render(recipe, [bytes(32)] * 1000, 0, (0, 0, 0), say)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert b"on\n" in iter(parent.stdout.readline, b"")  # after what the log says
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, text=True, check=True)
    workers = [int(pid) for pid in listed.stdout.split()]
    assert workers
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while alive(workers):
        assert time.monotonic() < deadline, "a worker outlived its node"
        time.sleep(0.05)
