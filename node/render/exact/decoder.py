"""The structure of the decoder: latents, layout, conditions and guide to pixels, in any arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from node.render.exact.arithmetic import Arithmetic, Ints, Layers, T
from node.render.exact.split import LATENT, LOW, split


class _Conv(Generic[T]):
    """A convolution whose operand the one before it made."""

    def __init__(self, layers: Layers, on: Arithmetic[T], name: str) -> None:
        self._on, self._conv = on, on.load_conv(layers.conv(name))

    def __call__(self, x: T) -> T:
        return self._on.conv(self._conv, x)


class _Narrowed(Generic[T]):
    """A convolution of a wide stream."""

    def __init__(self, layers: Layers, on: Arithmetic[T], name: str) -> None:
        self._on, self._narrow, self._conv = on, on.load_narrow(layers.narrow(name)), on.load_conv(layers.conv(name))

    def __call__(self, x: T) -> T:
        return self._on.conv(self._conv, self._on.narrow(self._narrow, x))


class _Residual(Generic[T]):
    """ReLU, convolution, ReLU, convolution, plus the input; ReLUs are the ranges' lower ends."""

    def __init__(self, layers: Layers, on: Arithmetic[T], name: str) -> None:
        self._on = on
        self._first, self._second = _Narrowed(layers, on, f"{name}.first"), _Conv(layers, on, f"{name}.second")

    def __call__(self, x: T) -> T:
        return self._on.add(self._second(self._first(x)), x)


class Decoder(Generic[T]):
    """node.render.network.Decoder in integers."""

    def __init__(self, layers: Layers, on: Arithmetic[T]) -> None:
        self._on = on
        self._mean, self._deviation = layers.ints("mean"), layers.ints("deviation")
        self._enter, self._place = _Conv(layers, on, "coarse.0"), _Conv(layers, on, "coarse.0.place")
        self._coarse: list[Callable[[T], T]] = [
            _Residual(layers, on, "coarse.1"),
            _Residual(layers, on, "coarse.2"),
            _Narrowed(layers, on, "coarse.3"),
        ]
        self._middle: list[Callable[[T], T]] = [
            _Residual(layers, on, "middle.0"),
            _Residual(layers, on, "middle.1"),
            _Narrowed(layers, on, "middle.2"),
        ]
        self._fine: list[Callable[[T], T]] = [
            _Conv(layers, on, "fine.0"),
            _Residual(layers, on, "fine.1"),
            _Narrowed(layers, on, "fine.3"),
        ]
        self._last = [_Conv(layers, on, f"last.{index}") for index in (0, 2, 4)]

    def pixels(
        self,
        latent: Ints,
        layout: NDArray[np.uint8],
        conditions: Ints,
        guide: NDArray[np.uint8],
    ) -> NDArray[np.uint8]:
        """Pictures (N, 16 h, 16 w, 3) for latents (N, 8, h, w) of unit deviation in 2**-16.

        With layouts (N, 34, h, w) and guides (N, 16, 8 h, 8 w) of 0..255, and conditions (N, 20) of -127..127.
        """
        on = self._on
        scaled = (latent * self._deviation[:, None, None] >> LATENT) + self._mean[:, None, None]
        spread = np.broadcast_to(conditions[:, :, None, None], (*conditions.shape, *latent.shape[2:]))
        place = np.concatenate([layout.astype(np.int64) - 128, spread], 1)
        x = on.add(self._enter(on.operand(split(scaled), LOW)), self._place(on.operand(place, LOW)))
        for layer in self._coarse:
            x = layer(x)
        x = on.shuffle(x)
        for layer in self._middle:
            x = layer(x)
        # 7 of the guide's 8 bits, so that it fits beside channels of both signs.
        sharp = on.operand(guide >> 1, LOW)
        x = on.concat([on.shuffle(x), on.operand(_folded(guide >> 1), LOW)])
        for layer in self._fine:
            x = layer(x)
        x = on.concat([on.shuffle(x), sharp])
        for layer in self._last:
            x = layer(x)
        return np.ascontiguousarray(on.bytes(on.shuffle(x)).transpose(0, 2, 3, 1))


def _folded(x: NDArray[Any]) -> NDArray[Any]:
    """Each 2 by 2 positions of channel c as channels 4 c to 4 c + 3, as torch's pixel_unshuffle."""
    pictures, channels, height, width = x.shape
    parts = x.reshape(pictures, channels, height // 2, 2, width // 2, 2).transpose(0, 1, 3, 5, 2, 4)
    return parts.reshape(pictures, 4 * channels, height // 2, width // 2)
