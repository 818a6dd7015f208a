"""Trees as distances: conifers, round crowns, cypresses, and bare branches after a collapse and in winter."""

from __future__ import annotations

import numpy as np

from node.render.guide.canvas import REACH, UNIT, Field, Planes, Point, Window, disc, segment, slab
from node.render.guide.grain import lattice
from node.render.scene import Scene, Thing

CONIFER, ROUND, SLENDER = range(3)
_BARE = {0: (CONIFER, ROUND, SLENDER), 2: (ROUND, SLENDER)}  # mood: the kinds that lose their leaves in it
# Turns of a branch against its parent, as (cosine, sine) in 1/256: about 17, 24, 31 and 39 degrees.
_TURNS = ((245, 75), (234, 104), (219, 132), (199, 161))


def draw(planes: Planes, place: Scene, mood: int, volatility: int, names: dict[str, int]) -> None:
    """Puts every tree, back to front, into the planes `crown` and `wood`; each covers what stands behind it."""
    behind = tuple(names[name] for name in ("crown", "wood", "walls", "accents", "lights"))
    for index, tree in enumerate(place.trees):
        reach = tree.width + 10 * UNIT
        window = Window(planes.size, tree.x - reach, tree.y - tree.height, tree.x + reach, tree.y)
        up = tree.y - window.y
        # The wind bends a tree the more the higher it is.
        lean = up * np.maximum(up, 0) // max(tree.height, 1) * volatility // 1600
        across = window.x - tree.x - lean
        draws = lattice(place.seed, b"tree" + bytes([index]), 1, 256)[0].tolist()
        if tree.kind in _BARE.get(mood, ()):
            wood = _branches(tree, across, up, draws)
            planes.put(names["wood"], window, wood, tuple(other for other in behind if other != names["wood"]))
            continue
        wood = _trunk(tree, across, up)
        crown = (_conifer, _round, _slender)[tree.kind](tree, across, up, draws)
        planes.put(names["wood"], window, wood, tuple(o for o in behind if o != names["wood"]))
        planes.put(names["crown"], window, crown, tuple(o for o in behind if o != names["crown"]))


def _trunk(tree: Thing, across: Field, up: Field) -> Field:
    thick = UNIT + tree.height // 36
    flare = np.maximum(4 * UNIT - up, 0) // 3  # roots spread a little
    return np.minimum(
        thick + flare - up * thick // (2 * tree.height) - np.abs(across), slab(up, 0, tree.height * 5 // 8)
    )


def _conifer(tree: Thing, across: Field, up: Field, draws: list[int]) -> Field:
    tall, wide = tree.height, tree.width
    out = np.full(np.broadcast_shapes(across.shape, up.shape), -REACH, np.int64)
    for tier in range(5):
        low, high = tall * (13 + 15 * tier) // 100, tall * (40 + 15 * tier) // 100
        half = wide * (52 - 8 * tier) // 100
        sag = np.abs(across) * np.abs(across) // max(3 * half, 1)  # boughs hang at their tips
        edge = (high - up) * half // (high - low) - np.abs(across) + (draws[tier] - 128) // 16
        out = np.maximum(out, np.minimum(edge * 3 // 4, up - low + sag // 2))
    return out


def _round(tree: Thing, across: Field, up: Field, draws: list[int]) -> Field:
    tall, wide = tree.height, tree.width
    out = np.full(np.broadcast_shapes(across.shape, up.shape), -REACH, np.int64)
    blobs = (
        (0, 62, 35),
        (-27, 50, 25),
        (28, 52, 25),
        (-13, 77, 24),
        (15, 75, 23),
        (-33, 63, 17),
        (34, 66, 16),
        (2, 86, 16),
    )
    for index, (x, y, radius) in enumerate(blobs):
        centre = (
            (x + (draws[3 * index] - 128) // 26) * wide // 100,
            (y + (draws[3 * index + 1] - 128) // 32) * tall // 100,
        )
        out = np.maximum(out, disc(across, up, centre, (radius + (draws[3 * index + 2] - 128) // 32) * wide // 100))
    return out


def _slender(tree: Thing, across: Field, up: Field, draws: list[int]) -> Field:
    tall, wide = tree.height, tree.width
    part = np.clip(up * 256 // tall, 0, 256)
    # A flame: widest at two fifths of its height, pointed above.
    girth = (
        np.where(part < 102, 90 + part * 38 // 102, 128 - (part - 102) * (part - 102) * 128 // (154 * 154))
        * wide
        // 256
    )
    lumps = (np.asarray(draws, np.int64)[(up >> 6) & 63] - 128) // 10
    return np.asarray(np.minimum((girth + lumps - np.abs(across)) * 7 // 8, slab(up, tall // 14, tall)), np.int64)


def _branches(tree: Thing, across: Field, up: Field, draws: list[int]) -> Field:
    """A trunk that forks and forks again, four times."""
    out = np.full(np.broadcast_shapes(across.shape, up.shape), -REACH, np.int64)
    tall = tree.height
    stem = tall * 36 // 100
    width = 18 + tall // 30
    tips: list[tuple[Point, Point, int]] = [((0, 0), (0, stem), width)]
    number = 0
    for generation in range(5):
        grown: list[tuple[Point, Point, int]] = []
        for foot, (dx, dy), thick in tips:
            tip = (foot[0] + dx, foot[1] + dy)
            thin = max(thick * 5 // 8, 8)
            out = np.maximum(out, segment(across, up, foot, tip, (thick, thin)))
            if generation == 4:
                continue
            for side in (-1, 1):
                cosine, sine = _TURNS[draws[number % 250] >> 6]
                scale = 150 + draws[(number + 7) % 250] // 4
                number += 1
                turned = (dx * cosine + side * dy * sine, dy * cosine - side * dx * sine)
                limb = (turned[0] * scale // 65536, turned[1] * scale // 65536)
                grown.append((tip, limb, thin))
        tips = grown
    return out
