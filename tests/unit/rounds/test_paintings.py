"""Paintings that the machine asks for: their failures, and their cancellation down to the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from node.agreement.effects import CancelRender, Render, RoundDone, Timing
from node.agreement.machine import Machine
from node.errors import RenderError
from node.gossip.envelope import sealer
from node.journal import Journal
from node.render.pool import RenderSettings, local_pool
from node.render.recipe import Recipe
from tests.unit.render.planted import begun
from tests.unit.rounds.desk import KEY, ROOT, TRANSPORT, Desk, ScriptedMachine, paints, trigger, until


@pytest.mark.parametrize(
    "error", [RenderError("no such mood"), ValueError("odd"), MemoryError(), ExceptionGroup("two", [OSError("x")])]
)
async def test_paint__raises_anything__ends_in_render_failed_and_the_node_goes_on(
    journal: Journal, error: Exception
) -> None:
    async def fail(answer: int, signals: Sequence[int]) -> bytes:
        raise error

    machine = ScriptedMachine([Render(KEY, 3, b"", 1, (1, 2, 3))])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), fail)
        await until(lambda: machine.heard)
        assert machine.heard == [("failed", KEY, 3)]
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: len(machine.heard) == 2)
    assert machine.heard[1] == ("rendered", KEY, 3, ROOT)


async def test_paint__fails_once__a_later_view_paints_and_lands(journal: Journal) -> None:
    tries: list[int] = []

    async def moody(answer: int, signals: Sequence[int]) -> bytes:
        tries.append(answer)
        if len(tries) == 1:
            raise RenderError("a worker died")
        return ROOT

    desk = Desk(journal)
    # The first view lasts until its time to render is over: let that be short.
    machine = Machine(
        desk.committee, 0, desk.verifier, Timing(100, 100, 100, 0, 100), sealer(TRANSPORT[0], desk.committee, 0)
    )
    desk.driver._machine = machine
    async with desk.running():
        await desk.driver.begin(trigger(), moody)
        await until(lambda: desk.transmitter.sent)
    assert desk.transmitter.sent[0].view > 0
    assert len(tries) >= 2


async def test_cancel_render__render_under_way__is_cancelled_and_reports_nothing(journal: Journal) -> None:
    started, ended = asyncio.Event(), list[str]()

    async def slow(answer: int, signals: Sequence[int]) -> bytes:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return ROOT

    machine = ScriptedMachine([Render(KEY, 0, b"", 1, (1, 2, 3))])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), slow)
        await started.wait()
        machine.effects = [CancelRender(KEY, 0), RoundDone(KEY, False), CancelRender(KEY, 0)]
        await desk.driver.begin(trigger(), slow)
        await until(lambda: ended)
        await asyncio.sleep(0.01)
    assert machine.heard == []


async def test_cancel_render__same_view_begun_anew_at_once__cancels_the_new_render_too(journal: Journal) -> None:
    running: set[int] = set()

    def slow(number: int) -> Callable[[int, Sequence[int]], Any]:
        async def paint(answer: int, signals: Sequence[int]) -> bytes:
            running.add(number)
            try:
                await asyncio.Event().wait()
            finally:
                running.discard(number)
            return ROOT

        return paint

    render = Render(KEY, 0, b"", 1, (1, 2, 3))
    machine = ScriptedMachine([render])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), slow(1))
        await until(lambda: running == {1})
        machine.effects = [CancelRender(KEY, 0), render]
        await desk.driver.begin(trigger(), slow(2))
        await until(lambda: running == {2})
        machine.effects = [CancelRender(KEY, 0)]
        await desk.driver.begin(trigger(), slow(3))
        await until(lambda: running == set())


async def test_cancel_render__reaches_the_worker__which_stops_and_takes_the_next_at_once(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view is lost while a worker process draws for it: the view after it does not wait for that picture."""
    monkeypatch.setenv("PLANTED", str(tmp_path / "begun"))
    seeds, drawn = [bytes([token]) * 32 for token in (1, 2, 3)], list[bytes]()
    async with local_pool(RenderSettings(devices=["cpu"]), module="tests.unit.render.planted") as pool:
        await pool.render(Recipe.for_bands(2, "warm"), seeds[:1], 0, (0, 0, 0))

        async def paint(answer: int, signals: Sequence[int]) -> bytes:
            recipe = Recipe.for_bands(2, "slow" if answer == 1 else "quick")  # a slow picture never ends by itself
            drawn.extend(await pool.render(recipe, seeds, 0, signals))
            return ROOT

        machine = ScriptedMachine([Render(KEY, 0, b"", 1, (1, 2, 3))])
        desk = Desk(journal, scripted=machine)
        async with desk.running():
            await desk.driver.begin(trigger(), paint)
            await until(lambda: len(begun()) == 2)
            machine.effects = [CancelRender(KEY, 0), Render(KEY, 1, b"", 2, (1, 2, 3))]
            await desk.driver.begin(trigger(), paint)
            await until(lambda: len(drawn) == 3)
        assert begun()[2:] == [seed.hex() for seed in seeds]
        assert pool.status()["workers_died"] == 0
