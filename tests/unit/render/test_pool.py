"""The worker pool: order, progress, cancellation, dead workers, and a clean end."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from node.errors import RenderError
from node.render import Recipe
from node.render.png import encode
from node.render.pool import RenderPool
from node.render.worker import PICTURE, REFUSED, answer

SIGNALS = (5 * 10**15, 10**16, 2 * 10**16)
Draw = Callable[[int, int], NDArray[np.uint8]]
SEEDS = [bytes([token]) * 32 for token in (1, 2, 3)]


# Starting a worker costs seconds (torch), so the tests that can share one, in any order, share it.
shared_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[RenderPool]:
    async with RenderPool(1) as made:
        yield made


def worker_pids() -> set[int]:
    """Processes under this one that run the worker module."""
    listed = subprocess.run(["ps", "-o", "pid=,ppid=,args=", "-A"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return {int(pid) for pid, parent, args in rows if int(parent) == os.getpid() and "node.render.worker" in args}


@shared_loop
async def test_render__several_seeds__pngs_in_order_equal_to_direct_rendering(
    pool: RenderPool, quick: Recipe, drawn: Draw
) -> None:
    """An edition in one job gives each picture the bytes that it has alone, in this process: batch size is no input."""
    seen: list[tuple[int, bytes]] = []
    images = await pool.render(quick, SEEDS[:2], 5, SIGNALS, lambda index, png: seen.append((index, png)))
    assert images == [encode(drawn(1, 5)), encode(drawn(2, 5))]
    assert seen == list(enumerate(images))
    assert await pool.render(quick, [], 5, SIGNALS) == []


@shared_loop
async def test_render__cancelled__starts_no_further_picture_and_stays_usable(
    pool: RenderPool, quick: Recipe, drawn: Draw
) -> None:
    seen: list[int] = []
    first = asyncio.Event()

    def count(index: int, _: bytes) -> None:
        seen.append(index)
        first.set()

    job = asyncio.create_task(pool.render(quick, SEEDS * 20, 5, SIGNALS, count))
    await asyncio.wait_for(first.wait(), 120)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    done = len(seen)
    assert done < 60
    # The picture that the worker still had in hand is not taken for the next job's.
    assert await pool.render(quick, SEEDS[:1], 0, SIGNALS) == [encode(drawn(1, 0))]
    assert len(seen) == done


@shared_loop
async def test_render__worker_killed_busy_and_idle__replaced_and_the_picture_retried(
    pool: RenderPool, quick: Recipe, drawn: Draw
) -> None:
    before = worker_pids()
    await pool.render(quick, SEEDS[:1], 5, SIGNALS)
    (victim,) = worker_pids() - before or before
    seen: list[int] = []

    def strike(index: int, _: bytes) -> None:
        seen.append(index)
        if index == 0:
            os.kill(victim, signal.SIGKILL)

    images = await pool.render(quick, SEEDS, 5, SIGNALS, strike)
    assert images == [encode(drawn(token, 5)) for token in (1, 2, 3)]
    assert seen == [0, 1, 2]
    (replacement,) = worker_pids()
    assert replacement != victim
    os.kill(replacement, signal.SIGKILL)
    assert await pool.render(quick, SEEDS[:1], 5, SIGNALS) == images[:1]


@shared_loop
async def test_render__failing_callback__error_reaches_the_caller(pool: RenderPool, quick: Recipe) -> None:
    def broken(_: int, __: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await pool.render(quick, SEEDS, 5, SIGNALS, broken)


@shared_loop
@pytest.mark.parametrize("fault", ["model", "band", "signals", "seed"])
async def test_render__bad_request__refused_before_a_worker_starts(fault: str, quick: Recipe) -> None:
    before = worker_pids()
    recipe = dataclasses.replace(quick, model=bytes(32)) if fault == "model" else quick
    seeds = [*SEEDS, b"short"] if fault == "seed" else SEEDS
    async with RenderPool(1) as own:
        with pytest.raises(RenderError):
            await own.render(recipe, seeds, 8 if fault == "band" else 0, SIGNALS[: 2 if fault == "signals" else 3])
        assert worker_pids() == before


@shared_loop
async def test_render__worker_that_never_answers__given_up_after_its_attempts(quick: Recipe) -> None:
    before = worker_pids()
    async with RenderPool(1, patience=0.05) as hasty:
        with pytest.raises(RenderError, match="died 3 times"):
            await hasty.render(quick, SEEDS[:1], 5, SIGNALS)
        assert worker_pids() == before


@shared_loop
async def test_render__two_workers_closed_while_busy__order_kept_and_no_process_left(
    quick: Recipe, drawn: Draw
) -> None:
    before = worker_pids()
    pair = RenderPool(2)
    assert await pair.render(quick, SEEDS, 5, SIGNALS) == [encode(drawn(token, 5)) for token in (1, 2, 3)]
    assert len(worker_pids() - before) == 2
    first = asyncio.Event()
    job = asyncio.create_task(pair.render(quick, SEEDS * 50, 5, SIGNALS, lambda *_: first.set()))
    await asyncio.wait_for(first.wait(), 120)
    await pair.aclose()
    await pair.aclose()
    with pytest.raises(RenderError, match="closed"):
        await job
    assert worker_pids() == before
    with pytest.raises(RenderError, match="closed"):
        await pair.render(quick, SEEDS, 5, SIGNALS)


def test_pool__no_workers__refused() -> None:
    with pytest.raises(RenderError, match="at least 1"):
        RenderPool(0)


def alive(pids: list[int]) -> bool:
    states = subprocess.run(["ps", "-o", "stat=", "-p", ",".join(map(str, pids))], capture_output=True, text=True)
    return any(not state.startswith("Z") for state in states.stdout.split())


def test_worker__node_killed__ends_with_its_stdin() -> None:
    """A node that dies without a word leaves no worker behind."""
    program = (
        "import asyncio, os\n"
        "from node.render import Recipe\n"
        "from node.render.pool import RenderPool\n"
        "async def main():\n"
        "    recipe, say = Recipe.for_bands(2, 'x'), lambda *_: print('on', flush=True)\n"
        "    await RenderPool(1).render(recipe, [bytes(32)] * 100, 0, (0, 0, 0), say)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"on\n"
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


def test_answer__request_the_renderer_refuses__reason_not_traceback() -> None:
    status, body = answer(b'{"recipe": "{}", "seed": "00", "band": 0, "signals": []}')
    assert status == REFUSED != PICTURE
    assert b"recipe" in body


def test_answer__failure_nobody_foresaw__reason_not_a_dead_worker(quick: Recipe) -> None:
    request = {"recipe": quick.canonical.decode(), "seed": "no hex", "band": 0, "signals": ["0", "0", "0"]}
    status, body = answer(json.dumps(request).encode())
    assert status == REFUSED
    assert b"ValueError" in body
