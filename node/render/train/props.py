"""What stands, flies and falls in the training pictures: trees, houses, boats, lightning, rain, flowers."""

from __future__ import annotations

import numpy as np

from node.render.scene import SIZE, Thing
from node.render.train.palette import Image, rgb
from node.render.train.textures import Bank, Field

_Y, _X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + np.float32(0.5)
COLLAPSE, STORM, WINTER, OVERCAST, DAWN, CLEAR, GOLDEN, FLOURISHING = range(8)


def _over(image: Image, colour: Image, mask: Field, box: tuple[slice, slice]) -> None:
    image[box] += (colour - image[box]) * mask[..., None]


def _window(x: float, y: float, width: float, height: float) -> tuple[tuple[slice, slice], Field, Field]:
    """The picture's part around a foot (x, y), and coordinates there: sideways from it, upwards from it."""
    left, right = max(0, int(x - width / 2) - 3), min(SIZE, int(x + width / 2) + 4)
    top, bottom = max(0, int(y - height) - 3), min(SIZE, int(y) + 4)
    box = (slice(top, max(top, bottom)), slice(left, max(left, right)))
    return box, _X[box] - np.float32(x), np.float32(y) - _Y[box]


def _soft(distance: Field) -> Field:
    return np.asarray(np.clip(distance + 0.5, 0, 1), np.float32)


def _segment(across: Field, up: Field, a: tuple[float, float], b: tuple[float, float], thick: float) -> Field:
    dx, dy = b[0] - a[0], b[1] - a[1]
    t = np.clip(((across - a[0]) * dx + (up - a[1]) * dy) / (dx * dx + dy * dy + 1e-6), 0, 1)
    away = np.sqrt((across - a[0] - t * dx) ** 2 + (up - a[1] - t * dy) ** 2)
    return _soft(thick * (1 - 0.6 * t) - away)


def stars(sky: Image, rng: np.random.Generator, horizon: float) -> Image:
    """A few soft stars in the upper sky."""
    sky = sky.copy()
    for _ in range(14):
        x, y = rng.uniform(0, SIZE), rng.uniform(0, horizon * 0.4)
        box, across, up = _window(x, y + 4, 8, 8)
        glow = np.exp(-(across**2 + (up - 4) ** 2) / 1.6) * rng.uniform(0.5, 1.0)
        _over(sky, rgb(1, 1, 1), np.asarray(glow, np.float32), box)
    return sky


def rainbow(sky: Image, x: float, horizon: float) -> Image:
    """A bow opposite the sun."""
    radius = np.sqrt((_X - x) ** 2 + (_Y - horizon - 20) ** 2)
    place = (radius - 112) / 16
    hue = np.clip(place, 0, 1)[..., None]
    bow = np.clip(np.abs(hue * 4.4 - np.array([4.4, 2.4, 0.6], np.float32)) * -0.75 + 1.25, 0, 1)
    mask = np.exp(-(((place - 0.5) / 0.42) ** 4)) * 0.4
    return np.asarray(sky + (bow - sky) * mask[..., None], np.float32)


def lightning(picture: Image, rng: np.random.Generator, at: float, horizon: float, strength: float, red: bool) -> Image:
    """A forked bolt from the clouds to the horizon, its halo with it."""
    picture = picture.copy()
    colour = rgb(1.0, 0.86, 0.7) if red else rgb(0.94, 0.96, 1.0)
    for offset in (0.0, 52.0 if at < SIZE / 2 else -52.0)[: 1 + int(strength > 0.6)]:
        x, y = at + offset, 4.0
        mask = np.zeros((SIZE, SIZE), np.float32)
        while y < horizon - 4:
            nx, ny = at + offset + rng.uniform(-12, 12), y + rng.uniform(8, 15)
            mask = np.maximum(mask, _segment(_X, _Y, (x, y), (nx, ny), 1.5))
            if rng.uniform() < 0.16:
                mask = np.maximum(mask, 0.8 * _segment(_X, _Y, (x, y), (x + rng.uniform(-30, 30), y + 24), 1.0))
            x, y = nx, ny
        columns = mask.max(0)
        halo = np.convolve(columns, np.exp(-(np.arange(-40, 41) ** 2) / 300.0), "same")
        glow = np.clip(halo / (halo.max() + 1e-6), 0, 1)[None, :] * np.clip(1 - _Y / horizon, 0, 1)
        picture += (colour - picture) * np.asarray(glow * 0.32 * strength, np.float32)[..., None]
        picture += (colour - picture) * (mask * min(1.0, 0.5 + strength))[..., None]
    return picture


