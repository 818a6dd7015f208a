"""What the networks are written in: the operations on integers that an engine must have, and the layers they take.

Two kinds of picture tensors, all (N, C, H, W) in order of meaning, go through a network:

- *wide* ones hold integers of 16 bits, sign included: the streams that residual blocks add to;
- *operands* hold integers in low..low+255, where `low` is the layer's: what a convolution takes. An engine may hold
  them in any form, so they are only convolved, reshaped, concatenated, repeated and shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

WIDE: Final = 2**15 - 1
"""Wide integers lie in -WIDE..WIDE: five of them add up to 18 bits, a square has 30."""
LEVELS: Final = 255
"""An operand's range: low..low + LEVELS."""
FRACTION: Final = 20
"""Bits after the point of a norm's slope and intercept."""
STEEP: Final = 2**28
"""A norm's slope is clipped to this, so that slope times value fits the 53 bits of a float64."""

T = TypeVar("T")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Conv:
    """A convolution: clip(round_half_even((sum + bias) / 2**shift), low, high) per output channel.

    `weight` is (O, I, h, w) within -127..127; operands are in `take`..take+255. With high - low of 255 the result is an
    operand of the next layer, otherwise it is wide. |sum + bias| stays below 2**24 for every input there can be.
    """

    weight: NDArray[np.int8]
    bias: Ints
    shift: Ints
    take: int
    low: int
    high: int
    stride: int
    padding: int


@dataclass(frozen=True)
class Narrow:
    """Wide to operand: clip(round_half_even(x * factor / 2**shift), low, low + 255), factor (C,) below 2**9."""

    factor: Ints
    shift: Ints
    low: int


@dataclass(frozen=True)
class Norm:
    """GroupNorm and what follows it, as a table: see `integers.affine` for the slope and intercept before it.

    `gain` and `start` (C,) are in 2**-FRACTION of a table's step, `epsilon` is the norm's in units of a squared wide
    integer; `table` (1 or C, entries), one for all channels or one for each, gives operands in low..low+255.
    """

    groups: int
    gain: Ints
    start: Ints
    epsilon: int
    table: Ints
    low: int


@dataclass(frozen=True)
class Attention:
    """Softmax attention over positions for queries, keys and values that lie in -128..127, heads side by side.

    A score's distance to its row's greatest, times `factor` / 2**shift, indexes `exponent`; probabilities have 15 bits;
    results are divided by 2**`finish`.
    """

    heads: int
    factor: int
    shift: int
    exponent: Ints
    finish: int


class Layers(Protocol):
    """A network's layers by name, and its other tables."""

    def conv(self, name: str, stride: int = 1, padding: int = 1) -> Conv:
        """The convolution of that name."""

    def narrow(self, name: str) -> Narrow:
        """What makes the operand of the convolution of that name."""

    def norm(self, name: str, groups: int) -> Norm:
        """The norm of that name."""

    def attention(self, name: str, heads: int) -> Attention:
        """The attention of that name."""

    def ints(self, name: str) -> Ints:
        """An array as int64."""


class Arithmetic(Protocol[T]):
    """An engine. Layers are loaded once and named by what `load_*` returned."""

    def load_conv(self, layer: Conv) -> int:
        """Prepare a convolution."""

    def load_narrow(self, layer: Narrow) -> int:
        """Prepare a narrowing."""

    def load_norm(self, layer: Norm) -> int:
        """Prepare a norm."""

    def load_attention(self, layer: Attention) -> int:
        """Prepare an attention."""

    def operand(self, x: NDArray[np.integer], low: int) -> T:
        """Integers of low..low+255 as an operand."""

    def conv(self, layer: int, x: T) -> T:
        """Operand to wide or operand."""

    def narrow(self, layer: int, x: T) -> T:
        """Wide to operand."""

    def norm(self, layer: int, x: T, rows: Ints | None = None) -> T:
        """Wide to operand; `rows` (N, C) of wide integers are added to every position first."""

    def attention(self, layer: int, x: T) -> T:
        """Operand (N, 3 C, H, W) of queries, keys and values with low -128 to operand (N, C, H, W) with low -128."""

    def add(self, a: T, b: T) -> T:
        """The sum of two wide ones, clipped to wide; `a` is given up."""

    def concat(self, parts: Sequence[T]) -> T:
        """Side by side in channels."""

    def double(self, x: T) -> T:
        """Each position repeated over two rows and columns."""

    def shuffle(self, x: T) -> T:
        """(N, 4 C, H, W) to (N, C, 2 H, 2 W), as torch's PixelShuffle orders them."""

    def wide(self, x: T) -> Ints:
        """A wide one's integers."""

    def bytes(self, x: T) -> NDArray[np.uint8]:
        """An operand's integers, whose low is 0."""

    def product(self, x: Ints, weight: Ints) -> Ints:
        """Rows (R, K) times weight (O, K) transposed: exact sums below 2**53."""
