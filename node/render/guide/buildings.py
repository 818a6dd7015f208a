"""The landmark and the boats as distances: walls, coloured parts, lights and sails."""

from __future__ import annotations

import numpy as np

from node.render.guide.canvas import UNIT, Field, Planes, Window, polygon, slab
from node.render.scene import Scene, Thing

HOUSE, LIGHTHOUSE, CHAPEL = range(3)
_COLLAPSE = 0


def draw(planes: Planes, place: Scene, mood: int, names: dict[str, int]) -> None:
    """Puts the landmark (a ruin after a collapse) and the boats into `walls`, `accents` and `lights`."""
    for boat in place.boats:
        _boat(planes, boat, names)
    it = place.landmark
    window = Window(planes.size, it.x - it.width, it.y - it.height - 8 * UNIT, it.x + it.width, it.y)
    x, up = window.x - it.x, it.y - window.y
    walls, accents, lights = (_house, _lighthouse, _chapel)[it.kind](it, x, up)
    if mood == _COLLAPSE:
        # A jagged edge runs across at about three fifths of the height, and what was above it is gone.
        teeth = np.abs((x * 5 // 4) % 160 - 80)
        broken = it.height * 6 // 10 + teeth - x // 4 - up
        walls, accents, lights = (np.minimum(part, broken) for part in (walls, accents, lights))
    planes.put(names["walls"], window, walls, (names["accents"], names["lights"]))
    planes.put(names["accents"], window, accents, (names["walls"],))
    planes.put(names["lights"], window, lights)


def _px(value: int) -> int:
    return value * UNIT


def _window(x: Field, up: Field, at: tuple[int, int], half: tuple[int, int]) -> Field:
    return np.minimum(slab(x, at[0] - half[0], at[0] + half[0]), slab(up, at[1] - half[1], at[1] + half[1]))


def _house(it: Thing, x: Field, up: Field) -> tuple[Field, Field, Field]:
    half, tall = it.width // 2 - _px(2), it.height
    eaves = tall * 58 // 100
    walls = np.minimum(slab(x, -half, half), slab(up, 0, eaves + _px(2)))
    roof = polygon(
        x, -up, ((-half - _px(3), -eaves), (-half + _px(5), -tall), (half - _px(5), -tall), (half + _px(3), -eaves))
    )
    chimney = np.minimum(slab(x, half - _px(11), half - _px(6)), slab(up, eaves, tall + _px(5)))
    door = _window(x, up, (_px(1), _px(5)), (30, _px(5)))
    panes = [_window(x, up, (at, eaves // 2 + _px(1)), (34, 40)) for at in (-half + _px(6), half - _px(6))]
    return walls, np.maximum(np.maximum(roof, chimney), door), np.maximum(*panes)


def _lighthouse(it: Thing, x: Field, up: Field) -> tuple[Field, Field, Field]:
    tall, half = it.height, it.width // 2 - UNIT
    body = np.minimum(half - up // 14 - np.abs(x), slab(up, 0, tall * 80 // 100))
    gallery = np.minimum(slab(x, -half, half), slab(up, tall * 78 // 100, tall * 81 // 100))
    stripes = np.minimum(body, 58 - np.abs((up + _px(3)) % _px(15) - _px(7)))
    dome = polygon(x, -up, ((-_px(6), -tall * 91 // 100), (0, -tall - _px(3)), (_px(6), -tall * 91 // 100)))
    lamp = np.minimum(slab(x, -_px(4), _px(4)), slab(up, tall * 81 // 100, tall * 92 // 100))
    return body, np.maximum(np.maximum(stripes, dome), gallery), lamp


def _chapel(it: Thing, x: Field, up: Field) -> tuple[Field, Field, Field]:
    half, tall = it.width // 2 - UNIT, it.height
    nave = np.minimum(slab(x, -half, half), slab(up, 0, tall * 44 // 100))
    tower = np.minimum(slab(x, -_px(5), _px(5)), slab(up, 0, tall * 70 // 100))
    spire = polygon(x, -up, ((-_px(6), -tall * 68 // 100), (0, -tall - _px(5)), (_px(6), -tall * 68 // 100)))
    eaves = tall * 42 // 100
    left = polygon(x, -up, ((-half - _px(2), -eaves), (-_px(5), -tall * 60 // 100), (-_px(5), -eaves)))
    right = polygon(x, -up, ((_px(5), -eaves), (_px(5), -tall * 60 // 100), (half + _px(2), -eaves)))
    door = _window(x, up, (0, _px(5)), (34, _px(5)))
    panes = [
        _window(x, up, at, (26, 44))
        for at in ((-half + _px(4), _px(8)), (half - _px(4), _px(8)), (0, tall * 56 // 100))
    ]
    coloured = np.maximum(np.maximum(spire, door), np.maximum(left, right))
    return np.maximum(nave, tower), coloured, np.maximum(np.maximum(panes[0], panes[1]), panes[2])


def _boat(planes: Planes, it: Thing, names: dict[str, int]) -> None:
    window = Window(planes.size, it.x - it.width, it.y - it.height, it.x + it.width, it.y)
    x, up = window.x - it.x, it.y - window.y
    main = polygon(x, -up, ((6, -_px(5)), (6, -it.height), (_px(7), -_px(5))))
    jib = polygon(x, -up, ((-_px(6), -_px(5)), (-_px(1), -it.height * 7 // 8), (-_px(1), -_px(5))))
    hull = polygon(x, -up, ((-_px(8), -_px(4)), (_px(8), -_px(4)), (_px(5), 0), (-_px(5), 0)))
    planes.put(names["lights"], window, np.maximum(main, jib))
    planes.put(names["accents"], window, hull)
