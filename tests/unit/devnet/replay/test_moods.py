"""Moods by band: growth alone is bright, loss alone is dark, both spread over all."""

from __future__ import annotations

import pytest

from node.devnet.replay.moods import recipe_for
from node.render.recipe import MOODS, Recipe

P = 10**16


@pytest.mark.parametrize(
    ("thresholds", "moods"),
    [
        ((P, 2 * P, 3 * P), MOODS[-4:]),
        ((-3 * P, -2 * P, -P), MOODS[:4]),
        ((-P,), MOODS[:2]),
        (tuple(number * P for number in range(1, 8)), MOODS),
    ],
)
def test_recipe_for__one_side_alone__takes_that_end_of_the_moods(
    thresholds: tuple[int, ...], moods: tuple[str, ...]
) -> None:
    assert recipe_for("Tide", thresholds).classes == moods


def test_recipe_for__both_sides__spreads_from_worst_to_best() -> None:
    classes = recipe_for("Tide", (-2 * P, -P, P)).classes
    assert (classes[0], classes[-1]) == (MOODS[0], MOODS[-1])
    assert [MOODS.index(mood) for mood in classes] == sorted(MOODS.index(mood) for mood in classes)


@pytest.mark.parametrize("count", range(1, 16))
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_recipe_for__any_number_of_thresholds__has_a_mood_for_each_band_and_can_be_published(
    count: int, sign: int
) -> None:
    first = {-1: -20, 0: -count // 2, 1: 1}[sign]
    recipe = recipe_for("Tide", tuple((first + number) * P for number in range(count)))
    assert len(recipe.classes) == count + 1
    assert Recipe.from_json(recipe.canonical) == recipe
