"""Paints the training pictures: one coherent world, its mood told by light, weather, season and ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from node.render.scene import SIZE, Scene
from node.render.train import props
from node.render.train.palette import Image, colours, rgb, turned
from node.render.train.textures import Bank, Field

COLLAPSE, STORM, WINTER, OVERCAST, DAWN, CLEAR, GOLDEN, FLOURISHING = range(8)
_Y, _X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + np.float32(0.5)
_CLOUDS = (0.62, 0.86, 0.6, 0.98, 0.42, 0.2, 0.36, 0.26)  # share of the sky under cloud, by mood
_HAZE = (0.3, 0.34, 0.3, 0.42, 0.46, 0.12, 0.34, 0.16)
_JAGGED = (9.0, 4.0, 2.0, 2.0, 1.5, 1.5, 1.5, 1.0)


def mix(image: Image, colour: Image, mask: Field | float) -> Image:
    """`image` with `colour` laid over it where `mask` (0..1) says."""
    cover = mask[..., None] if isinstance(mask, np.ndarray) else mask
    return np.asarray(image + (colour - image) * cover, np.float32)


def smooth(low: float, high: float, value: Field) -> Field:
    """Smoothstep of value between low and high."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _curve(profile: tuple[int, ...], rough: Field | None, reach: float) -> Field:
    """The profile in pixels at every column, its knots joined by a cubic, roughened by `reach` pixels."""
    knots = np.array(profile, np.float32) / 16
    padded = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    at = (np.arange(SIZE) + 0.5) / 16
    i = at.astype(int)
    t = (at - i).astype(np.float32)
    a, b, c, d = padded[i], padded[i + 1], padded[i + 2], padded[i + 3]
    line = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    if rough is not None:
        line = line + reach * rough[0] * 0.6
    return np.asarray(line, np.float32)


def _below(line: Field) -> Field:
    """Anti-aliased mask of what lies under a line, its edge one pixel wide across the slope."""
    slope = np.gradient(line)
    return np.asarray(np.clip((_Y - line) / np.sqrt(1 + slope**2) + 0.5, 0, 1), np.float32)


