"""Ridges, shore and ground lines, the sun, cracks, and the textures of land and water."""

from __future__ import annotations

import numpy as np

from node.render.guide.canvas import UNIT, Field, Planes, Window, centres, disc, isqrt, segment
from node.render.guide.grain import lattice, noise
from node.render.scene import SIZE, Scene

# How far each mood roughens the ridges, in sixteenths of a pixel: a collapse is jagged, a flourishing world is soft.
_ROUGH = (150, 84, 56, 56, 48, 48, 40, 36)
SUN_RADIUS = 15 * UNIT


def line(profile: tuple[int, ...], at: Field) -> Field:
    """A profile's y at every x: Catmull-Rom between its knots, all in integers."""
    first, last = 2 * profile[0] - profile[1], 2 * profile[-1] - profile[-2]
    knots = np.array((first, *profile, last), np.int64)
    index, t = at >> 8, at & 255
    a, b, c, d = knots[index], knots[index + 1], knots[index + 2], knots[index + 3]
    slope: Field = (c - a) * t * 65536 + (2 * a - 5 * b + 4 * c - d) * t * t * 256 + (3 * (b - c) + d - a) * t * t * t
    return np.asarray(b + (slope >> 25), np.int64)


def roughened(place: Scene, profile: tuple[int, ...], tag: bytes, size: int, reach: int) -> Field:
    """The line with seeded ruggedness of `reach` sixteenths, shape (size,)."""
    at = centres(size)
    wild = noise(place.seed, b"ridge" + tag, np.zeros((1, 1), np.int64), (at // 2)[None, :], 5)[0]
    return np.asarray(line(profile, at) + wild * reach // 100, np.int64)


def below(line_: Field, size: int) -> Field:
    """Distance under a line, measured across its slope."""
    step = SIZE * UNIT // size
    padded = np.concatenate([line_[:1], line_, line_[-1:]])
    steep = padded[2:] - padded[:-2]
    norm = isqrt((2 * step) ** 2 + steep**2)
    return (centres(size)[:, None] - line_[None, :]) * (2 * step) // norm[None, :]


def draw(planes: Planes, place: Scene, mood: int, volatility: int, names: dict[str, int]) -> None:
    """Puts the three ridges, the water line, the sun, cracks and the two textures."""
    size = planes.size
    everywhere = Window.whole(size)
    rough = _ROUGH[mood] + volatility // 4
    lines = {
        "far": roughened(place, place.far, b"far", size, rough),
        "mid": roughened(place, place.mid, b"mid", size, rough // 2),
        "near": roughened(place, place.near, b"near", size, 10 + rough // 6),
    }
    for name, line_ in lines.items():
        planes.put(names[name], everywhere, below(line_, size))
    at = centres(size)
    planes.put(names["water"], everywhere, np.broadcast_to((at - place.horizon)[:, None], (size, size)))
    sun = (place.sun_x, place.sun_y)
    planes.put(names["sun"], everywhere, disc(at[None, :], at[:, None], sun, SUN_RADIUS))
    _cracks(planes, place, names["cracks"])
    x, y = at[None, :], at[:, None]
    planes.values[names["grain"]] = noise(place.seed, b"grain", y // 2, x // 2, 5)
    depth = np.maximum(y - place.horizon, 0)
    # Rows of waves stand closer the nearer they are to the horizon, as they do in perspective.
    waves = noise(place.seed, b"waves", isqrt(depth * 16384), x // 3 + 0 * y, 4)
    planes.values[names["waves"]] = np.where(depth > 0, waves, 0)


def _cracks(planes: Planes, place: Scene, plane: int) -> None:
    """Branching cracks in the near ground: walks that wander downwards."""
    draws = iter(lattice(place.seed, b"cracks", 1, 512)[0].tolist())
    for _ in range(5):
        x, y = next(draws) * 16, 190 * UNIT + next(draws) * 2
        drift = next(draws) // 2 - 64
        for step in range(9):
            end = (x + drift + (next(draws) - 128), y + 40 + next(draws) // 3)
            _stroke(planes, plane, (x, y), end, 22 - 2 * step)
            if next(draws) < 70:
                _stroke(planes, plane, (x, y), (x - 2 * drift + next(draws) - 128, y + 90), 12)
            x, y = end


def _stroke(planes: Planes, plane: int, start: tuple[int, int], end: tuple[int, int], thick: int) -> None:
    window = Window(
        planes.size, min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1])
    )
    planes.put(plane, window, segment(window.x, window.y, start, end, (thick, max(thick - 4, 4))))
