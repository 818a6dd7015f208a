"""Colours what stands, flies and grows in the training pictures; where it stands the guide says."""

from __future__ import annotations

import numpy as np

from node.render.scene import PICTURE, SIZE, Scene
from node.render.train.palette import Image, rgb
from node.render.train.shapes import Shapes
from node.render.train.textures import Field

COLLAPSE, STORM, WINTER, OVERCAST, DAWN, CLEAR, GOLDEN, FLOURISHING = range(8)
_SCALE = PICTURE // SIZE
_Y, _X = (np.mgrid[0:PICTURE, 0:PICTURE].astype(np.float32) + np.float32(0.5)) / np.float32(_SCALE)
_LIT = (COLLAPSE, STORM, WINTER, DAWN, GOLDEN)


def _over(image: Image, colour: Image, mask: Field) -> Image:
    return np.asarray(image + (colour - image) * mask[..., None], np.float32)


def _shifted(field: Field, right: int, down: int) -> Field:
    """The field moved by pixels of the picture; what leaves on one side comes back on the other, far from anything."""
    return np.roll(field, (down, right), (0, 1))


def rainbow(sky: Image, away: Field) -> Image:
    """A bow opposite the sun, `away` pixels (within -8..8) from its middle."""
    across = np.clip(away / 14 + 0.5, 0, 1)[..., None]
    bow = np.clip(np.abs(across * 4.4 - np.array([4.4, 2.4, 0.6], np.float32)) * -0.75 + 1.25, 0, 1)
    mask = np.clip(1.2 - (np.abs(away) / 7) ** 4, 0, 1) * (np.abs(away) < 7.9) * 0.5
    return _over(sky, bow, np.asarray(mask, np.float32))


def lightning(picture: Image, place: Scene, strength: float, red: bool, shapes: Shapes) -> Image:
    """A forked bolt from the clouds to the horizon, its halo with it."""
    colour = rgb(1.0, 0.86, 0.7) if red else rgb(0.94, 0.96, 1.0)
    glow = np.exp(-(((_X - place.strike / 16) / 30) ** 2)) * np.clip(1 - _Y / (place.horizon / 16), 0, 1)
    picture = _over(picture, colour, np.asarray(glow * 0.3 * strength, np.float32))
    near = np.exp(-np.clip(-shapes.distance("bolt"), 0, 8) / 2.2) * (shapes.distance("bolt") > -7.9)
    picture = _over(picture, colour, np.asarray(near * 0.5 * strength, np.float32))
    return _over(picture, np.clip(colour * 1.1, 0, 1), shapes.mask("bolt"))


def _afloat(place: Scene) -> Field:
    """1 around the boats, 0 around the landmark, with which they share planes."""
    out = np.zeros((PICTURE, PICTURE), np.float32)
    for boat in place.boats:
        box = (np.abs(_X - boat.x / 16) < 14) & (boat.y / 16 + 3 > _Y) & (boat.y / 16 - 24 < _Y)
        out[box] = 1
    it = place.landmark
    out[(np.abs(_X - it.x / 16) < it.width / 16) & (it.y / 16 - it.height / 16 - 8 < _Y)] = 0
    return out


def boats(picture: Image, accent: Image, tone: dict[str, Image], mood: int, shapes: Shapes, place: Scene) -> Image:
    """Small sailing boats."""
    dim = 0.42 if mood == COLLAPSE else 0.75 if mood == STORM else 1.0
    afloat = _afloat(place)
    sail = np.asarray(np.clip(tone["sun"] * 1.05, 0, 1) * dim, np.float32)
    picture = _over(picture, sail, shapes.mask("lights") * afloat)
    return _over(picture, np.asarray(accent * 0.7 * dim, np.float32), shapes.mask("accents") * afloat)


