"""Colours of the eight moods, and their turns by a token's hue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]  # float32, (..., 3), 0..1

# Per mood: sky at the top, in the middle, at the horizon; sun; far ridge, middle ridge, near ground; water; foliage.
_TABLE: dict[str, list[tuple[int, int, int]]] = {
    "collapse": [
        (14, 8, 14), (62, 14, 20), (206, 66, 24), (255, 120, 50),
        (66, 24, 26), (38, 15, 19), (14, 8, 11), (96, 30, 22), (20, 11, 13),
    ],
    "storm": [
        (22, 28, 44), (50, 62, 80), (116, 130, 138), (186, 196, 204),
        (66, 80, 96), (42, 54, 64), (20, 28, 32), (54, 74, 88), (26, 38, 36),
    ],
    "winter": [
        (126, 152, 188), (176, 196, 216), (232, 236, 238), (255, 252, 240),
        (158, 178, 206), (196, 210, 226), (236, 241, 248), (126, 156, 184), (92, 110, 124),
    ],
    "overcast": [
        (112, 124, 132), (152, 160, 160), (204, 202, 190), (236, 232, 216),
        (130, 142, 144), (98, 110, 102), (60, 72, 58), (130, 144, 148), (58, 72, 54),
    ],
    "dawn": [
        (58, 60, 124), (176, 112, 158), (255, 190, 150), (255, 232, 196),
        (150, 112, 156), (98, 76, 128), (48, 40, 80), (196, 136, 160), (62, 48, 88),
    ],
    "clear": [
        (36, 106, 202), (104, 174, 234), (212, 236, 244), (255, 252, 226),
        (116, 156, 198), (74, 132, 112), (54, 118, 58), (56, 138, 194), (40, 96, 52),
    ],
    "golden": [
        (92, 96, 156), (240, 154, 84), (255, 222, 128), (255, 246, 196),
        (202, 130, 98), (164, 88, 60), (92, 48, 38), (240, 180, 104), (204, 96, 36),
    ],
    "flourishing": [
        (34, 120, 206), (110, 214, 222), (255, 244, 196), (255, 255, 236),
        (122, 178, 222), (70, 186, 132), (52, 156, 70), (62, 206, 214), (246, 132, 176),
    ],
}  # fmt: skip
MOODS = tuple(_TABLE)


def rgb(red: float, green: float, blue: float) -> Image:
    """One colour, float32 (3,), from parts in 0..1."""
    return np.array([red, green, blue], np.float32)


_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
_FROM_YIQ = np.linalg.inv(_TO_YIQ).astype(np.float32)


def turned(colours: Image, turn: float, saturation: float = 1.0) -> Image:
    """Colours (..., 3) turned about the grey axis by `turn` radians, their saturation scaled."""
    cos, sin = np.cos(turn) * saturation, np.sin(turn) * saturation
    spin = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)
    return np.asarray(colours @ (_FROM_YIQ @ spin @ _TO_YIQ).T, np.float32)


def colours(mood: int, hue: int) -> dict[str, Image]:
    """Named colours in 0..1 of a mood; `hue` 0..255 turns them by at most 23 degrees either way."""
    table = np.array(_TABLE[MOODS[mood]], np.float32) / 255
    table = np.clip(turned(table, (hue - 127.5) / 127.5 * 0.4), 0, 1)
    names = ("top", "middle", "low", "sun", "far", "mid", "near", "water", "leaf")
    return dict(zip(names, table, strict=True))
