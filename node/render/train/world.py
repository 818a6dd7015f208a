"""Paints the training pictures: one coherent world, its mood told by light, weather, season and ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from node.render.scene import PICTURE, SIZE, Scene
from node.render.train import props
from node.render.train.palette import Image, colours, rgb, turned
from node.render.train.shapes import Shapes
from node.render.train.textures import Bank, Field

COLLAPSE, STORM, WINTER, OVERCAST, DAWN, CLEAR, GOLDEN, FLOURISHING = range(8)
_SCALE = PICTURE // SIZE
_Y, _X = (np.mgrid[0:PICTURE, 0:PICTURE].astype(np.float32) + np.float32(0.5)) / np.float32(_SCALE)
_CLOUDS = (0.62, 0.86, 0.6, 0.98, 0.42, 0.2, 0.36, 0.26)  # share of the sky under cloud, by mood
_HAZE = (0.3, 0.34, 0.3, 0.42, 0.46, 0.12, 0.34, 0.16)


def mix(image: Image, colour: Image, mask: Field | float) -> Image:
    """`image` with `colour` laid over it where `mask` (0..1) says."""
    cover = mask[..., None] if isinstance(mask, np.ndarray) else mask
    return np.asarray(image + (colour - image) * cover, np.float32)


def smooth(low: float, high: float, value: Field) -> Field:
    """Smoothstep of value between low and high."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def paint(place: Scene, mood: int, volatility: int, drawdown: int, bank: Bank, seed: int) -> NDArray[np.uint8]:
    """One picture, uint8 (512, 512, 3). Levels are 0..255; `seed` draws what no condition tells: the clouds."""
    rng = np.random.default_rng(seed)
    shapes = Shapes(place, mood, volatility)
    v, d = volatility / 255, drawdown / 255
    tone = colours(mood, place.hue)
    accent = np.clip(turned(rgb(0.86, 0.32, 0.26), place.accent / 255 * 6.2832), 0.05, 1)
    haze = min(1.0, _HAZE[mood] + 0.42 * d)
    sky = _sky(place, mood, v, d, tone, shapes, bank, rng)
    land = _ridges(sky, place, mood, tone, shapes, haze)
    picture = _water(land, place, mood, v, d, tone, shapes)
    picture = props.boats(picture, accent, tone, mood, shapes, place)
    if mood in (FLOURISHING, DAWN) or d > 0.25:
        veil = np.exp(-(((_Y - place.horizon / 16) / 13) ** 2)) * (0.24 if mood != DAWN else 0.42) * (0.5 + d)
        picture = mix(picture, tone["low"], np.asarray(veil, np.float32))
    if mood in (COLLAPSE, STORM):
        picture = props.lightning(picture, place, 0.35 + 0.6 * v, mood == COLLAPSE, shapes)
    near = props.ground(mood, d, accent, tone, shapes)
    picture = mix(picture, near, shapes.mask("near"))
    picture = props.landmark(picture, place, accent, tone, mood, shapes)
    picture = props.trees(picture, accent, tone, mood, shapes)
    picture = props.weather(picture, mood, v, shapes)
    # The drawdown drains the colour.
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    picture = mix(picture, grey[..., None] * (0.96 * tone["low"] + 0.12), 0.5 * d)
    edge_light = 1 - 0.2 * ((_X / 128 - 1) ** 2 + (_Y / 128 - 1) ** 2) / 2
    return np.asarray(np.clip(picture * edge_light[..., None] * 255 + 0.5, 0, 255), np.uint8)


def _shine(mood: int, d: float) -> float:
    return (0.5, 0.12, 0.3, 0.16, 0.62, 0.5, 0.8, 0.9)[mood] * (1 - 0.35 * d)


