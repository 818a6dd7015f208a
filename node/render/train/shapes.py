"""What a scene's guide says of each pixel of a training picture: distances, masks and textures."""

from __future__ import annotations

import numpy as np

from node.render.guide import PLANES, guide
from node.render.scene import PICTURE, SIZE, Scene
from node.render.train.textures import Field

_SCALE = PICTURE // SIZE


class Shapes:
    """The guide at the picture's own resolution, as pixels of distance and as masks."""

    def __init__(self, place: Scene, mood: int, volatility: int) -> None:
        self._planes = guide(place, mood, volatility, PICTURE)

    def distance(self, name: str) -> Field:
        """Distance into the shape in pixels of a 256 px picture, within -8..8."""
        return np.asarray((self._planes[PLANES[name]].astype(np.float32) - 128) / 16, np.float32)

    def mask(self, name: str) -> Field:
        """How much of each pixel the shape covers, 0..1."""
        return np.asarray(np.clip(self.distance(name) * _SCALE + 0.5, 0, 1), np.float32)

    def texture(self, name: str) -> Field:
        """A texture around 0, about -2..2."""
        return np.asarray((self._planes[PLANES[name]].astype(np.float32) - 128) / 40, np.float32)
