"""Noise fields the generator cuts its clouds from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[Any]  # float32, (H, W)
_TILE = 1024


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


@dataclass(frozen=True)
class Bank:
    """Fields made once; `cut` takes a random 512 px window out of one of a sort."""

    fields: dict[str, list[Field]]

    @classmethod
    def make(cls, seed: int, each: int = 6) -> Bank:
        """A bank of `each` fields per sort."""
        rng = np.random.default_rng(seed)
        sorts = {"bands": (1.7, 5.0), "puffs": (1.65, 1.6)}
        fields = {name: [spectral(rng, *shape) for _ in range(each)] for name, shape in sorts.items()}
        return cls(fields)

    def cut(self, sort: str, rng: np.random.Generator) -> Field:
        """A random 512 x 512 window of a random field of that sort."""
        pool = self.fields[sort]
        field = pool[int(rng.integers(len(pool)))]
        y, x = rng.integers(0, _TILE, 2)
        rows, columns = (np.arange(512) + y) % _TILE, (np.arange(512) + x) % _TILE
        return np.asarray(field[rows[:, None], columns[None, :]], np.float32)