def _sky(
    place: Scene, mood: int, v: float, d: float, tone: dict[str, Image], shapes: Shapes, bank: Bank,
    rng: np.random.Generator,
) -> Image:  # fmt: skip
    """Three colours, the light around the sun, a rainbow, and clouds whose break-up tells volatility."""
    horizon, sun_x, sun_y = place.horizon / 16, place.sun_x / 16, place.sun_y / 16
    t = np.clip(_Y / horizon, 0, 1)
    sky = mix(np.tile(tone["top"], (PICTURE, PICTURE, 1)), tone["middle"], smooth(0, 0.62, t))
    sky = mix(sky, tone["low"], smooth(0.5, 1.0, t))
    distance = np.sqrt((_X - sun_x) ** 2 + (_Y - sun_y) ** 2)
    shine = _shine(mood, d)
    sky = mix(sky, tone["sun"], np.asarray(shine * np.exp(-distance / (26 + 26 * shine)), np.float32))
    if mood not in (STORM, OVERCAST):
        sky = mix(sky, tone["sun"], shapes.mask("sun") * (0.85 if mood == COLLAPSE else 1.0))
    if mood == DAWN:
        sky = mix(sky, rgb(1, 1, 1), np.clip(shapes.distance("air") + 0.6, 0, 1) * 0.9)
    if mood in (GOLDEN, FLOURISHING):
        rays = 0.5 + 0.5 * np.sin(np.arctan2(_Y - sun_y, _X - sun_x) * 14 + place.hue)
        sky = mix(sky, tone["sun"], np.asarray(rays * 0.22 * np.exp(-distance / 90), np.float32))
    clouds = bank.cut("bands", rng) * (1 - v) + bank.cut("puffs", rng) * (0.35 + v)
    clouds /= np.sqrt((1 - v) ** 2 + (0.35 + v) ** 2)
    cover = 1.25 - 2.3 * _CLOUDS[mood]
    body = smooth(cover, cover + 0.9 - 0.6 * v, clouds) * (0.92 if mood in (STORM, OVERCAST, COLLAPSE) else 0.8)
    lit = smooth(cover + 0.2, cover + 1.9, clouds)
    pale, dark = {
        COLLAPSE: (tone["middle"] * 1.3, tone["top"] * 0.6),
        STORM: (tone["middle"] * 1.25, tone["top"] * 0.8),
        OVERCAST: (tone["low"], tone["top"] * 0.92),
        DAWN: (tone["low"], tone["middle"] * 0.82),
        GOLDEN: (tone["low"], tone["middle"] * 0.92),
    }.get(mood, (rgb(1, 1, 1), tone["middle"] * 0.55 + tone["low"] * 0.45))
    shade = mix(pale + np.zeros_like(sky), dark, lit)
    if mood == COLLAPSE:
        shade = mix(shade, tone["low"], np.asarray(0.5 * smooth(0.55, 1, t) * (1 - lit), np.float32))
    sky = mix(sky, shade, body * (1 - 0.35 * smooth(0.8, 1, t)))
    return props.rainbow(sky, shapes.distance("bolt")) if mood == FLOURISHING else sky


def _ridges(sky: Image, place: Scene, mood: int, tone: dict[str, Image], shapes: Shapes, haze: float) -> Image:
    """Two ridges, paler with distance and at their feet; snow on the far one."""
    horizon, rock = place.horizon / 16, shapes.texture("grain")
    far = tone["far"] * (0.96 + 0.07 * rock[..., None])
    # Facets: the grain seen from the side the sun stands on.
    slope = (rock - np.roll(rock, 5, 1)) * np.clip((_X - place.sun_x / 16) / 50, -1, 1)
    far = far * (1 - np.clip(slope * 0.8, -0.14, 0.24))[..., None]
    if mood in (WINTER, CLEAR, OVERCAST, STORM):
        # The guide knows only the first eight pixels below the line: snow lies there and on what is high.
        crest = smooth(7.9, 2.0, shapes.distance("far") + 1.3 * rock)
        high = smooth(0, 1, (horizon - _Y - (18 if mood == WINTER else 42)) / 16 + 0.5 * rock)
        caps = np.maximum(crest * smooth(16, 34, horizon - _Y), high)
        far = mix(far, np.clip(tone["low"] * 1.1, 0, 1), caps * 0.8)
    far = mix(far, tone["low"], np.asarray(haze * smooth(-50, 4, _Y - horizon), np.float32))
    picture = mix(sky, far, shapes.mask("far"))
    mist = 0.55 * haze * smooth(-18, 3, _Y - horizon)
    mid = mix(tone["mid"] * (0.95 + 0.1 * rock[..., None]), tone["low"], mist)
    return mix(picture, mid, shapes.mask("mid"))


def _water(land: Image, place: Scene, mood: int, v: float, d: float, tone: dict[str, Image], shapes: Shapes) -> Image:
    """What stands above it mirrored, waves as high as the restlessness, a path of light under the sun."""
    horizon, wave = place.horizon / 16, shapes.texture("waves")
    depth = np.clip(_Y - horizon, 0, None)
    ripple = wave * (0.5 + 5 * v) * np.sqrt(np.clip(depth, 0, 70) / 30)
    rows = np.clip((2 * horizon - _Y + ripple) * _SCALE, 0, PICTURE - 1).astype(int)
    mirror = land[rows, np.arange(PICTURE)[None, :]]
    water = mix(mirror, tone["water"], np.asarray(np.clip(0.42 + 0.25 * v + depth / 220, 0, 0.9), np.float32))
    crest = smooth(0.7 - 0.4 * v, 1.5, wave) * np.clip(depth / 10, 0, 1)
    water = mix(water, np.clip(tone["low"] * 1.05, 0, 1), crest * (0.22 + 0.5 * v))
    trough = smooth(0.6, 1.6, -wave) * np.clip(depth / 10, 0, 1)
    water = water * (1 - 0.16 * (0.4 + v) * trough)[..., None]
    path = np.exp(-(((_X - place.sun_x / 16) / (5 + depth * 0.34)) ** 2)) * smooth(-0.3 - 0.5 * (1 - v), 0.9, wave)
    glint = path * _shine(mood, d) * 0.85 * (mood not in (STORM, OVERCAST))
    water = mix(water, tone["sun"], np.asarray(glint, np.float32))
    return mix(land, water, shapes.mask("water"))
