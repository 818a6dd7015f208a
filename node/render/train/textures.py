"""Noise fields the generator cuts its clouds, ground, rain and waves from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[Any]  # float32, (H, W)
_TILE = 512


def spectral(rng: np.random.Generator, exponent: float, stretch: float) -> Field:
    """A tileable field of unit variance whose spectrum falls with `exponent`, drawn out `stretch` times sideways."""
    down = np.fft.fftfreq(_TILE)[:, None]
    across = np.fft.rfftfreq(_TILE)[None, :] * stretch
    radius = np.sqrt(down**2 + across**2)
    radius[0, 0] = 1
    amplitude = radius**-exponent
    amplitude[0, 0] = 0
    phase = rng.uniform(0, 2 * np.pi, amplitude.shape)
    field = np.fft.irfft2(amplitude * np.exp(1j * phase), (_TILE, _TILE))
    return np.asarray(field / field.std(), np.float32)


def streaks(rng: np.random.Generator, slope: float) -> Field:
    """Rain: sparse short strokes leaning by `slope`, 0..1, tileable."""
    field = np.zeros((_TILE, _TILE), np.float32)
    count, length = 620, 26
    y, x = rng.integers(0, _TILE, count), rng.integers(0, _TILE, count)
    strength = rng.uniform(0.35, 1.0, count)
    for step in range(length):
        rows = (y + step) % _TILE
        columns = (x + np.round(step * slope).astype(int)) % _TILE
        fade = np.sin(np.pi * (step + 1) / (length + 1))
        np.maximum.at(field, (rows, columns), (strength * fade).astype(np.float32))
    return np.asarray(np.maximum(field, 0.5 * np.roll(field, 1, 1)), np.float32)


@dataclass(frozen=True)
class Bank:
    """Fields made once; `cut` takes a random 256 px window out of one of a sort."""

    fields: dict[str, list[Field]]

    @classmethod
    def make(cls, seed: int, each: int = 10) -> Bank:
        """A bank of `each` fields per sort."""
        rng = np.random.default_rng(seed)
        sorts = {"bands": (1.7, 5.0), "puffs": (1.65, 1.6), "ground": (1.5, 1.0), "waves": (1.25, 8.0),
                 "rock": (1.55, 0.7), "veins": (1.9, 1.4)}  # fmt: skip
        fields = {name: [spectral(rng, *shape) for _ in range(each)] for name, shape in sorts.items()}
        fields["rain"] = [streaks(rng, slope) for slope in (0.2, 0.3, 0.45, 0.6)]
        return cls(fields)

    def cut(self, sort: str, rng: np.random.Generator) -> Field:
        """A random 256 x 256 window of a random field of that sort."""
        pool = self.fields[sort]
        field = pool[int(rng.integers(len(pool)))]
        y, x = rng.integers(0, _TILE, 2)
        rows, columns = (np.arange(256) + y) % _TILE, (np.arange(256) + x) % _TILE
        return np.asarray(field[rows[:, None], columns[None, :]], np.float32)
