"""The same operations on torch tensors: sums from a kernel, all else in floats that are exact for these sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from node.render.exact.arithmetic import FRACTION, LEVELS, WIDE, Attention, Conv, Ints, Narrow, Norm
from node.render.exact.integers import affine, softmax
from node.render.exact.kernels import Finish, Kernel, Layer


@dataclass(frozen=True)
class _Narrow:
    scale: Tensor
    low: int


@dataclass(frozen=True)
class _Norm:
    layer: Norm
    table: Tensor  # held by the kernel, all channels' tables in a row
    places: Tensor | None  # where each channel's table begins


class Tensors:
    """`Arithmetic` on float32 tensors that hold integers, channels last; operands are held as the kernel likes."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._device = torch.device(kernel.device)
        self._convs: list[Any] = []
        self._narrows: list[_Narrow] = []
        self._norms: list[_Norm] = []
        self._attentions: list[Attention] = []

    def load_conv(self, layer: Conv) -> int:
        """Pack a convolution's weight."""
        finish = Finish(layer.bias, layer.shift, layer.low, layer.high)
        self._convs.append(self._kernel.pack(Layer(layer.weight, layer.stride, layer.padding, layer.take, finish)))
        return len(self._convs) - 1

    def load_narrow(self, layer: Narrow) -> int:
        """Make factor and shift one float: 9 bits times a power of two, and 15 bits of x, give an exact product."""
        scale = torch.from_numpy(np.ldexp(layer.factor.astype(np.float32), -layer.shift)).to(self._device)
        self._narrows.append(_Narrow(scale[:, None, None], layer.low))
        return len(self._narrows) - 1

    def load_norm(self, layer: Norm) -> int:
        """Hold a norm's table as its results must be held."""
        table = self._kernel.hold(torch.from_numpy(layer.table.ravel()).float(), layer.low).to(self._device)
        channels, entries = layer.table.shape
        places = torch.arange(channels, device=self._device, dtype=torch.float64) * entries if channels > 1 else None
        self._norms.append(_Norm(layer, table, places))
        return len(self._norms) - 1

    def load_attention(self, layer: Attention) -> int:
        """Keep an attention."""
        self._attentions.append(layer)
        return len(self._attentions) - 1

    def operand(self, x: NDArray[np.integer], low: int) -> Tensor:
        """The integers, held."""
        return self._kernel.hold(torch.from_numpy(x.astype(np.float32)).to(self._device), low)

    def conv(self, layer: int, x: Tensor) -> Tensor:
        """The kernel's."""
        return self._kernel.conv(x, self._convs[layer])

    def narrow(self, layer: int, x: Tensor) -> Tensor:
        """Times the factor, rounded, clipped, held."""
        held = self._narrows[layer]
        return self._kernel.hold(torch.mul(x, held.scale).round_().clamp_(held.low, held.low + LEVELS), held.low)

    def norm(self, layer: int, x: Tensor, rows: Ints | None = None) -> Tensor:
        """Sums, slopes and products in float64, whose 53 bits hold them, then the table.

        Squares have 30 bits and their sums at most 13 more; slope * x + intercept stays below 2**46.
        """
        held = self._norms[layer]
        pictures, channels, height, width = x.shape
        flat = x.permute(0, 2, 3, 1).reshape(pictures, height * width, channels).to(torch.float64, copy=True)
        sums = torch.stack((flat.sum(1), (flat * flat).sum(1))).cpu().numpy().astype(np.int64)
        added = np.zeros(sums.shape[1:], np.int64) if rows is None else rows
        slope, intercept = (
            torch.from_numpy(np.ldexp(part.astype(np.float64), -FRACTION)).to(self._device)[:, None]
            for part in affine(held.layer, sums[0], sums[1], height * width, added)
        )
        # Never negative after the clip, so that cutting off the fraction is the floor.
        index = flat.mul_(slope).add_(intercept).clamp_(0, held.layer.table.shape[1] - 1)
        if held.places is not None:
            index = index.floor_().add_(held.places)
        found = torch.index_select(held.table, 0, index.to(torch.int32).flatten())
        return found.view(pictures, height, width, channels).permute(0, 3, 1, 2)

    def attention(self, layer: int, x: Tensor) -> Tensor:
        """Products in float64, the softmax by the same int64 function as the reference's: positions are few."""
        held = self._attentions[layer]
        pictures, channels, height, width = x.shape
        freed = self._kernel.free(x, -128).double()
        freed = freed.reshape(pictures, 3, held.heads, channels // 3 // held.heads, height * width)
        query, key, value = freed.transpose(3, 4).unbind(1)
        scores = torch.matmul(query, key.transpose(2, 3)).cpu().numpy().astype(np.int64)
        chance = torch.from_numpy(softmax(held, scores).astype(np.float64)).to(self._device)
        sums = torch.matmul(chance, value).mul_(2.0**-held.finish).round_().clamp_(-128, 127)
        out = sums.transpose(2, 3).reshape(pictures, channels // 3, height, width).float()
        return self._kernel.hold(out, -128)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        """The clipped sum, in place of the first."""
        return a.add_(b).clamp_(-WIDE, WIDE)

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        """Side by side in channels."""
        return torch.cat(list(parts), 1)

    def double(self, x: Tensor) -> Tensor:
        """Rows and columns twice."""
        return functional.interpolate(x, scale_factor=2, mode="nearest")

    def shuffle(self, x: Tensor) -> Tensor:
        """As PixelShuffle."""
        return functional.pixel_shuffle(x, 2).contiguous(memory_format=torch.channels_last)

    def wide(self, x: Tensor) -> Ints:
        """A wide one's integers."""
        out: Ints = x.cpu().numpy().astype(np.int64)
        return out

    def bytes(self, x: Tensor) -> NDArray[np.uint8]:
        """An operand's integers, whose low is 0."""
        out: NDArray[np.uint8] = self._kernel.free(x, 0).to(torch.uint8).cpu().numpy()
        return out

    def product(self, x: Ints, weight: Ints) -> Ints:
        """The matrix product in float64: numpy's own for int64 is slow."""
        return np.asarray(x.astype(np.float64) @ weight.T.astype(np.float64), np.int64)
