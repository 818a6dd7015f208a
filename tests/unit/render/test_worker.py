"""The worker process with the real renderer: its bytes, its cancellation, and its end."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.errors import RenderError
from node.render import Recipe
from node.render.local import RenderSettings, local_pool
from node.render.png import encode
from node.render.pool import RenderPool
from node.render.wire import HEAD, MAX_BODY, Hello, Kind, Request, frame, is_png, parse_head
from node.render.worker import Renderer, Worker, is_full

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
        "from node.render.local import RenderSettings, local_pool\n"
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


def answer(fields: dict[str, Any]) -> tuple[Kind, bytes]:
    """How a worker of this process ends a request."""
    return Worker(Renderer(), io.BytesIO(), io.BytesIO())._answer(fields)


def test_answer__request_the_renderer_refuses__reason_not_traceback() -> None:
    kind, body = answer({"recipe": "{}", "seeds": ["00"], "band": 0, "signals": []})
    assert kind is Kind.REFUSED
    assert b"recipe" in body


def test_answer__failure_nobody_foresaw__reason_not_a_dead_worker(quick: Recipe) -> None:
    fields = json.loads(Request(quick, SEEDS[:1], 0, (0, 0, 0)).line(1))  # type: ignore[arg-type]
    kind, body = answer({**fields, "seeds": ["no hex"]})
    assert kind is Kind.REFUSED
    assert b"ValueError" in body


def test_is_full__what_torch_and_python_say__and_no_other_error() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_full(caught.value)
    assert is_full(MemoryError())
    assert not is_full(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_full(RenderError("out of memory"))


@given(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=40))
def test_frame__any_reply__comes_back(kind: Kind, number: int, body: bytes) -> None:
    sent = frame(kind, number, body)
    assert parse_head(sent[:HEAD]) == (kind, number, len(body))
    assert sent[HEAD:] == body


@pytest.mark.parametrize("head", [bytes([9]) + bytes(8), bytes(5) + (MAX_BODY + 1).to_bytes(4, "big")])
def test_parse_head__what_no_worker_says__refused(head: bytes) -> None:
    with pytest.raises(ValueError):
        parse_head(head)


@given(
    st.lists(st.binary(min_size=32, max_size=32), max_size=3),
    st.integers(0, 7),
    st.tuples(*[st.integers(-(2**255), 2**255)] * 3),
)
def test_request__any_line__comes_back(seeds: list[bytes], band: int, signals: tuple[int, int, int]) -> None:
    request = Request(Recipe.for_bands(8, "Täg\n"[:3]), tuple(seeds), band, signals)
    line = request.line(7)
    assert line.count(b"\n") == 1
    assert Request.parse(json.loads(line)) == request


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"engine": 1, "model": ""}', b'{"engine": "a", "model": "x"}'])
def test_hello__what_no_worker_says__refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        Hello.parse(body)


def test_is_png__pictures_and_others__told_apart() -> None:
    picture = encode(np.zeros((2, 3, 3), np.uint8))
    assert is_png(picture)
    for wrong in (b"", picture[:20], b"x" + picture, picture[:16] + bytes(8), picture[:16] + b"\xff" * 8):
        assert not is_png(wrong)
