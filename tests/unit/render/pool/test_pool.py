"""The pool with worker processes that draw at once: order, batches, cancellation, lost workers, a clean end."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.errors import RenderError
from node.render import Recipe
from node.render.pool import RenderPool, RenderSettings, local_pool
from node.render.pool.place import Place
from node.render.pool.process import Launch
from tests.unit.render.planted import MARKED, begun, notes, picture

MODULE = "tests.unit.render.planted"
SIGNALS = (5 * 10**15, -(10**30), 2 * 10**16)
SEEDS = [bytes([token]) * 32 for token in range(1, 9)]


@pytest.fixture(autouse=True)
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where planted workers note what they begin."""
    monkeypatch.setenv("PLANTED", str(tmp_path / "begun"))


def planted(**changes: Any) -> RenderPool:
    return local_pool(RenderSettings(**{"devices": ["cpu"], "nice": 0, **changes}), module=MODULE)


def plain(name: str = "plain") -> Recipe:
    return Recipe.for_bands(8, name)


def expected(recipe: Recipe, seeds: list[bytes], band: int = 5) -> list[bytes]:
    return [picture(recipe, seed, band, SIGNALS) for seed in seeds]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def worker_pids() -> set[int]:
    """Processes under this one that run a worker module."""
    listed = subprocess.run(["ps", "-o", "pid=,ppid=,args=", "-A"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return {int(pid) for pid, parent, args in rows if int(parent) == os.getpid() and MODULE in args}


@pytest.mark.parametrize(("workers", "batch"), [(1, 1), (1, 3), (2, 4), (3, 100)])
async def test_render__any_workers_and_batch__pngs_in_order_each_told_once(workers: int, batch: int) -> None:
    seen: dict[int, bytes] = {}
    async with planted(workers=workers, batch=batch) as pool:
        images = await pool.render(plain(), SEEDS, 5, SIGNALS, lambda index, png: seen.update({index: png}))
        assert images == expected(plain(), SEEDS)
        assert [seen[index] for index in range(8)] == images
        assert await pool.render(plain(), [], 5, SIGNALS) == []
        assert 1 <= len(worker_pids()) <= workers
        assert sorted(begun()) == [seed.hex() for seed in SEEDS]


async def test_render__several_workers__share_a_job_once_they_are_up() -> None:
    async with planted(workers=2) as pool:
        async with asyncio.timeout(60):
            while len({place["process"] for place in pool.status()["workers"] if "ready" in place["state"]}) < 2:
                await pool.render(plain("paced"), SEEDS, 5, SIGNALS)
        before = len(begun())
        assert await pool.render(plain("paced"), SEEDS, 5, SIGNALS) == expected(plain("paced"), SEEDS)
        assert len({line.split()[1] for line in notes()[before:]}) == 2


async def test_render__worker_lost_where_none_starts_any_more__the_warm_one_draws_its_batch_without_waiting() -> None:
    """A node of a cluster is lost: its pictures must not wait until it is clear that it does not come back."""
    async with RenderPool([place("auto"), place("numpy")], batch=2) as pool:
        async with asyncio.timeout(60):
            while not all("ready" in each["state"] for each in pool.status()["workers"]):
                await pool.render(plain("paced"), SEEDS, 5, SIGNALS)
        lost = pool._places[1]
        victim = lost.status()["process"]
        lost.launch = Launch("late", MODULE, ("--engine", "late"), patience=1_000)  # never starts
        struck = False

        def strike(*_: object) -> None:
            nonlocal struck
            if not struck and notes()[-1].endswith(f" {victim}"):
                struck = True
                os.kill(victim, signal.SIGKILL)

        async with asyncio.timeout(60):
            while not struck:
                assert await pool.render(plain("paced"), SEEDS, 5, SIGNALS, strike) == expected(plain("paced"), SEEDS)
        for _ in range(2):  # and the place without a worker is the last that is asked
            assert await pool.render(plain(), SEEDS[:1], 5, SIGNALS) == expected(plain(), SEEDS[:1])


async def test_render__jobs_at_once__take_turns_batch_by_batch() -> None:
    order: list[str] = []
    async with planted(batch=2) as pool:
        await asyncio.gather(
            pool.render(plain(), SEEDS, 5, SIGNALS, lambda *_: order.append("a")),
            pool.render(plain("other"), SEEDS, 0, SIGNALS, lambda *_: order.append("b")),
        )
    assert order == list("aabb" * 4)


async def test_render__cancelled__work_stops_in_the_middle_of_a_picture_and_the_next_job_starts_at_once() -> None:
    """A view is lost: nothing more of it is drawn, by the same worker, which is not restarted."""
    async with planted(batch=4) as pool:
        await pool.render(plain(), SEEDS[:1], 5, SIGNALS)
        (worker,) = worker_pids()
        job = asyncio.create_task(pool.render(plain("slow"), SEEDS, 5, SIGNALS))
        await until(lambda: len(begun()) == 2)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        # A picture of "slow" never ends by itself: that this one is drawn shows that the worker let go of it.
        assert await pool.render(plain(), SEEDS[:2], 0, SIGNALS) == expected(plain(), SEEDS[:2], 0)
        assert worker_pids() == {worker}
        assert begun() == [SEEDS[0].hex(), SEEDS[0].hex(), SEEDS[0].hex(), SEEDS[1].hex()]
        assert pool.status()["jobs"] == []
        assert (pool.status()["jobs_ended_early"], pool.status()["drawn"], pool.status()["workers_died"]) == (1, 3, 0)


async def test_render__cancelled_worker_that_will_not_stop__replaced_and_the_next_job_drawn() -> None:
    async with planted() as pool:
        await pool.render(plain(), SEEDS[:1], 5, SIGNALS)
        (worker,) = worker_pids()
        job = asyncio.create_task(pool.render(plain("deaf"), SEEDS, 5, SIGNALS))
        await until(lambda: len(begun()) == 2)
        job.cancel()
        assert await pool.render(plain(), SEEDS[:1], 0, SIGNALS) == expected(plain(), SEEDS[:1], 0)
        assert worker not in worker_pids()


async def test_render__cancelled_while_the_worker_starts__worker_is_kept_for_the_next(tmp_path: Path) -> None:
    async with planted(engine="late") as pool:
        job = asyncio.create_task(pool.render(plain(), SEEDS, 5, SIGNALS))
        await until(lambda: pool.status()["workers"][0]["process"])  # a start that is itself cut short is undone
        (worker,) = worker_pids()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        (tmp_path / "begun.go").touch()
        await pool.render(plain(), SEEDS[:1], 5, SIGNALS)
        assert worker_pids() == {worker}
        assert len(begun()) == 1


async def test_render__worker_killed_busy_and_idle__replaced_and_nothing_drawn_twice_but_the_picture_in_hand() -> None:
    async with planted(batch=4) as pool:
        await pool.render(plain(), SEEDS[:1], 5, SIGNALS)
        (victim,) = worker_pids()
        seen: list[int] = []

        def strike(index: int, _: bytes) -> None:
            seen.append(index)
            if index == 1:
                os.kill(victim, signal.SIGKILL)

        assert await pool.render(plain(), SEEDS, 5, SIGNALS, strike) == expected(plain(), SEEDS)
        assert sorted(seen) == list(range(8))
        (replacement,) = worker_pids()
        assert replacement != victim
        os.kill(replacement, signal.SIGKILL)
        assert await pool.render(plain(), SEEDS[:1], 5, SIGNALS) == expected(plain(), SEEDS[:1])


async def test_render__poisoned_picture__found_out_and_given_up_after_three_workers() -> None:
    async with planted(batch=4) as pool:
        with pytest.raises(RenderError, match="died 3 times over one picture"):
            await pool.render(plain("poison"), [*SEEDS[:2], MARKED, SEEDS[3]], 5, SIGNALS)
        assert begun().count(MARKED.hex()) <= 5
        assert pool.status()["workers_died"] == begun().count(MARKED.hex())
        assert await pool.render(plain(), SEEDS, 5, SIGNALS) == expected(plain(), SEEDS)
        assert pool.fault == ""


@pytest.mark.parametrize(("fault", "said"), [("refused", "nobody can draw this"), ("unforeseen", "ZeroDivisionError")])
async def test_render__refused_by_the_renderer__fails_at_once_with_its_reason(fault: str, said: str) -> None:
    async with planted(batch=2) as pool:
        with pytest.raises(RenderError, match=said):
            await pool.render(plain(fault), [*SEEDS[:2], MARKED, *SEEDS], 5, SIGNALS)
        assert begun().count(MARKED.hex()) == 1
        assert await pool.render(plain(), SEEDS[:2], 5, SIGNALS) == expected(plain(), SEEDS[:2])


async def test_render__failing_callback__error_reaches_the_caller_and_the_worker_stops() -> None:
    def broken(_: int, __: bytes) -> None:
        raise ZeroDivisionError

    async with planted(batch=8) as pool:
        with pytest.raises(ZeroDivisionError):
            await pool.render(plain(), SEEDS, 5, SIGNALS, broken)
        assert await pool.render(plain(), SEEDS[:1], 5, SIGNALS) == expected(plain(), SEEDS[:1])
        assert pool.status()["workers_died"] == 0


@pytest.mark.parametrize("fault", ["greedy", "greedy and shared"])
async def test_render__picture_beyond_the_memory_cap__worker_ended_and_the_job_told_what_to_raise(fault: str) -> None:
    """Once the allocation itself fails; once it is shared memory, which only the pool's watch sees."""
    async with planted(memory=256) as pool:
        with pytest.raises(RenderError, match=r"beyond 256 MiB: raise render\.memory_mb"):
            await pool.render(plain(fault), [*SEEDS[:2], MARKED], 5, SIGNALS)
        assert pool.status()["workers_full"] == 3
        assert await pool.render(plain(), SEEDS, 5, SIGNALS) == expected(plain(), SEEDS)


async def test_render__batch_beyond_the_memory_cap__drawn_in_smaller_ones() -> None:
    async with planted(memory=256, batch=4) as pool:
        assert await pool.render(plain("greedy batch"), SEEDS[:4], 5, SIGNALS) == expected(
            plain("greedy batch"), SEEDS[:4]
        )
        assert pool.status()["workers_full"] == 3


async def test_render__machine_fails_the_probe__draws_nothing_and_names_the_kernel() -> None:
    async with planted(engine="unfit", workers=2) as pool:
        assert pool.fault == ""
        with pytest.raises(RenderError, match="cpu is unfit: kernel int8 gives 32767"):
            await pool.render(plain(), SEEDS, 5, SIGNALS)
        assert "kernel int8 gives 32767" in pool.fault
        assert worker_pids() == set()
        with pytest.raises(RenderError, match="kernel int8"):
            await pool.render(plain(), SEEDS, 5, SIGNALS)
        assert begun() == []
        assert all("kernel int8" in worker["state"] for worker in pool.status()["workers"])


async def test_render__worker_with_another_model__draws_nothing() -> None:
    async with planted(engine="other") as pool:
        with pytest.raises(RenderError, match="draws with model 0000"):
            await pool.render(plain(), SEEDS, 5, SIGNALS)
        assert begun() == []


def place(engine: str, spare: str = "") -> Place:
    made = [Launch(engine, MODULE, ("--engine", engine), patience=60) for engine in (engine, spare) if engine]
    return Place(*made)


async def test_render__one_place_unfit_and_one_that_does_not_start__the_third_draws_all() -> None:
    async with RenderPool([place("unfit"), place("dies"), place("numpy")], batch=1) as pool:
        assert await pool.render(plain(), SEEDS, 5, SIGNALS) == expected(plain(), SEEDS)
        assert pool.fault == ""


async def test_render__kernel_found_inexact_while_drawing__its_place_draws_no_more_and_another_does_the_rest() -> None:
    seeds = [*SEEDS[:2], MARKED, *SEEDS[3:]]
    async with RenderPool([place("int8"), place("numpy")], batch=2) as pool:
        assert await pool.render(plain("inexact"), seeds, 5, SIGNALS) == expected(plain("inexact"), seeds)
        assert await pool.render(plain("inexact"), [MARKED], 5, SIGNALS) == expected(plain("inexact"), [MARKED])
        assert pool.status()["workers_died"] == 0
    async with RenderPool([place("int8")], batch=2) as alone:
        with pytest.raises(RenderError, match="kernel int8 gives 32767"):
            await alone.render(plain("inexact"), seeds, 5, SIGNALS)
        assert "kernel int8 gives 32767" in alone.fault
        with pytest.raises(RenderError, match="kernel int8 gives 32767"):
            await alone.render(plain(), SEEDS, 5, SIGNALS)


async def test_render__gpu_unfit_where_devices_are_found__its_place_goes_to_the_cpu() -> None:
    async with RenderPool([place("unfit", spare="numpy")]) as pool:
        assert await pool.render(plain(), SEEDS, 5, SIGNALS) == expected(plain(), SEEDS)
        assert pool.status()["workers"][0]["place"] == "numpy"


@pytest.mark.parametrize("engine", ["dies", "eats"])
async def test_render__no_worker_starts__job_fails_with_the_reason_and_later_ones_try_again(engine: str) -> None:
    said = "at its start" if engine == "dies" else "to start"
    tired = Place(Launch("cpu", MODULE, ("--engine", engine, "--memory", "256"), memory=256))
    async with RenderPool([tired], rest=0.3) as pool:
        with pytest.raises(RenderError, match=said):
            await pool.render(plain(), SEEDS, 5, SIGNALS)
        with pytest.raises(RenderError, match=said):  # at once, while it rests
            await pool.render(plain(), SEEDS, 5, SIGNALS)
        assert pool.fault == ""
        tired.launch = Launch("cpu", MODULE)
        await until(lambda: tired.standing.value == "usable")
        assert await pool.render(plain(), SEEDS, 5, SIGNALS) == expected(plain(), SEEDS)


@pytest.mark.parametrize("fault", ["model", "band", "signals", "seed"])
async def test_render__bad_request__refused_before_a_worker_starts(fault: str) -> None:
    recipe = dataclasses.replace(plain(), model=bytes(32)) if fault == "model" else plain()
    seeds = [*SEEDS, b"short"] if fault == "seed" else SEEDS
    async with planted() as pool:
        with pytest.raises(RenderError):
            await pool.render(recipe, seeds, 8 if fault == "band" else 0, SIGNALS[: 2 if fault == "signals" else 3])
        assert worker_pids() == set()


async def test_render__worker_that_never_answers__given_up() -> None:
    async with planted(patience=0.001) as hasty:
        with pytest.raises(RenderError, match="hangs"):
            await hasty.render(plain("slow"), SEEDS[:1], 5, SIGNALS)
        assert worker_pids() == set()


async def test_aclose__while_busy__jobs_fail_and_no_process_is_left() -> None:
    pair = planted(workers=2)
    job = asyncio.create_task(pair.render(plain("slow"), SEEDS, 5, SIGNALS))
    waiting = asyncio.create_task(pair.render(plain(), SEEDS, 5, SIGNALS))
    await until(lambda: len(begun()) == 2)
    await pair.aclose()
    await pair.aclose()
    for task in (job, waiting):
        with pytest.raises(RenderError, match="closed"):
            await task
    assert worker_pids() == set()
    with pytest.raises(RenderError, match="closed"):
        await pair.render(plain(), SEEDS, 5, SIGNALS)


async def test_status__at_work__images_done_of_total_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async with planted(workers=1, batch=3) as pool:
        shown: list[Any] = []
        await pool.render(plain(), SEEDS, 5, SIGNALS, lambda *_: shown.append(pool.status()["jobs"][0]))
        assert [(job["done"], job["of"]) for job in shown] == [(done, 8) for done in range(1, 9)]
        assert all(job["per_second"] > 0 for job in shown)
        status = pool.status()
        assert (status["drawn"], status["batch"], status["jobs"]) == (8, 3, [])
        assert status["workers"][0] == {"place": "cpu", "state": "ready: auto", "process": worker_pids().pop()}


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_worker__environment__has_no_secret_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATINA_SIGNING_PASSWORD", "planted-password-81")
    async with planted(nice=3) as pool:
        await pool.render(plain(), SEEDS[:1], 5, SIGNALS)
        (worker,) = worker_pids()
        environment = environment_of(worker)
        assert b"PLANTED=" in environment
        assert b"planted-password-81" not in environment
        assert b"\0CUDA_VISIBLE_DEVICES=\0" in environment
        assert os.getpriority(os.PRIO_PROCESS, worker) == os.getpriority(os.PRIO_PROCESS, 0) + 3


def test_pool__no_workers_or_no_batch__refused() -> None:
    with pytest.raises(RenderError, match="at least 1"):
        local_pool(RenderSettings(devices=["cpu"], workers=0))
    with pytest.raises(RenderError, match="at least 1"):
        local_pool(RenderSettings(devices=["cpu"], batch=0))
