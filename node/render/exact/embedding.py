"""Time and conditions to what each residual block adds to its channels: dense layers on 16-bit integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from node.render.exact.arithmetic import Arithmetic, Ints, Layers
from node.render.exact.integers import halved


class Embedding:
    """The tables and dense layers before a UNet's blocks.

    Numbers between them are in 2**-10. The time's two layers are one table over all timesteps, since a model has no
    more than 1,000 of them; SiLU is a table over -16..16.
    """

    def __init__(self, layers: Layers, arithmetic: Arithmetic[Any]) -> None:
        self._product = arithmetic.product
        self._times = layers.ints("time.table")
        self._silu = layers.ints("silu")
        self._dense = {
            name: tuple(layers.ints(f"{name}.{part}") for part in ("weight", "bias", "shift"))
            for name in ("conditioner.0", "conditioner.2", "rows")
        }

    def rows(self, times: Sequence[int], conditions: Ints) -> Ints:
        """For timesteps and conditions (N, 20): all blocks' additions side by side, (times, N, sum of channels)."""
        what = self._layer("conditioner.2", self._bend(self._layer("conditioner.0", conditions)))
        both = self._times[np.asarray(times)][:, None] + what[None]
        steps, pictures, width = both.shape
        return self._layer("rows", self._bend(both).reshape(-1, width)).reshape(steps, pictures, -1)

    def _layer(self, name: str, x: Ints) -> Ints:
        weight, bias, shift = self._dense[name]
        return halved(self._product(x, weight) + bias, shift)

    def _bend(self, x: Ints) -> Ints:
        return np.asarray(self._silu[(x + len(self._silu) // 2).clip(0, len(self._silu) - 1)], np.int64)
