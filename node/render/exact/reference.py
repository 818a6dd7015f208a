"""The definition of correct: every operation of the networks on plain int64 arrays, slow and obvious, without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from node.render.exact.arithmetic import FRACTION, LEVELS, WIDE, Attention, Conv, Ints, Narrow, Norm
from node.render.exact.integers import affine, halved, obvious_root, softmax


class Reference:
    """`Arithmetic` on int64 arrays: wide ones and operands are just their integers."""

    def __init__(self) -> None:
        self._convs: list[Conv] = []
        self._narrows: list[Narrow] = []
        self._norms: list[Norm] = []
        self._attentions: list[Attention] = []

    def load_conv(self, layer: Conv) -> int:
        """Keep a convolution."""
        self._convs.append(layer)
        return len(self._convs) - 1

    def load_narrow(self, layer: Narrow) -> int:
        """Keep a narrowing."""
        self._narrows.append(layer)
        return len(self._narrows) - 1

    def load_norm(self, layer: Norm) -> int:
        """Keep a norm."""
        self._norms.append(layer)
        return len(self._norms) - 1

    def load_attention(self, layer: Attention) -> int:
        """Keep an attention."""
        self._attentions.append(layer)
        return len(self._attentions) - 1

    def operand(self, x: NDArray[np.integer], low: int) -> Ints:  # noqa: ARG002 - integers need no other form
        """The integers."""
        return x.astype(np.int64)

    def conv(self, layer: int, x: Ints) -> Ints:
        """One shifted product for each position of the kernel, added up."""
        held = self._convs[layer]
        weight = held.weight.astype(np.int64)
        margin = ((0, 0), (0, 0), (held.padding,) * 2, (held.padding,) * 2)
        padded = np.pad(x, margin)
        size = [(padded.shape[axis] - weight.shape[axis]) // held.stride + 1 for axis in (2, 3)]
        sums = np.zeros((size[0], size[1], len(x), len(weight)), np.int64)
        for row in range(weight.shape[2]):
            for column in range(weight.shape[3]):
                rows = slice(row, row + held.stride * (size[0] - 1) + 1, held.stride)
                columns = slice(column, column + held.stride * (size[1] - 1) + 1, held.stride)
                sums += padded[:, :, rows, columns].transpose(2, 3, 0, 1) @ weight[:, :, row, column].T
        out = sums.transpose(2, 3, 0, 1) + held.bias[:, None, None]
        return halved(out, held.shift[:, None, None]).clip(held.low, held.high)

    def narrow(self, layer: int, x: Ints) -> Ints:
        """Times the factor, shifted, clipped."""
        held = self._narrows[layer]
        scaled = halved(x * held.factor[:, None, None], held.shift[:, None, None])
        return scaled.clip(held.low, held.low + LEVELS)

    def norm(self, layer: int, x: Ints, rows: Ints | None = None) -> Ints:
        """Sums over positions, then the table at slope * x + intercept."""
        held = self._norms[layer]
        added = np.zeros(x.shape[:2], np.int64) if rows is None else rows
        positions = x.shape[2] * x.shape[3]
        slope, intercept = affine(held, x.sum((2, 3)), (x * x).sum((2, 3)), positions, added, obvious_root)
        index = (x * slope[:, :, None, None] + intercept[:, :, None, None]) >> FRACTION
        index = index.clip(0, held.table.shape[1] - 1)
        channel = np.arange(x.shape[1]) % len(held.table)
        return np.asarray(held.table[channel[:, None, None], index], np.int64)

    def attention(self, layer: int, x: Ints) -> Ints:
        """Softmax of the scores of queries and keys, times values."""
        held = self._attentions[layer]
        pictures, channels, height, width = x.shape
        query, key, value = x.reshape(pictures, 3, held.heads, channels // 3 // held.heads, -1).transpose(1, 0, 2, 4, 3)
        chance = softmax(held, query @ key.swapaxes(-1, -2))
        out = halved(chance @ value, held.finish).clip(-128, 127)
        return np.asarray(out.swapaxes(-1, -2).reshape(pictures, channels // 3, height, width), np.int64)

    def add(self, a: Ints, b: Ints) -> Ints:
        """The clipped sum."""
        return (a + b).clip(-WIDE, WIDE)

    def concat(self, parts: Sequence[Ints]) -> Ints:
        """Side by side in channels."""
        return np.concatenate(parts, 1)

    def double(self, x: Ints) -> Ints:
        """Rows and columns twice."""
        return x.repeat(2, 2).repeat(2, 3)

    def shuffle(self, x: Ints) -> Ints:
        """Channel 4 c + 2 i + j becomes row i and column j of each 2 by 2 positions of channel c."""
        pictures, channels, height, width = x.shape
        parts = x.reshape(pictures, channels // 4, 2, 2, height, width).transpose(0, 1, 4, 2, 5, 3)
        return parts.reshape(pictures, channels // 4, 2 * height, 2 * width)

    def wide(self, x: Ints) -> Ints:
        """The integers."""
        return x

    def bytes(self, x: Ints) -> NDArray[np.uint8]:
        """The integers, which are 0..255."""
        return x.astype(np.uint8)

    def product(self, x: Ints, weight: Ints) -> Ints:
        """The matrix product."""
        return np.asarray(x @ weight.T, np.int64)
