"""The UNet and its conditioner as integers: every layer's arrays from the float network and what flowed through it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from torch import nn

from node.render.exact.arithmetic import FRACTION, WIDE
from node.render.exact.layers import Arrays
from node.render.exact.quantise import rounding, tables
from node.render.exact.quantise.calibration import Floats, Record
from node.render.exact.scheduler import VELOCITY
from node.render.exact.split import COARSE, FINE, LATENT, LOW

_MARGIN: Final = 1.5
"""Wide integers reach this much further than any value seen."""
_LEAST: Final = -0.2785
"""SiLU's least value."""


def numbers(parameter: Any) -> Floats:
    """A parameter as float64."""
    return np.asarray(parameter.detach().double().numpy(), np.float64)


class Quantiser:
    """Turns one network's modules into arrays."""

    def __init__(self, network: nn.Module, record: Record) -> None:
        self.modules: dict[str, Any] = dict(network.named_modules())
        self.record = record
        self.arrays: Arrays = {}

    def conv(
        self, name: str, taken: Floats, given: Floats, low: int, limits: tuple[int, int], *, held: Floats | None = None
    ) -> None:
        """A convolution whose inputs are in units `taken`, as `held` (P, I) integers or as the record has them."""
        module, real = self.modules[name], self.record[f"{name}.in"].samples
        samples = rounding.quantised(real, taken, low) if held is None else held
        weight, bias = numbers(module.weight), numbers(module.bias)
        gram = self.record[f"{name}.in"].gram
        self.arrays |= rounding.conv(weight, bias, taken, given, samples, real, (low, *limits), name, gram)

    def wide(self, name: str, taken: Floats, unit: Floats | float, low: int) -> None:
        """A convolution to wide integers of one unit, or one unit per channel."""
        channels = len(self.modules[name].weight)
        self.conv(name, taken, np.broadcast_to(unit, (channels,)), low, (-WIDE, WIDE))

    def enter(self, name: str, channels: int, scale: float, wide: float) -> None:
        """A network's first convolution as two: of its first `channels`, the latent, and of all else, in 1/128."""
        seen, module = self.record[f"{name}.in"], self.modules[name]
        weight, real, limits = numbers(module.weight), seen.samples, (LOW, -WIDE, WIDE)
        given = np.full(len(weight), wide)
        latent, split, taken, samples = with_split(weight[:, :channels], real[:, :channels], scale)
        self.arrays |= rounding.conv(latent, numbers(module.bias), taken, given, samples, split, limits, name)
        rest, own = real[:, channels:], channels * weight[0, 0].size
        taken = np.full(rest.shape[1], 1 / 128)
        gram = None if seen.gram is None else seen.gram[own:, own:]
        self.arrays |= rounding.conv(
            weight[:, channels:], np.zeros(len(weight)), taken, given, np.rint(rest * 128), rest, limits,
            f"{name}.place", gram,
        )  # fmt: skip

    def narrow(self, name: str, wide: float, low: int) -> Floats:
        """What makes a convolution's operand of a wide stream; returns the operand's units."""
        seen = self.record[f"{name}.in"]
        arrays, units = rounding.narrow(name, rounding.operand_units(seen, low, shared=True, least=wide), wide)
        self.arrays |= arrays
        return units