def boat(picture: Image, it: Thing, accent: Image, tone: dict[str, Image], mood: int) -> Image:
    """A small sailing boat."""
    picture = picture.copy()
    box, across, up = _window(it.x / 16, it.y / 16, it.width / 16 + 6, it.height / 16)
    sail = _soft(np.minimum(np.minimum(across + 0.5, (17 - up) * 0.42 - across), up - 4.5))
    jib = _soft(np.minimum(np.minimum(-1.2 - across, (14 - up) * 0.4 + across), up - 4.5))
    hull = _soft(np.minimum(np.minimum(up - 0.5, 3.6 - up), 5 + up * 0.6 - np.abs(across)))
    dim = 0.42 if mood == COLLAPSE else 0.75 if mood == STORM else 1.0
    _over(picture, np.asarray(np.clip(tone["sun"] * 1.05, 0, 1) * dim, np.float32), np.maximum(sail, jib * 0.9), box)
    _over(picture, np.asarray(accent * 0.7 * dim, np.float32), hull, box)
    return picture


def _leaf(mood: int, accent: Image, tone: dict[str, Image]) -> Image:
    if mood == FLOURISHING:
        return np.asarray(0.3 * tone["leaf"] + 0.7 * np.clip(accent * 0.8 + 0.28, 0, 1), np.float32)
    if mood in (CLEAR, OVERCAST):
        return tone["leaf"]
    return np.asarray(0.85 * tone["leaf"] + 0.15 * accent * tone["leaf"].mean(), np.float32)


def tree(
    picture: Image,
    it: Thing,
    accent: Image,
    tone: dict[str, Image],
    mood: int,
    v: float,
    d: float,
    rng: np.random.Generator,
) -> Image:
    """A tree of its kind (0 conifer, 1 round, 2 slender); bare in collapse and winter, leaning with the wind."""
    picture = picture.copy()
    tall, wide = it.height / 16, it.width / 16
    box, across, up = _window(it.x / 16, it.y / 16, wide * 1.5 + 14, tall)
    across = across - (up / tall) ** 2 * v * tall * 0.16
    bark = np.asarray(tone["near"] * 0.42 + (0.04 if mood != COLLAPSE else 0.0), np.float32)
    bare = mood == COLLAPSE or (mood == WINTER and it.kind != 0) or d > 0.82
    if bare and it.kind != 0:
        _over(picture, bark, _segment(across, up, (0, 0), (0, tall * 0.92), 1.2 + tall * 0.03), box)
        for step in range(6):
            foot = tall * (0.3 + 0.1 * step)
            side = 1 if step % 2 else -1
            reach = wide * 0.5 * (1.15 - 0.14 * step)
            tip = (side * reach, foot + reach * 0.85 + 3)
            _over(picture, bark, _segment(across, up, (0, foot), tip, 1.5), box)
            middle = (tip[0] * 0.55, (foot + tip[1]) / 2)
            end = (middle[0] + side * 2, middle[1] + reach * 0.7)
            _over(picture, bark, _segment(across, up, middle, end, 1.0), box)
        return picture
    leaf = _leaf(mood, accent, tone)
    if mood == COLLAPSE:
        leaf = tone["near"] * np.float32(0.8)
    dark = np.asarray(leaf * 0.62, np.float32)
    _over(picture, bark, _soft(np.minimum(1 + tall * 0.025 - np.abs(across), np.minimum(up, tall * 0.5 - up))), box)
    if it.kind == 0:
        for tier in range(4):
            low, high = tall * (0.14 + 0.19 * tier), tall * (0.48 + 0.173 * tier)
            half = wide * (0.52 - 0.1 * tier)
            cone = np.minimum((high - up) / (high - low) * half - np.abs(across), up - low)
            _over(picture, dark + (leaf - dark) * np.float32(tier / 3), _soft(cone), box)
            if mood == WINTER:
                snow = np.minimum(cone, (np.sin(across * 0.9) * 1.5 + up - low - (high - low) * 0.42))
                _over(picture, rgb(0.94, 0.96, 1.0), _soft(snow) * 0.9, box)
    elif it.kind == 1:
        blobs = [(0.0, 0.62, 0.36), (-0.26, 0.5, 0.27), (0.27, 0.52, 0.27), (-0.12, 0.78, 0.26), (0.14, 0.76, 0.24)]
        for x, y, r in blobs:
            _over(picture, dark, _soft(r * wide - np.hypot(across - x * wide, up - y * tall)), box)
        for x, y, r in blobs:
            away = np.hypot(across - x * wide + 1.5, up - y * tall - 2.5)
            _over(picture, leaf, _soft((r * wide * 0.78 - away) * 0.6), box)
    else:
        girth = 0.5 * wide * np.sin(np.pi * np.clip(up / tall, 0.02, 1) ** 0.72)
        shape = np.minimum(girth - np.abs(across), up - tall * 0.06)
        _over(picture, dark, _soft(shape), box)
        _over(picture, leaf, _soft(np.minimum(shape - 1.5, 0.5 - across) * 0.7), box)
    if mood == FLOURISHING and it.kind != 2:
        for _ in range(7):
            x, y = rng.uniform(-0.36, 0.36) * wide, rng.uniform(0.35, 0.85) * tall
            fruit = np.exp(-((across - x) ** 2 + (up - y) ** 2) / 3.0) * (np.abs(across) < wide * 0.5)
            _over(picture, rgb(1.0, 0.97, 0.9), np.asarray(fruit * 0.8, np.float32), box)
    return picture


