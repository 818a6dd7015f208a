"""Exact convolutions and matrix products behind one protocol, and which of them this machine may use.

Every kernel gets integers and gives integers; they differ only in the type that holds them and in the machine's
instructions that add them up. How an engine uses one:

    kernel = kernels.build("float32")
    packed = kernel.pack(weight, stride=1, padding=1, finish=Finish(bias, shift, 0, 255))   # once per layer
    with kernels.pinned():                       # precision flags and NNPACK, around a whole picture
        y = kernel.conv(kernel.hold(x), packed)

- `hold(x, signed=...)` takes a tensor of integers of any type to the type and memory order in which this kernel likes
  its inputs (float32, float64, or int8 and uint8; channels last). What `conv` gives may be the next input as it is.
- Inputs lie within -128..127 (`pack(..., signed=True)`, the default) or 0..255 (`signed=False`). Wider inputs are split
  by the caller into high and low parts.
- Without a finish the result is the plain sum as float32. The caller has proven |sum| < 2**24 for its weights.
- With a finish the result is `clip(round_half_even((sum + bias) / 2**shift), low, high)`, per output channel. ReLU is
  `low=0`. Halves go to the even neighbour because that is what every CPU's float conversion and oneDNN's do, so that
  it can be fused. Where low..high fits 0..255 or -128..127 an int8 kernel gives uint8 (low >= 0) or int8, otherwise and
  with every other kernel the result is a float that holds integers: say `.float()` before arithmetic on it.
- |sum + bias| < 2**24 too, and shift is 0..24: then each step is exact in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from node.errors import RenderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["Finish", "Kernel", "build", "pinned"]


@dataclass(frozen=True)
class Finish:
    """What follows a sum: add `bias` (O,), divide by 2**`shift` (O,) rounding halves to even, clip to low..high."""

    bias: NDArray[np.int64]
    shift: NDArray[np.int64]
    low: int
    high: int


class Kernel(Protocol):
    """Convolutions and matrix products of integers, exact for |sum| < 2**24."""

    name: str
    device: str
    """Where its tensors live: "cpu" or "cuda"."""

    def hold(self, x: Tensor, *, signed: bool = True) -> Tensor:
        """The same integers on this kernel's device, in the type and memory order that it works on."""

    def pack(
        self,
        weight: NDArray[np.int8],
        *,
        stride: int = 1,
        padding: int = 0,
        signed: bool = True,
        finish: Finish | None = None,
    ) -> Any:
        """Prepare a layer's weight once: (O, I, kh, kw) for `conv`, (O, K) for `matmul`; values within -127..127."""

    def conv(self, x: Tensor, packed: Any) -> Tensor:
        """Convolve (N, I, H, W) with what `pack` made: (N, O, H', W')."""

    def matmul(self, x: Tensor, packed: Any) -> Tensor:
        """Multiply (N, K) with what `pack` made: (N, O)."""

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        """Batched product of two activations, (..., N, K) by (..., K, M): plain sums in float32."""


def build(name: str) -> Kernel:
    """The kernel of this name.

    Raises:
        RenderError: no kernel has this name, or this machine cannot run it.
    """
    from node.render.exact.kernels import plain

    makers: dict[str, Callable[[], Kernel]] = {"float32": plain.float32, "float64": plain.float64}
    if name in makers:
        return makers[name]()
    raise RenderError(f"kernel {name!r}: there is none of this name")


def pinned() -> AbstractContextManager[None]:
    """A context in which torch adds integers exactly: see `flags.pinned`."""
    from node.render.exact.kernels import flags

    return flags.pinned()