class UNet(Quantiser):
    """The UNet: its stream has one unit everywhere, so that skips and sums need no scaling."""

    def __init__(self, network: nn.Module, record: Record) -> None:
        super().__init__(network, record)
        streams = [place for name in self.modules for place in self._streams(name)]
        self.unit = max(record[place].greatest for place in streams) * _MARGIN / WIDE
        self._rows: list[tuple[str, Floats]] = []

    def _streams(self, name: str) -> list[str]:
        if type(self.modules[name]).__name__ == "ResnetBlock2D":
            return [f"{name}.in", f"{name}.out"]
        return [f"{name}.in"] if name.endswith(("group_norm", "conv_norm_out", "samplers.0.conv")) else []

    def run(self) -> Arrays:
        """All arrays."""
        self._enter()
        for name, module in self.modules.items():
            kind = type(module).__name__
            if kind == "ResnetBlock2D":
                self._residual(name)
            elif kind == "Attention":
                self._attention(name)
            elif name.endswith("samplers.0.conv"):
                self.wide(name, self.narrow(name, self.unit, LOW), self.unit, LOW)
        units, low = self._norm("conv_norm_out", "conv_out", self.unit)
        self.wide("conv_out", units, 2.0**-VELOCITY, low)
        self._embedding()
        return self.arrays

    def _enter(self) -> None:
        channels = len(self.record["conv_out.out"].samples[0])
        self.enter("conv_in", channels, 1.0, self.unit)

    def _norm(self, name: str, conv: str, wide: float) -> tuple[Floats, int]:
        """A norm before SiLU, or before none, and a convolution; returns the units and low of the operand between."""
        module, out = self.modules[name], self.record[f"{name}.out"].samples
        bent = not name.endswith("group_norm")
        reach = self.record[f"{name}.out"].greatest
        start, end = max(out.min() * 1.3, -12.0 if bent else -reach), reach * 1.05
        step = (end - start) / tables.ENTRIES
        middles = start + (np.arange(tables.ENTRIES) + 0.5) * step
        after, low = self.record[f"{conv}.in"], LOW
        if bent:
            # The low end follows from the unit: the fewest integers that hold SiLU's negative part.
            units = rounding.operand_units(after, 0, shared=True)
            units *= 255 / max(255 + np.floor(_LEAST / units[0]), 128)
            low = max(int(np.floor(_LEAST / units[0])), LOW)
        else:
            units = rounding.operand_units(after, low, shared=True)
        values = tables.silu(middles) if bent else middles
        scale = 2.0**FRACTION / step
        self.arrays |= {
            f"{name}.gain": np.rint(numbers(module.weight) * scale).astype(np.int64),
            f"{name}.start": np.rint((numbers(module.bias) - start) * scale).astype(np.int64),
            f"{name}.epsilon": np.array([round(module.eps / wide**2)], np.int64),
            f"{name}.table": rounding.quantised(values[:, None], units[:1], low)[:, 0].astype(np.int16)[None],
            f"{name}.range": np.array([low], np.int32),
        }
        return units, low

    def _residual(self, name: str) -> None:
        units, low = self._norm(f"{name}.norm1", f"{name}.conv1", self.unit)
        inner = self.record[f"{name}.norm2.in"].greatest
        inner = max(inner, self.record[f"{name}.conv1.out"].greatest) * _MARGIN / WIDE
        self.wide(f"{name}.conv1", units, inner, low)
        self._rows.append((name, np.full(len(self.modules[f"{name}.conv1"].weight), inner)))
        units, low = self._norm(f"{name}.norm2", f"{name}.conv2", inner)
        self.wide(f"{name}.conv2", units, self.unit, low)
        cut = f"{name}.conv_shortcut"
        if cut in self.modules:
            self.wide(cut, self.narrow(cut, self.unit, LOW), self.unit, LOW)

    def _attention(self, name: str) -> None:
        units, low = self._norm(f"{name}.group_norm", f"{name}.to_q", self.unit)
        parts = [self.modules[f"{name}.{part}"] for part in ("to_q", "to_k", "to_v")]
        seen = [self.record[f"{name}.{part}.out"] for part in ("to_q", "to_k", "to_v")]
        given = [rounding.operand_units(part, -128, shared=index < 2) for index, part in enumerate(seen)]
        real = self.record[f"{name}.to_q.in"].samples
        held = rounding.quantised(real, units, low)
        weight = np.concatenate([numbers(part.weight) for part in parts])[:, :, None, None]
        bias = np.concatenate([numbers(part.bias) for part in parts])
        limits = (low, -128, 127)
        self.arrays |= rounding.conv(weight, bias, units, np.concatenate(given), held, real, limits, f"{name}.to_qkv")
        heads, width = self.modules[name].heads, len(given[0])
        scale = float(given[0][0] * given[1][0] / np.sqrt(width // heads) * tables.EXPONENT_STEPS)
        shift = int(np.clip(15 - np.ceil(np.log2(scale)), 0, 30))
        real = self.record[f"{name}.to_out.0.in"].samples
        # Averages of values are smaller than values: as many bits more as still fit.
        spare = int(np.clip(np.floor(np.log2(120 / np.abs(real / given[2]).max())), 0, 4))
        self.arrays |= {f"{name}.{key}": value for key, value in tables.exponent().items()}
        self.arrays[f"{name}.scores"] = np.array([round(scale * 2**shift), shift, 15 - spare], np.int32)
        module, taken = self.modules[f"{name}.to_out.0"], given[2] * 2.0**-spare
        weight, bias = numbers(module.weight)[:, :, None, None], numbers(module.bias)
        held = rounding.quantised(real, taken, -128)
        outer = np.full(len(weight), self.unit)
        self.arrays |= rounding.conv(weight, bias, taken, outer, held, real, (-128, -WIDE, WIDE), f"{name}.to_out")

    def _embedding(self) -> None:
        one = 1 / tables.EMBEDDING
        self.arrays |= tables.embedding_silu()
        order = {"down_blocks": 0, "mid_block": 1, "up_blocks": 2}
        ordered = sorted(self._rows, key=lambda row: (order[row[0].split(".")[0]], row[0]))
        parts = [self.modules[f"{name}.time_emb_proj"] for name, _ in ordered]
        self.arrays |= rounding.dense(
            "rows",
            np.concatenate([numbers(part.weight) for part in parts]),
            np.concatenate([numbers(part.bias) for part in parts]),
            one,
            np.concatenate([units for _, units in ordered]),
        )


def conditioner(network: nn.Sequential) -> Arrays:
    """The two dense layers from conditions in 1/128 to an embedding."""
    one = 1 / tables.EMBEDDING
    out: Arrays = {}
    for index, taken in ((0, 1 / 128), (2, one)):
        layer: Any = network[index]
        weight, bias = numbers(layer.weight), numbers(layer.bias)
        out |= rounding.dense(f"conditioner.{index}", weight, bias, taken, np.full(len(weight), one))
    return out


def with_split(weight: Floats, latent: Floats, scale: float) -> tuple[Floats, Floats, Floats, Floats]:
    """A first convolution's weight, float samples, units and integer samples when its latent comes in two parts.

    Both are the latent's, in units of `scale` times 2**-4 and 2**-8.
    """
    channels = latent.shape[1]
    coarse, fine = scale * 2.0 ** (COARSE - LATENT), scale * 2.0 ** (FINE - LATENT)
    high = np.clip(np.floor(latent / coarse + 0.5), LOW, -LOW - 1)
    low = np.clip(np.floor((latent - high * coarse) / fine + 0.5), LOW, -LOW - 1)
    taken = np.concatenate([np.full(channels, coarse), np.full(channels, fine)])
    split = np.concatenate([high * coarse, latent - high * coarse], 1)
    return np.concatenate([weight, weight], 1), split, taken, np.concatenate([high, low], 1)