def paint(place: Scene, mood: int, volatility: int, drawdown: int, bank: Bank, seed: int) -> NDArray[np.uint8]:
    """One picture, uint8 (256, 256, 3). Levels are 0..255; `seed` draws what no condition tells: clouds, grain."""
    rng = np.random.default_rng(seed)
    v, d = volatility / 255, drawdown / 255
    tone = colours(mood, place.hue)
    accent = np.clip(turned(rgb(0.86, 0.32, 0.26), place.accent / 255 * 6.2832), 0.05, 1)
    horizon = place.horizon / 16
    sun_x, sun_y = place.sun_x / 16, place.sun_y / 16
    haze = min(1.0, _HAZE[mood] + 0.42 * d)

    # Sky: three colours, the light around the sun, clouds whose break-up tells volatility.
    t = np.clip(_Y / horizon, 0, 1)
    sky = mix(np.tile(tone["top"], (SIZE, SIZE, 1)), tone["middle"], smooth(0, 0.62, t))
    sky = mix(sky, tone["low"], smooth(0.5, 1.0, t))
    distance = np.sqrt((_X - sun_x) ** 2 + (_Y - sun_y) ** 2)
    shine = (0.5, 0.12, 0.3, 0.16, 0.62, 0.5, 0.8, 0.9)[mood] * (1 - 0.35 * d)
    sky = mix(sky, tone["sun"], np.asarray(shine * np.exp(-distance / (26 + 26 * shine)), np.float32))
    if mood not in (STORM, OVERCAST):
        radius = (13, 0, 11, 0, 15, 13, 16, 17)[mood]
        sky = mix(sky, tone["sun"], np.clip(radius - distance + 0.5, 0, 1) * (0.85 if mood == COLLAPSE else 1.0))
    if mood == DAWN:
        sky = props.stars(sky, rng, horizon)
    if mood in (GOLDEN, FLOURISHING):
        angle = np.arctan2(_Y - sun_y, _X - sun_x)
        rays = 0.5 + 0.5 * np.sin(angle * 14 + place.hue)
        sky = mix(sky, tone["sun"], np.asarray(rays * 0.3 * np.exp(-distance / 90), np.float32))
    if mood == FLOURISHING:
        sky = props.rainbow(sky, SIZE - sun_x, horizon)
    clouds = bank.cut("bands", rng) * (1 - v) + bank.cut("puffs", rng) * (0.35 + v)
    clouds /= np.sqrt((1 - v) ** 2 + (0.35 + v) ** 2)
    cover = 1.25 - 2.3 * _CLOUDS[mood]
    edge = 0.9 - 0.6 * v
    body = smooth(cover, cover + edge, clouds) * (0.92 if mood in (STORM, OVERCAST, COLLAPSE) else 0.8)
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
    picture = sky

    # Ridges, paler with distance and at their feet.
    rough = bank.cut("rock", rng)
    far_line = _curve(place.far, rough, 1.5 + _JAGGED[mood] * 0.8 + 2.5 * v)
    far = tone["far"] * (0.94 + 0.1 * rough[..., None] * (0.4 + 0.6 * v))
    if mood in (WINTER, CLEAR, OVERCAST, STORM):
        reach = 40 if mood == WINTER else 14
        caps = smooth(0, 1, (far_line - _Y + reach) / 7 + 0.8 * rough) * smooth(20, 40, horizon - _Y)
        far = mix(far, np.clip(tone["low"] * 1.1, 0, 1), caps * 0.75)
    far = mix(far, tone["low"], np.asarray(haze * smooth(-50, 4, _Y - horizon), np.float32))
    picture = mix(picture, far, _below(far_line))
    mid_rough = bank.cut("rock", rng)
    mid_line = _curve(place.mid, mid_rough, 0.8 + _JAGGED[mood] * 0.5 + 1.5 * v)
    mist = 0.55 * haze * smooth(-18, 3, _Y - horizon)
    mid = mix(tone["mid"] * (0.95 + 0.08 * mid_rough[..., None]), tone["low"], mist)
    picture = mix(picture, mid, _below(mid_line))
    land = picture

    # Water: what stands above it mirrored, waves as high as the restlessness, a path of light under the sun.
    wave = bank.cut("waves", rng)
    depth = np.clip(_Y - horizon, 0, None)
    ripple = wave * (0.5 + 7 * v) * np.sqrt(np.clip(depth, 0, 70) / 30)
    rows = np.clip(2 * horizon - _Y + ripple, 0, SIZE - 1).astype(int)
    mirror = land[rows, _X.astype(int)]
    water = mix(mirror, tone["water"], np.asarray(np.clip(0.42 + 0.25 * v + depth / 220, 0, 0.9), np.float32))
    crest = smooth(0.9 - 0.3 * v, 1.9, wave) * np.clip(depth / 14, 0, 1)
    water = mix(water, np.clip(tone["low"] * 1.05, 0, 1), crest * (0.16 + 0.5 * v))
    path = np.exp(-(((_X - sun_x) / (5 + depth * 0.34)) ** 2)) * smooth(-0.3 - 0.5 * (1 - v), 0.9, wave)
    water = mix(water, tone["sun"], np.asarray(path * shine * 0.85 * (mood not in (STORM, OVERCAST)), np.float32))
    picture = mix(land, water, np.clip(_Y - horizon + 0.5, 0, 1))
    for boat in place.boats:
        picture = props.boat(picture, boat, accent, tone, mood)
    if mood in (FLOURISHING, DAWN) or d > 0.25:
        veil = np.exp(-(((_Y - horizon) / 13) ** 2)) * (0.24 if mood != DAWN else 0.42) * (0.5 + d)
        picture = mix(picture, tone["low"], np.asarray(veil, np.float32))
    if mood in (COLLAPSE, STORM):
        picture = props.lightning(picture, rng, place.strike / 16, horizon, 0.35 + 0.6 * v, mood == COLLAPSE)

    # Near ground with what stands on it.
    ground = bank.cut("ground", rng)
    near_line = _curve(place.near, ground, 0.8 + 0.4 * _JAGGED[mood] + v)
    under = np.clip((_Y - near_line) / 60, 0, 1)
    near = tone["near"] * (1.16 - 0.5 * under[..., None] + 0.07 * ground[..., None])
    near = props.dress(near, mood, d, accent, tone, _Y - near_line, ground, rng, bank)
    picture = mix(picture, near, _below(near_line))
    picture = props.landmark(picture, place.landmark, accent, tone, mood)
    for tree in place.trees:
        picture = props.tree(picture, tree, accent, tone, mood, v, d, rng)

    # Weather in front of everything, then the drawdown drains the colour.
    picture = props.weather(picture, mood, v, rng, bank)
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    picture = mix(picture, grey[..., None] * (0.96 * tone["low"] + 0.12), 0.5 * d)
    edge_light = 1 - 0.2 * ((_X / 128 - 1) ** 2 + (_Y / 128 - 1) ** 2) / 2
    return np.asarray(np.clip(picture * edge_light[..., None] * 255 + 0.5, 0, 255), np.uint8)
