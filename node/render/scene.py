"""Turns a token's seed and a report's levels into the place a picture shows: integers only.

A `Scene` is everything about the picture that must not change when the band does: ridges, water line, sun, trees,
landmark, boats, palette. `layout` draws it as a coarse map that the UNet is conditioned on, so that one token stays
one place in other weather. All lengths are sixteenths of a pixel of the 256 px picture, y grows downwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 256
PICTURE = 512
CELLS = 32
_CELL = 128  # a cell's side in sixteenths of a pixel
CHANNELS = 18
_UNIT = 16
_TAG = b"patina/scene/1"
Range = tuple[int, int]
WHOLE: Range = (0, 255)


class _Stream:
    """Unsigned integers from SHA-256 in counter mode over the seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._block = 0
        self._bytes = b""

    def byte(self) -> int:
        if not self._bytes:
            self._bytes = hashlib.sha256(_TAG + self._seed + self._block.to_bytes(4, "big")).digest()
            self._block += 1
        first, self._bytes = self._bytes[0], self._bytes[1:]
        return first

    def between(self, low: int, high: int) -> int:
        """An integer in low..high; 16 bits deep, so close to uniform for the small ranges used here."""
        draw = self.byte() << 8 | self.byte()
        return low + draw * (high - low + 1) // 65536


@dataclass(frozen=True)
class Thing:
    """Something that stands: its foot (x, y), its height and width, and which kind it is."""

    x: int
    y: int
    height: int
    width: int
    kind: int


@dataclass(frozen=True)
class Scene:
    """One place. `hue` and `accent` are 0..255 turns of the palette, profiles have 17 knots, 16 px apart."""

    seed: bytes
    hue: int
    accent: int
    sun_x: int
    sun_y: int
    horizon: int
    far: tuple[int, ...]
    mid: tuple[int, ...]
    near: tuple[int, ...]
    trees: tuple[Thing, ...]
    landmark: Thing
    boats: tuple[Thing, ...]
    strike: int