def landmark(picture: Image, it: Thing, accent: Image, tone: dict[str, Image], mood: int) -> Image:
    """A house, a lighthouse or a chapel; a ruin after a collapse, lit windows when the light is low."""
    picture = picture.copy()
    tall, wide = it.height / 16, it.width / 16
    box, across, up = _window(it.x / 16, it.y / 16, wide + 60, tall + 20)
    light = (0.34, 0.55, 0.95, 0.78, 0.7, 1.0, 0.95, 1.06)[mood]
    wall = np.asarray(np.clip((tone["low"] * 0.5 + 0.42) * light, 0, 1), np.float32)
    roof = np.asarray(np.clip(accent * (0.3 + 0.7 * light), 0, 1), np.float32)
    shade = wall * np.float32(0.72)
    broken = tall * 0.62 + np.sin(across * 0.8) * 3 - across * 0.25
    ruin = broken if mood == COLLAPSE else np.full_like(across, 999)
    if it.kind == 0:
        body = np.minimum(np.minimum(wide / 2 - 2 - np.abs(across), tall * 0.6 - up), up)
        cap = np.minimum((tall - up) * 1.55 - np.abs(across) + 1, up - tall * 0.56)
        chimney = np.minimum(np.minimum(2.6 - np.abs(across - 9), tall * 1.06 - up), up - tall * 0.5)
        spots = [(-9.0, 7.5), (0.0, 7.5), (9.0, 7.5)]
    elif it.kind == 1:
        body = np.minimum(np.minimum(wide / 2 - 1 - up * 0.055 - np.abs(across), tall * 0.82 - up), up)
        cap = np.minimum(5.5 - np.abs(across) - (up - tall * 0.9).clip(0) * 0.9, np.minimum(up - tall * 0.8, tall - up))
        chimney = np.minimum(np.minimum(6.5 - np.abs(across), tall * 0.82 - up), up - tall * 0.77)
        spots = [(0.0, tall * 0.86), (0.0, tall * 0.4)]
    else:
        body = np.minimum(np.minimum(wide / 2 - 1 - np.abs(across), tall * 0.45 - up), up)
        body = np.maximum(body, np.minimum(np.minimum(4.5 - np.abs(across), tall * 0.72 - up), up))
        cap = np.minimum((tall * 1.02 - up) * 0.48 - np.abs(across), up - tall * 0.68)
        eaves = np.minimum(up - tall * 0.43, wide / 2 - np.abs(across) + 1)
        chimney = np.minimum((tall * 0.62 - up) * 1.5 - np.abs(across), eaves)
        spots = [(-6.5, 7.0), (6.5, 7.0), (0.0, tall * 0.56)]
    _over(picture, roof * np.float32(0.75), _soft(np.minimum(chimney, ruin - up)), box)
    _over(picture, wall, _soft(np.minimum(body, ruin - up)), box)
    if it.kind == 1:
        stripe = np.minimum(body, 3.6 - np.abs((up - 6) % 15 - 7.5))
        _over(picture, roof, _soft(np.minimum(stripe, ruin - up)), box)
    _over(picture, shade, _soft(np.minimum(np.minimum(body, across - wide * 0.12), ruin - up)) * 0.6, box)
    _over(picture, roof, _soft(np.minimum(cap, ruin - up - 4)), box)
    lit = mood in (COLLAPSE, STORM, WINTER, DAWN, GOLDEN)
    pane = rgb(1.0, 0.5, 0.16) if mood == COLLAPSE else rgb(1.0, 0.84, 0.46) if lit else rgb(0.2, 0.26, 0.34)
    for x, y in spots:
        frame = np.minimum(2.2 - np.abs(across - x), 3.0 - np.abs(up - y))
        _over(picture, pane, _soft(np.minimum(frame, ruin - up)), box)
        if lit:
            halo = 0.3 * np.exp(-((across - x) ** 2 + (up - y) ** 2) / 50)
            _over(picture, pane, np.asarray(halo, np.float32), box)
    return picture


