"""Which mood each band of a policy gets, so that no growth at all looks like neither ruin nor triumph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from node.render.recipe import MOODS, Recipe


def recipe_for(title: str, thresholds: Sequence[int]) -> Recipe:
    """Return a recipe with a mood for each band of `thresholds` (ascending wads).

    Bands of growth alone take the brightest moods, bands of loss alone the darkest; others spread over all of them.
    """
    bands = len(thresholds) + 1
    recipe = Recipe.for_bands(bands, title)
    if bands > len(MOODS):
        return recipe
    if all(threshold > 0 for threshold in thresholds):
        return replace(recipe, classes=MOODS[-bands:])
    if all(threshold < 0 for threshold in thresholds):
        return replace(recipe, classes=MOODS[:bands])
    return recipe
