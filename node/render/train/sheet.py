"""Contact sheets: one row per token, one column per mood, to look at a model with."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.render import Recipe, render
from node.render.png import encode
from node.render.recipe import MOODS
from node.render.scene import scene
from node.render.train.textures import Bank
from node.render.train.world import paint

# Volatility, drawdown and flow in parts of 255 (flow from -128), one triple per row in turn.
_LEVELS = ((40, 20, 0), (200, 60, 100), (120, 200, -70), (90, 60, 30), (10, 0, 70), (160, 120, -110))


def draw(target: Path, tokens: int, training: bool) -> None:
    """Writes the sheet as PNG: the model's pictures, or what the generator paints for the same seeds."""
    recipe = Recipe.for_bands(len(MOODS), "Contact sheet")
    bank = Bank.make(1)
    rows: list[NDArray[np.uint8]] = []
    for token in range(tokens):
        seed = hashlib.sha256(f"sheet {token}".encode()).digest()
        volatility, drawdown, flow = _LEVELS[token % len(_LEVELS)]
        # One part above the floor of each level, so that the recipe's floor division lands on it.
        wads = [part * full // scale + 1 for part, full, scale in _scaled(recipe, volatility, drawdown, flow)]
        row = []
        for mood in range(len(MOODS)):
            if training:
                place = scene(seed, drawdown, 128 + flow)
                row.append(paint(place, mood, volatility, drawdown, bank, token))
            else:
                row.append(render(recipe, seed, mood, wads))
        rows.append(np.concatenate(row, 1))
    target.write_bytes(encode(np.ascontiguousarray(np.concatenate(rows, 0))))


def _scaled(recipe: Recipe, *parts: int) -> list[tuple[int, int, int]]:
    return [(part, full, scale) for part, full, scale in zip(parts, recipe.full_scales, (255, 255, 128), strict=True)]
