"""Draws the sharp shapes of a place as distance planes, in integers: what the decoder's edges follow.

The diffusion model decides light, clouds, colours and water on a coarse grid; where exactly an edge runs, a twig ends
or a flower stands is decided here, from the token's seed, and is the same whatever the weather.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from node.render.guide import buildings, land, trees, weather
from node.render.guide.canvas import Planes
from node.render.scene import CELLS, CHANNELS, Scene, layout

NAMES: Final = (
    "far", "mid", "near", "water", "sun", "crown", "wood", "walls",
    "accents", "lights", "cracks", "bolt", "air", "flowers", "grain", "waves",
)  # fmt: skip
PLANES: Final = {name: index for index, name in enumerate(NAMES)}
SIDE: Final = 256
LAYOUT: Final = CHANNELS + len(NAMES)


def guide(place: Scene, mood: int, volatility: int, size: int = SIDE) -> NDArray[np.uint8]:
    """The guide, uint8 (16, size, size): 128 plus the distance into each plane's shapes in sixteenths of a pixel.

    `mood` is 0..7, `volatility` 0..255. The last two planes are textures around 128. The network sees size 256.
    """
    planes = Planes(len(NAMES), size)
    land.draw(planes, place, mood, volatility, PLANES)
    buildings.draw(planes, place, mood, PLANES)
    trees.draw(planes, place, mood, volatility, PLANES)
    weather.draw(planes, place, mood, volatility, PLANES)
    return np.clip(planes.values + 128, 0, 255).astype(np.uint8)


def layout_map(place: Scene, planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The map that both networks see, uint8 (34, 32, 32): the scene's layout, then the guide's mean over each cell.

    `planes` is the place's guide at size 256. So the UNet dreams up nothing that the guide will not have there.
    """
    side = SIDE // CELLS
    means = planes.reshape(len(NAMES), CELLS, side, CELLS, side).sum((2, 4), dtype=np.int64) // side**2
    return np.concatenate([layout(place), means.astype(np.uint8)])
