"""What flies, falls and grows: lightning, the rainbow, rain, snow, embers, stars and flowers, in fixed places."""

from __future__ import annotations

from node.render.guide.canvas import UNIT, Planes, Window, centres, disc, isqrt, segment
from node.render.guide.grain import lattice
from node.render.scene import SIZE, Scene

COLLAPSE, STORM, WINTER, OVERCAST, DAWN, CLEAR, GOLDEN, FLOURISHING = range(8)
_SIDE = SIZE * UNIT
# Mood: how many specks the air holds (at rest, and more with all volatility), and their radius.
_SPECKS = {
    COLLAPSE: (26, 50, 20),
    WINTER: (46, 90, 24),
    DAWN: (26, 0, 13),
    GOLDEN: (10, 20, 20),
    FLOURISHING: (20, 30, 26),
}
_FLOWERS = {CLEAR: 26, GOLDEN: 34, FLOURISHING: 110}
BOW_RADIUS = 120 * UNIT


def draw(planes: Planes, place: Scene, mood: int, volatility: int, names: dict[str, int]) -> None:
    """Puts the mood's weather; higher volatility brings more of the same specks, never others."""
    if mood in (COLLAPSE, STORM):
        _bolt(planes, place, names["bolt"], place.strike, b"bolt")
        if volatility > 105:
            second = place.strike + (52 * UNIT if place.strike < _SIDE // 2 else -52 * UNIT)
            _bolt(planes, place, names["bolt"], second, b"twin")
    if mood == FLOURISHING:
        at = centres(planes.size)
        x, y = at[None, :] - (_SIDE - place.sun_x), at[:, None] - (place.horizon + 20 * UNIT)
        planes.put(names["bolt"], Window.whole(planes.size), isqrt(x * x + y * y) - BOW_RADIUS)
    if mood == STORM:
        _rain(planes, place, names["air"], 90 + volatility * 150 // 255)
    elif mood in _SPECKS:
        rest, more, radius = _SPECKS[mood]
        low = place.horizon * 2 // 5 if mood == DAWN else _SIDE
        _specks(planes, place, names["air"], rest + more * volatility // 255, radius, low)
    if mood in _FLOWERS:
        _flowers(planes, place, names["flowers"], _FLOWERS[mood])


def _dot(planes: Planes, plane: int, x: int, y: int, radius: int) -> None:
    window = Window(planes.size, x - radius, y - radius, x + radius, y + radius)
    planes.put(plane, window, disc(window.x, window.y, (x, y), radius))


def _specks(planes: Planes, place: Scene, plane: int, count: int, radius: int, low: int) -> None:
    draws = lattice(place.seed, b"specks", count, 5)
    for a, b, c, d, size in draws.tolist():
        _dot(planes, plane, (a * 256 + b) * _SIDE >> 16, (c * 256 + d) * low >> 16, radius * (160 + size) // 288)


def _flowers(planes: Planes, place: Scene, plane: int, count: int) -> None:
    for a, b, c in lattice(place.seed, b"flowers", count, 3).tolist():
        depth = c * c // 255  # more of them far away
        y = 184 * UNIT + (255 - depth) * 72 * UNIT // 256
        _dot(planes, plane, (a * 256 + b) * _SIDE >> 16, y, 13 + (y - 184 * UNIT) // 64)


def _rain(planes: Planes, place: Scene, plane: int, count: int) -> None:
    slope = 3 + int(lattice(place.seed, b"slope", 1, 1)[0, 0]) // 40
    for a, b, c, d, size in lattice(place.seed, b"rain", count, 5).tolist():
        x, y, length = (a * 256 + b) * _SIDE >> 16, (c * 256 + d) * _SIDE >> 16, 150 + size
        end = (x + length * slope // 16, y + length)
        window = Window(planes.size, x, y, end[0], end[1])
        planes.put(plane, window, segment(window.x, window.y, (x, y), end, (3 + size // 32, 8)))


def _bolt(planes: Planes, place: Scene, plane: int, at: int, tag: bytes) -> None:
    draws = iter(lattice(place.seed, tag, 1, 256)[0].tolist())
    x, y = at, 3 * UNIT
    while y < place.horizon - 4 * UNIT:
        end = (at + (next(draws) - 128) * 3 // 2, y + 8 * UNIT + next(draws) // 2)
        _stroke(planes, plane, (x, y), end, (22, 20))
        if next(draws) < 62:
            fork = (x + (next(draws) - 128) * 3, y + 22 * UNIT)
            _stroke(planes, plane, (x, y), fork, (14, 4))
            _stroke(planes, plane, fork, (fork[0] + (next(draws) - 128), fork[1] + 14 * UNIT), (8, 2))
        x, y = end


def _stroke(planes: Planes, plane: int, start: tuple[int, int], end: tuple[int, int], thick: tuple[int, int]) -> None:
    left, right = min(start[0], end[0]), max(start[0], end[0])
    window = Window(planes.size, left, start[1], right, end[1])
    planes.put(plane, window, segment(window.x, window.y, start, end, thick))