def dress(
    near: Image, mood: int, d: float, accent: Image, tone: dict[str, Image], depth: Field, ground: Field,
    rng: np.random.Generator, bank: Bank,
) -> Image:  # fmt: skip
    """The near ground's season: glowing cracks, snow, leaves, grass or flowers; dry cracks as the drawdown grows."""
    veins = np.abs(bank.cut("veins", rng)) * (1 + 6 / (6 + np.clip(depth, 0, 60)))
    line = np.asarray(np.clip(1.4 - veins / 0.12, 0, 1), np.float32)
    if mood == COLLAPSE:
        heat = np.clip(1 - veins / 0.6, 0, 1) ** 2
        near = near + (rgb(0.85, 0.2, 0.05) - near) * np.asarray(heat * 0.55, np.float32)[..., None]
        near = near + (rgb(1.0, 0.66, 0.24) - near) * line[..., None]
    elif d > 0.2:
        near = near * (1 - line * 0.6 * (d - 0.1))[..., None]
    if mood in (CLEAR, DAWN, OVERCAST, GOLDEN, FLOURISHING):
        blades = np.clip(np.sin(_X * 0.8 + 3 * ground) * 0.5 + 0.5, 0, 1) * np.exp(-np.clip(depth, 0, 99) / 7)
        near = near + (tone["low"] * 0.5 + tone["leaf"] * 0.5 - near) * (0.28 * blades)[..., None]
    count = {FLOURISHING: 60, GOLDEN: 22, CLEAR: 14}.get(mood, 0)
    if count:
        blooms = np.zeros((SIZE, SIZE), np.float32)
        pale = np.zeros((SIZE, SIZE), np.float32)
        for index in range(int(count * (1 - 0.8 * d))):
            x, y = rng.uniform(0, SIZE), SIZE - rng.uniform(0, 1) ** 1.3 * 70
            box, across, up = _window(x, y + 5, 12, 12)
            size = 1.2 + 1.5 * (y - 180) / 76
            spot = _soft(size - np.hypot(across, up - 5))
            target = blooms if index % 3 else pale
            target[box] = np.maximum(target[box], spot)
        near = near + (np.clip(accent * 0.8 + 0.2, 0, 1) - near) * blooms[..., None]
        near = near + (rgb(1.0, 0.96, 0.82) - near) * pale[..., None]
    return np.asarray(np.clip(near, 0, 1), np.float32)


def weather(picture: Image, mood: int, v: float, rng: np.random.Generator, bank: Bank) -> Image:
    """Rain, snow, embers or drifting lights, more of them the higher the volatility."""
    if mood == STORM:
        rain = bank.cut("rain", rng) * np.float32(0.2 + 0.3 * v)
        return np.asarray(picture + (rgb(0.82, 0.88, 0.94) - picture) * rain[..., None], np.float32)
    bits = {WINTER: (46, 1.9), COLLAPSE: (30, 1.6), FLOURISHING: (16, 2.4), GOLDEN: (8, 1.7)}.get(mood)
    if bits is None:
        return picture
    count, size = int(bits[0] * (0.5 + v)), bits[1]
    colour = {WINTER: rgb(1, 1, 1), COLLAPSE: rgb(1.0, 0.55, 0.16)}.get(mood, rgb(1.0, 0.98, 0.78))
    picture = picture.copy()
    for _ in range(count):
        x, y, r = rng.uniform(0, SIZE), rng.uniform(0, SIZE), size * rng.uniform(0.6, 1.2)
        box, across, up = _window(x, y + 9, 20, 20)
        away = np.hypot(across, up - 9)
        glow = np.exp(-(away**2) / 18) * (0.0 if mood == WINTER else 0.3)
        _over(picture, colour, np.maximum(_soft(r - away) * 0.9, glow), box)
    return picture