def _profile(stream: _Stream, level: int, rise: int) -> tuple[int, ...]:
    """Midpoint displacement over 17 knots around `level`."""
    knots = [0] * 17
    knots[0] = level + rise * (stream.byte() - 128) // 256
    knots[16] = level + rise * (stream.byte() - 128) // 256
    step, reach = 16, rise
    while step > 1:
        for left in range(0, 16, step):
            middle = (knots[left] + knots[left + step]) // 2
            knots[left + step // 2] = middle + reach * (stream.byte() - 128) // 128
        step, reach = step // 2, reach * 9 // 16
    return tuple(knots)


def height_at(profile: tuple[int, ...], x: int) -> int:
    """The profile's y at x (both in sixteenths), linear between knots; x outside the picture takes the edge."""
    x = min(max(x, 0), SIZE * _UNIT - 1)
    knot, rest = divmod(x, 16 * _UNIT)
    return profile[knot] + (profile[knot + 1] - profile[knot]) * rest // (16 * _UNIT)


def _gap(stream: _Stream, trees: list[Thing]) -> int:
    """Where the landmark stands: of six draws, the first that no tree hides, or else the last."""
    for _ in range(6):
        x = stream.between(30, 226) * _UNIT
        if all(abs(x - tree.x) > tree.width // 2 + 12 * _UNIT for tree in trees):
            break
    return x


def _within(limits: Range, byte: int) -> int:
    low, high = limits
    return low + byte * (high - low + 1) // 256


def scene(seed: bytes, drawdown: int, flow: int, hues: Range = WHOLE, accents: Range = WHOLE) -> Scene:
    """The place of a 32-byte seed; drawdown (0..255) lowers its sun, flow (0..255, 128 = none) moves its tide.

    `hues` and `accents` are inclusive ranges within 0..255 that the seed's palette falls in.
    """
    stream = _Stream(seed)
    hue, accent = _within(hues, stream.byte()), _within(accents, stream.byte())
    sun_x = stream.between(36, 220) * _UNIT
    sun_high = stream.between(34, 84) * _UNIT
    shore = stream.between(138, 160) * _UNIT
    horizon = shore - 10 * _UNIT * (flow - 128) // 128
    sun_y = sun_high + (shore - 14 * _UNIT - sun_high) * drawdown // 255
    far = _profile(stream, shore - stream.between(34, 58) * _UNIT, stream.between(14, 40) * _UNIT)
    mid = _profile(stream, shore - stream.between(-2, 14) * _UNIT, stream.between(10, 26) * _UNIT)
    tilt = stream.between(-22, 22) * _UNIT
    raw = _profile(stream, stream.between(204, 222) * _UNIT, stream.between(6, 14) * _UNIT)
    near = tuple(y + tilt * (knot - 8) // 8 for knot, y in enumerate(raw))
    kind = stream.between(0, 2)
    trees: list[Thing] = []
    for _ in range(stream.between(2, 5)):
        x = stream.between(10, 246) * _UNIT
        height = stream.between(38, 92) * _UNIT
        width = height * (34, 62, 22)[kind] // 100
        trees.append(Thing(x, height_at(near, x) + 4 * _UNIT, height, width, kind))
    trees.sort(key=lambda tree: (tree.y, tree.x))
    x = _gap(stream, trees)
    shape = stream.between(0, 2)
    height = (26, 58, 40)[shape] * _UNIT
    landmark = Thing(x, height_at(near, x) + 5 * _UNIT, height, (36, 16, 24)[shape] * _UNIT, shape)
    strike = stream.between(24, 232) * _UNIT
    boats: list[Thing] = []
    for _ in range(2):
        y = horizon + stream.between(14, 34) * _UNIT
        x = stream.between(20, 236) * _UNIT
        boats.append(Thing(x, y, 18 * _UNIT, 13 * _UNIT, 0))
    # Boats come with the inflow: none at an ebb, one around rest, two on a strong tide.
    afloat = boats[: 0 if flow < 112 else 1 if flow < 176 else 2]
    return Scene(
        seed, hue, accent, sun_x, sun_y, horizon, far, mid, near, tuple(trees), landmark, tuple(afloat), strike
    )


def _drawn(things: tuple[Thing, ...]) -> NDArray[np.int64]:
    """Three planes (3, 32, 32) for things that stand: coverage, and the place within the thing, sideways and upwards.

    Coverage is how much of the cell (0..255) the frontmost thing's box fills; the place is measured at the cell's
    middle, in parts of the thing's size, so that the network sees what belongs there. Later things stand in front.
    """
    edges = np.arange(CELLS, dtype=np.int64) * _CELL
    centres = edges + _CELL // 2
    planes = np.zeros((3, CELLS, CELLS), np.int64)
    for thing in things:
        left, right = thing.x - thing.width // 2, thing.x + thing.width // 2
        top, bottom = thing.y - thing.height, thing.y
        across = np.clip(np.minimum(edges + _CELL, right) - np.maximum(edges, left), 0, _CELL)
        down = np.clip(np.minimum(edges + _CELL, bottom) - np.maximum(edges, top), 0, _CELL)
        cover = np.outer(down, across) * 255 // _CELL**2
        sideways = np.clip(128 + (centres - thing.x) * 160 // thing.width, 0, 255)
        upwards = np.clip((bottom - centres) * 224 // thing.height + 16, 0, 255)
        here = cover > 0
        planes[0] = np.where(here, cover, planes[0])
        planes[1] = np.where(here, sideways[None, :], planes[1])
        planes[2] = np.where(here, upwards[:, None], planes[2])
    return planes


def layout(place: Scene) -> NDArray[np.uint8]:
    """The conditioning map, uint8 (18, 32, 32), one value per cell of 8 pixels.

    Planes: height over far ridge, middle ridge, near ground and water line; sideways and upwards from the sun;
    sideways from the lightning; column; row; then three planes each for trees, landmark and boats.
    """
    centres = np.arange(CELLS, dtype=np.int64) * _CELL + _CELL // 2
    rows = centres[:, None]
    out = np.zeros((CHANNELS, CELLS, CELLS), np.int64)
    profiles = (place.far, place.mid, place.near, (place.horizon,) * 17)
    for channel, profile in enumerate(profiles):
        line = np.array([height_at(profile, int(x)) for x in centres], np.int64)
        out[channel] = 128 + (rows - line[None, :]) // 4
    out[4] = 128 + (centres[None, :] - place.sun_x) // 4
    out[5] = 128 + (rows - place.sun_y) // 4
    out[6] = 128 + (centres[None, :] - place.strike) // 4
    out[7] = centres[None, :] // 16
    out[8] = rows // 16
    out[9:12] = _drawn(place.trees)
    out[12:15] = _drawn((place.landmark,))
    out[15:18] = _drawn(place.boats)
    return np.clip(out, 0, 255).astype(np.uint8)


def _turn(level: int) -> int:
    """A triangle wave of period 256 in -127..127: where a level stands on a circle, without a cosine."""
    level %= 256
    turn = 128 - 2 * level if level < 128 else 2 * level - 384
    return max(min(turn, 127), -127)


def conditions(place: Scene, mood: int, volatility: int, drawdown: int, flow: int) -> NDArray[np.int16]:
    """The conditioning vector, int16 (20,) in -127..127: mood, the three levels (0..255), palette, kinds."""
    kinds = (place.trees[0].kind, place.landmark.kind)
    return np.array(
        [127 * (index == mood) for index in range(8)]
        + [max(level - 128, -127) for level in (volatility, drawdown, flow, place.hue)]
        + [_turn(place.accent), _turn(place.accent + 64)]
        + [127 * (index == kind) for kind in kinds for index in range(3)],
        np.int16,
    )