def _leaf(mood: int, accent: Image, tone: dict[str, Image]) -> Image:
    if mood == FLOURISHING:
        return np.asarray(0.3 * tone["leaf"] + 0.7 * np.clip(accent * 0.8 + 0.28, 0, 1), np.float32)
    if mood in (CLEAR, OVERCAST):
        return tone["leaf"]
    return np.asarray(0.85 * tone["leaf"] + 0.15 * accent * tone["leaf"].mean(), np.float32)


def trees(picture: Image, accent: Image, tone: dict[str, Image], mood: int, shapes: Shapes) -> Image:
    """Trees of the scene's kind; leaves catch the light from above, snow lies on conifers."""
    grain = shapes.texture("grain")
    bark = np.asarray(tone["near"] * 0.42 + (0.04 if mood != COLLAPSE else 0.0), np.float32)
    if mood == WINTER:
        bark = np.asarray(rgb(0.24, 0.22, 0.25) * 0.8 + tone["near"] * 0.06, np.float32)
    wood = shapes.distance("wood")
    rim = np.clip(wood - _shifted(wood, -3, 2), 0, 1)  # the side away from the light is darker
    trunk = np.asarray(bark * 1.25, np.float32) * (1 - 0.45 * rim[..., None])
    picture = _over(picture, trunk, shapes.mask("wood"))
    if mood == WINTER:
        lying = np.clip(wood - _shifted(wood, 0, 3), 0, 1) * shapes.mask("wood")
        picture = _over(picture, rgb(0.95, 0.97, 1.0), np.asarray(lying * 0.8, np.float32))
    crown = shapes.distance("crown")
    leaf = _leaf(mood, accent, tone)
    if mood == COLLAPSE:
        leaf = tone["near"] * np.float32(0.8)
    # Light from above left: where the crown still goes on up there, it is in its own shade.
    shade = np.clip((_shifted(crown, 5, 7) - crown) * 0.25 + 0.35 * grain + 0.35, 0, 1)
    inner = np.clip(crown / 7, 0, 1)
    foliage = leaf * (0.58 + 0.34 * inner + 0.16 * grain)[..., None] * (1 - 0.3 * shade)[..., None]
    lit = np.clip(crown - _shifted(crown, 4, 5), 0, 1.6) / 1.6
    foliage = _over(np.asarray(foliage, np.float32), np.asarray(leaf * 1.2 + 0.06, np.float32), 0.55 * lit)
    if mood == FLOURISHING:
        bloom = np.clip(grain * 2.5 - 1.6, 0, 1)
        foliage = _over(foliage, rgb(1.0, 0.96, 0.95), np.asarray(bloom * 0.75, np.float32))
    if mood == WINTER:
        snow = np.clip(crown - _shifted(crown, 0, 6) + 0.4 * grain, 0, 1)
        foliage = _over(foliage, rgb(0.94, 0.96, 1.0), np.asarray(snow * 0.92, np.float32))
    return _over(picture, np.clip(foliage, 0, 1), shapes.mask("crown"))


def landmark(
    picture: Image, place: Scene, accent: Image, tone: dict[str, Image], mood: int, shapes: Shapes
) -> Image:  # fmt: skip
    """A house, a lighthouse or a chapel: walls with a shaded side, coloured roof, windows lit when the light is low."""
    light = (0.34, 0.55, 0.95, 0.78, 0.7, 1.0, 0.95, 1.06)[mood]
    ashore = 1 - _afloat(place)
    wall = np.asarray(np.clip((tone["low"] * 0.5 + 0.42) * light, 0, 1), np.float32)
    roof = np.asarray(np.clip(accent * (0.3 + 0.7 * light), 0, 1), np.float32)
    side = np.clip((_X - place.landmark.x / 16 - 1) / 2, 0, 1) * (1 if place.sun_x < place.landmark.x else -1)
    side = np.where(side < 0, 1 + side, side)[..., None]
    picture = _over(picture, np.asarray(wall * (1 - 0.26 * side), np.float32), shapes.mask("walls"))
    picture = _over(picture, np.asarray(roof * (1 - 0.22 * side), np.float32), shapes.mask("accents") * ashore)
    glow = mood in _LIT
    pane = rgb(1.0, 0.5, 0.16) if mood == COLLAPSE else rgb(1.0, 0.84, 0.46) if glow else rgb(0.2, 0.26, 0.34)
    panes = shapes.distance("lights")
    if glow:
        halo = np.exp(-np.clip(-panes, 0, 8) / 2.4) * (panes > -7.9) * ashore
        picture = _over(picture, pane, np.asarray(0.42 * halo, np.float32))
    return _over(picture, pane, shapes.mask("lights") * ashore)


