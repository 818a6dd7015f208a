"""How long served editions take, reckoned from one picture of each kind of recipe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from node.errors import RenderError
from node.preflight.finding import Notes, Verdict
from node.preflight.renderer import STEPS, _check_time
from node.render.recipe import Recipe
from tests.unit.cli.test_recipe import LOOSE

EXACT = Recipe.for_bands(3, "Tide", steps=STEPS)
PATIENCE_MS = 60_000


class Pool:
    """Draws nothing, and keeps what it was asked for; `error` is raised where a pipeline cannot be drawn."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[Any] = []
        self._error = error

    async def render(self, recipe: Any, *_: Any) -> list[bytes]:
        self.asked.append(recipe)
        if self._error is not None:
            raise self._error
        return [b""]


def facts(*recipes: Any, minted: int = 10, workers: int = 2) -> Any:
    """Facts of a node that serves an edition of each recipe."""
    pairs = [
        (SimpleNamespace(id=number), SimpleNamespace(id=number, minted=minted, recipe=recipe.digest))
        for number, recipe in enumerate(recipes, 1)
    ]

    async def editions() -> Any:
        return pairs

    async def network() -> Any:
        return SimpleNamespace(editions=SimpleNamespace(get=editions))

    config = SimpleNamespace(
        render=SimpleNamespace(pool="local", workers=workers), agreement=SimpleNamespace(render_ms=PATIENCE_MS)
    )
    return SimpleNamespace(config=config, network=SimpleNamespace(get=network))


async def look(pool: Any, *recipes: Any, seconds: float = 2.0) -> list[Any]:
    notes = Notes("renderer")
    await _check_time(facts(*recipes), pool, seconds, {each.digest: each for each in recipes}, notes)
    return notes.found


@pytest.mark.parametrize(("seconds", "verdict"), [(2.0, Verdict.OK), (13.0, Verdict.WARNING)])
async def test_time__exact_recipe__is_reckoned_from_the_known_picture(seconds: float, verdict: Verdict) -> None:
    pool = Pool()
    (found,) = await look(pool, EXACT, seconds=seconds)
    assert (found.verdict, found.about) == (verdict, "feed 1, edition 1")
    assert f"10 pictures take about {5 * seconds:.0f} s of 60 s" in found.detail
    assert pool.asked == []


async def test_time__pipeline_recipe__is_measured_by_a_picture_of_its_own_once_it_is_loaded() -> None:
    pool = Pool()
    exact, pipeline = await look(pool, EXACT, LOOSE)
    assert pool.asked == [LOOSE, LOOSE]
    assert (exact.verdict, pipeline.verdict, pipeline.about) == (Verdict.OK, Verdict.OK, "feed 2, edition 2")
    assert "10 pictures take about 0 s of 60 s (0.00 s a picture)" in pipeline.detail


async def test_time__pipeline_that_cannot_be_drawn__is_a_fault_with_the_reason() -> None:
    (found,) = await look(Pool(RenderError("there is no such pipeline")), LOOSE)
    assert (found.verdict, found.detail) == (Verdict.FAULT, "there is no such pipeline")
    assert "render.pipelines" in found.remedy
