"""A network's layers out of the named arrays of its file: the names and integer types that a model folder uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.exact.arithmetic import Attention, Conv, Ints, Narrow, Norm

Arrays = dict[str, NDArray[Any]]


class Stored:
    """`Layers` from arrays by name.

    A convolution `x` is x.weight (int8), x.bias, x.shift and x.range = (take, low, high); what makes its operand is
    x.factor and x.scale. A norm is x.gain, x.start, x.epsilon, x.table and x.range = (low,); an attention is
    x.exponent and x.scores = (factor, shift, finish). RenderError for an array that is missing.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def _of(self, name: str) -> NDArray[Any]:
        try:
            return self._arrays[name]
        except KeyError:
            raise RenderError(f"model: it has no array {name!r}") from None

    def ints(self, name: str) -> Ints:
        """An array as int64."""
        return self._of(name).astype(np.int64)

    def conv(self, name: str, stride: int = 1, padding: int = 1) -> Conv:
        """The convolution of that name."""
        weight = self._of(f"{name}.weight")
        take, low, high = (int(value) for value in self._of(f"{name}.range"))
        return Conv(weight, self.ints(f"{name}.bias"), self.ints(f"{name}.shift"), take, low, high, stride, padding)

    def narrow(self, name: str) -> Narrow:
        """What makes the operand of the convolution of that name."""
        return Narrow(self.ints(f"{name}.factor"), self.ints(f"{name}.scale"), int(self._of(f"{name}.range")[0]))

    def norm(self, name: str, groups: int) -> Norm:
        """The norm of that name."""
        return Norm(
            groups,
            self.ints(f"{name}.gain"),
            self.ints(f"{name}.start"),
            int(self._of(f"{name}.epsilon")[0]),
            self.ints(f"{name}.table"),
            int(self._of(f"{name}.range")[0]),
        )

    def attention(self, name: str, heads: int) -> Attention:
        """The attention of that name."""
        factor, shift, finish = (int(value) for value in self._of(f"{name}.scores"))
        return Attention(heads, factor, shift, self.ints(f"{name}.exponent"), finish)