def ground(mood: int, d: float, accent: Image, tone: dict[str, Image], shapes: Shapes) -> Image:
    """The near ground's season: glowing cracks, snow, leaves, grass or flowers; dry cracks as the drawdown grows."""
    grain, depth = shapes.texture("grain"), shapes.distance("near")
    under = np.clip(_Y - 186, 0, 70) / 70
    near = tone["near"] * (1.16 - 0.42 * under[..., None] + 0.1 * grain[..., None])
    if mood not in (WINTER, COLLAPSE):
        # Blades along the ridge, and tufts where the grain is high.
        rim = np.asarray(np.exp(-np.clip(depth, 0, 8) / 2.2) * 0.34, np.float32)
        near = _over(near, tone["low"] * 0.45 + tone["leaf"] * 0.55, rim)
        tufts = np.clip((_shifted(grain, 1, 4) - grain) * 1.6, 0, 1)
        near = _over(near, tone["low"] * 0.3 + tone["leaf"] * 0.7, np.asarray(tufts * 0.4, np.float32))
    elif mood == WINTER:
        near = near * (1 - 0.16 * np.clip((grain - _shifted(grain, 2, 4)) * 1.6, 0, 1))[..., None]
        near = _over(near, rgb(1, 1, 1), np.asarray(np.exp(-np.clip(depth, 0, 8) / 1.6) * 0.8, np.float32))
    cracks = shapes.distance("cracks")
    line = shapes.mask("cracks")
    if mood == COLLAPSE:
        heat = np.exp(-np.clip(-cracks, 0, 8) / 3) * (cracks > -7.9)
        near = _over(near, rgb(0.85, 0.2, 0.05), np.asarray(heat * 0.6, np.float32))
        near = _over(near, rgb(1.0, 0.68, 0.26), line)
    elif d > 0.2:
        near = near * (1 - line * 0.6 * (d - 0.1))[..., None]
    blooms, pale = shapes.mask("flowers"), np.clip(shapes.distance("flowers") * 2.2 - 0.8, 0, 1)
    near = _over(near, np.clip(accent * 0.8 + 0.2, 0, 1), np.asarray(blooms * (1 - 0.8 * d), np.float32))
    near = _over(near, rgb(1.0, 0.96, 0.82), np.asarray(pale * (1 - 0.8 * d), np.float32))
    return np.asarray(np.clip(near, 0, 1), np.float32)


def weather(picture: Image, mood: int, v: float, shapes: Shapes) -> Image:
    """Rain, snow, embers or drifting lights."""
    air = shapes.distance("air")
    if mood == STORM:
        return _over(picture, rgb(0.82, 0.88, 0.94), shapes.mask("air") * np.float32(0.22 + 0.26 * v))
    if mood == WINTER:
        return _over(picture, rgb(1, 1, 1), shapes.mask("air") * np.float32(0.9))
    if mood in (COLLAPSE, GOLDEN, FLOURISHING):
        colour = rgb(1.0, 0.55, 0.16) if mood == COLLAPSE else rgb(1.0, 0.98, 0.78)
        glow = np.exp(-np.clip(-air, 0, 8) / 2.2) * (air > -7.9) * 0.4
        picture = _over(picture, colour, np.asarray(glow, np.float32))
        return _over(picture, np.clip(colour * 1.15, 0, 1), shapes.mask("air") * np.float32(0.9))
    return picture
