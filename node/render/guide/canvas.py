"""Signed distances in integers: the grid they are measured on, the shapes they are of, and how shapes cover shapes.

All lengths are sixteenths of a pixel of a 256 px picture, whatever the grid's resolution; y grows downwards. A distance
is positive inside its shape and clipped to REACH, eight pixels, on both sides.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from node.render.scene import SIZE

Field = NDArray[np.int64]
Point = tuple[int, int]
UNIT: Final = 16
REACH: Final = 128


def isqrt(value: Field) -> Field:
    """Floor of the square root of each value in 0..2**52: an IEEE root, corrected, so that no rounding decides."""
    root = np.sqrt(value.astype(np.float64)).astype(np.int64)
    root -= root * root > value
    return np.asarray(root + ((root + 1) * (root + 1) <= value), np.int64)


@cache
def centres(size: int) -> Field:
    """Where the pixel centres of a grid of `size` pixels lie, shape (size,)."""
    step = SIZE * UNIT // size
    return np.arange(size, dtype=np.int64) * step + step // 2


class Window:
    """A part of the grid around something, so that small things cost little: x is a row, y a column."""

    def __init__(self, size: int, left: int, top: int, right: int, bottom: int) -> None:
        at = centres(size)
        first_x, last_x = np.searchsorted(at, (left - REACH, right + REACH))
        first_y, last_y = np.searchsorted(at, (top - REACH, bottom + REACH))
        self.box = (slice(int(first_y), int(last_y)), slice(int(first_x), int(last_x)))
        self.x, self.y = at[None, self.box[1]], at[self.box[0], None]

    @classmethod
    def whole(cls, size: int) -> Window:
        """The whole grid."""
        return cls(size, 0, 0, SIZE * UNIT, SIZE * UNIT)


def disc(x: Field, y: Field, centre: Point, radius: int) -> Field:
    """Distance to the rim of a disc."""
    return radius - isqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)


def segment(x: Field, y: Field, start: Point, end: Point, thick: Point) -> Field:
    """Distance to the outline of a stroke whose half width goes from `thick[0]` at its start to `thick[1]`."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy + 1
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) * 256 // length, 0, 256)
    away = isqrt((x - start[0] - along * dx // 256) ** 2 + (y - start[1] - along * dy // 256) ** 2)
    return np.asarray(thick[0] + (thick[1] - thick[0]) * along // 256 - away, np.int64)


def slab(value: Field, low: int, high: int) -> Field:
    """Distance into the strip low..high of a coordinate."""
    return np.minimum(value - low, high - value)


def polygon(x: Field, y: Field, corners: tuple[Point, ...]) -> Field:
    """Distance into a convex polygon whose corners go clockwise on the screen."""
    out = np.full(np.broadcast_shapes(x.shape, y.shape), 1 << 30, np.int64)
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        dx, dy = bx - ax, by - ay
        norm = max(int(isqrt(np.array(dx * dx + dy * dy, np.int64))), 1)
        out = np.minimum(out, (dx * (y - ay) - dy * (x - ax)) // norm)
    return out


class Planes:
    """A stack of distance planes, far outside everywhere at first."""

    def __init__(self, count: int, size: int) -> None:
        self.size = size
        self.values = np.full((count, size, size), -REACH, np.int64)

    def put(self, plane: int, window: Window, distance: Field, over: tuple[int, ...] = ()) -> None:
        """Joins a shape to a plane and cuts it out of the planes it stands in front of."""
        here = (plane, *window.box)
        self.values[here] = np.maximum(self.values[here], np.clip(distance, -REACH, REACH))
        for other in over:
            there = (other, *window.box)
            self.values[there] = np.minimum(self.values[there], np.clip(-distance, -REACH, REACH))
