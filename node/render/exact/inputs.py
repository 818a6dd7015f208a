"""What a picture is drawn from, all integers: noise, layout, conditions and guide of a seed, mood and levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render import noise
from node.render.exact.arithmetic import Ints
from node.render.guide import guide, layout_map
from node.render.recipe import Recipe
from node.render.scene import CELLS, WHOLE, Range, conditions, scene

LATENT = 8


@dataclass(frozen=True)
class Inputs:
    """`noise` (8, 32, 32) in 1/4096, `layout` (34, 32, 32), `conditions` (20,), `guide` (16, 256, 256)."""

    noise: Ints
    layout: NDArray[np.uint8]
    conditions: Ints
    guide: NDArray[np.uint8]


def inputs(recipe: Recipe, seed: bytes, band: int, signals: Sequence[int]) -> Inputs:
    """The inputs of a 32-byte token seed in a band under signed wads (volatility, drawdown, flow).

    Raises RenderError for a band or a number of signals that the recipe does not have, or another seed.
    """
    mood, levels = recipe.mood(band), recipe.levels(signals)
    return drawn_from(seed, mood, (levels.volatility, levels.drawdown, levels.flow), recipe.hue, recipe.accent)


def drawn_from(
    seed: bytes, mood: int, levels: tuple[int, int, int], hues: Range = WHOLE, accents: Range = WHOLE
) -> Inputs:
    """The inputs of a 32-byte seed in a mood (0..7) under levels 0..255 of volatility, drawdown and flow.

    RenderError for a seed of another size, or levels or ranges outside 0..255.
    """
    if len(seed) != 32:
        raise RenderError(f"seed: {len(seed)} bytes instead of 32")
    if not all(0 <= value <= 255 for value in (*levels, *hues, *accents)):
        raise RenderError("levels, hues and accents are 0 to 255")
    volatility, drawdown, flow = levels
    place = scene(bytes(seed), drawdown, flow, hues, accents)
    sharp = guide(place, mood, volatility)
    return Inputs(
        noise.normal(bytes(seed), LATENT * CELLS * CELLS).reshape(LATENT, CELLS, CELLS),
        layout_map(place, sharp),
        conditions(place, mood, volatility, drawdown, flow).astype(np.int64),
        sharp,
    )
