"""The decoder as integers: one unit for each of its wide streams, one for each channel between two convolutions."""

from __future__ import annotations

from typing import Final

import numpy as np
from torch import nn

from node.render.exact.arithmetic import WIDE
from node.render.exact.layers import Arrays
from node.render.exact.quantise import rounding
from node.render.exact.quantise.calibration import Floats, Record
from node.render.exact.quantise.unet import Quantiser, numbers
from node.render.exact.split import LATENT, LOW

_MARGIN: Final = 1.5
_BYTE: Final = (0, 255)
_SIGNED: Final = (LOW, LOW + 255)
_GUIDE: Final = 2 / 256
"""A guide's integer without its last bit, as the float network sees it."""


class Decoder(Quantiser):
    """The decoder of latents with the given mean and deviation (8,)."""

    def __init__(self, network: nn.Module, record: Record, mean: Floats, deviation: Floats) -> None:
        super().__init__(network, record)
        self._mean, self._deviation = mean, deviation

    def run(self) -> Arrays:
        """All arrays."""
        coarse = self._stream("coarse.1.in", "coarse.2.in", "coarse.3.in")
        self._enter("coarse.0", coarse)
        self._residual("coarse.1", coarse)
        self._residual("coarse.2", coarse)
        middle = self._stream("middle.0.in", "middle.1.in", "middle.2.in")
        self.wide("coarse.3", self.narrow("coarse.3", coarse, LOW), middle, LOW)
        self._residual("middle.0", middle)
        self._residual("middle.1", middle)
        units = self._shuffled("middle.2", self.narrow("middle.2", middle, LOW), LOW, "fine.0")
        fine = self._stream("fine.1.in", "fine.1.out")
        self.wide("fine.0", units, fine, LOW)
        self._residual("fine.1", fine)
        units = self._shuffled("fine.3", self.narrow("fine.3", fine, 0), 0, "last.0")
        for name, following, low in (("last.0", "last.2", LOW), ("last.2", "last.4", 0)):
            given = rounding.operand_units(self.record[f"{following}.in"], 0)
            self.conv(name, units, given, low, _BYTE)
            units = given
        self._pixels("last.4", units)
        return self.arrays

    def _stream(self, *places: str) -> float:
        """The unit of the wide stream that passes these places."""
        return max(self.record[place].greatest for place in places) * _MARGIN / WIDE

    def _enter(self, name: str, wide: float) -> None:
        channels = len(self._mean)
        reach = np.abs(self.record[f"{name}.in"].samples[:, :channels]).max()
        scale = 2.0 ** max(np.ceil(np.log2(reach * 1.2 / 8)), 0)
        self.arrays |= {
            "mean": np.rint(self._mean / scale * 2**LATENT).astype(np.int64),
            "deviation": np.rint(self._deviation / scale * 2**LATENT).astype(np.int64),
        }
        self.enter(name, channels, scale, wide)

    def _residual(self, name: str, wide: float) -> None:
        units = self.narrow(f"{name}.first", wide, 0)
        given = rounding.operand_units(self.record[f"{name}.second.in"], 0)
        self.conv(f"{name}.first", units, given, 0, _BYTE)
        self.wide(f"{name}.second", given, wide, 0)

    def _shuffled(self, name: str, taken: Floats, low: int, following: str) -> Floats:
        """A convolution before a shuffle beside the guide; returns the units of all that the next one takes."""
        channels = len(self.modules[name].weight) // 4
        units = rounding.operand_units(self.record[f"{following}.in"], LOW)
        self.conv(name, taken, np.repeat(units[:channels], 4), low, _SIGNED)
        return np.concatenate([units[:channels], np.full(len(units) - channels, _GUIDE)])

    def _pixels(self, name: str, taken: Floats) -> None:
        """The last convolution gives floor(127.5 x + 128) as round(127.5 x + 127.5): they differ at most at ties."""
        module, real = self.modules[name], self.record[f"{name}.in"].samples
        held = rounding.quantised(real, taken, 0)
        weight, bias = numbers(module.weight), numbers(module.bias) + 1.0
        given = np.full(len(weight), 1 / 127.5)
        self.arrays |= rounding.conv(weight, bias, taken, given, held, real, (0, *_BYTE), name)
