"""Exact convolutions behind one protocol, and which of them this machine may use.

Every kernel gets integers and gives integers; they differ only in the type that holds them and in the machine's
instructions that add them up. How an engine uses one:

    kernel = kernels.build("float32")
    layer = Layer(weight, padding=1, low=-40, finish=Finish(bias, shift, 0, 255))
    packed = kernel.pack(layer)                  # once
    with kernels.pinned():                       # precision flags and NNPACK, around a whole picture
        y = kernel.conv(kernel.hold(x, -40), packed)

- Inputs of a layer are integers in low..low+255, with -255 <= low <= 0: 0 after a ReLU, -128 for both signs, anything
  between for what leans to one side. Wider inputs are split by the caller into high and low parts. A picture's padding
  is the integer 0.
- `hold(x, low)` takes such integers, in a tensor of any type, to what this kernel works on; `free(held, low)` takes
  them back to float32. Float kernels hold the integers themselves; int8 kernels hold the byte x - low, so held values
  are for `conv`, and for moving about (reshape, concatenate, index, shuffle) only. A table may be held once
  and then indexed: its results are held.
- Without a finish the result is the plain sum as float32. The caller has proven |sum| < 2**24 for its weights.
- With a finish the result is `clip(round_half_even((sum + bias) / 2**shift), low, high)`, per output channel. ReLU is
  `low=0`. Halves go to the even neighbour because that is what every CPU's float conversion and oneDNN's do, so that
  it can be fused. |sum + bias| < 2**24 again and shift is 0..24: then each step is exact in float32.
- Where high - low <= 255 the result is held, for a next layer that is packed with the finish's low; `free` it for
  anything else. Otherwise it is float32 integers.

What things cost beside a convolution (64 to 64 channels at 32 x 32: 380 us in float32, 110 us in int8), for 65,536
numbers on a core: float32 multiply, add, round or clip 4 us in place; float64 6 us; float32 to int16 or int32 4 us,
to uint8 20 us, by way of int16 9 us; `index_select` in a table 27 us; int64 multiply 26 us, int64 division 240 us.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from node.errors import RenderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["LEVELS", "NAMES", "Finish", "Kernel", "Layer", "build", "pinned", "threads"]

LEVELS: Final = 255
"""A held value's range: low..low + LEVELS."""
NAMES: Final = ("int8", "float32", "float64", "im2col", "cuda")
"""Every kernel, the fastest for a CPU first."""


@dataclass(frozen=True)
class Finish:
    """What follows a sum: add `bias` (O,), divide by 2**`shift` (O,) rounding halves to even, clip to low..high."""

    bias: NDArray[np.int64]
    shift: NDArray[np.int64]
    low: int
    high: int

    @property
    def held(self) -> bool:
        """Whether results are held for the next layer."""
        return self.high - self.low <= LEVELS


@dataclass(frozen=True)
class Layer:
    """A convolution: `weight` (O, I, kh, kw) within -127..127, inputs in `low`..`low` + 255, and what follows the sum.

    A 1 x 1 layer is a matrix product.
    """

    weight: NDArray[np.int8]
    stride: int = 1
    padding: int = 0
    low: int = -128
    finish: Finish | None = None


class Kernel(Protocol):
    """Convolutions of integers, exact for |sum| < 2**24."""

    name: str
    device: str
    """Where its tensors live: "cpu" or "cuda"."""

    def hold(self, x: Tensor, low: int) -> Tensor:
        """Integers in low..low+255 of any type, as this kernel works on them; pictures (4 axes) channels last."""

    def free(self, x: Tensor, low: int) -> Tensor:
        """What was held, as float32 integers."""

    def pack(self, layer: Layer) -> Any:
        """Prepare a layer's weight once."""

    def conv(self, x: Tensor, packed: Any) -> Tensor:
        """Convolve held (N, I, H, W) with what `pack` made: (N, O, H', W'), held if the finish says so."""


def build(name: str) -> Kernel:
    """The kernel of this name.

    Raises:
        RenderError: no kernel has this name, or this machine cannot run it exactly.
    """
    from node.render.exact.kernels import int8, plain

    makers: dict[str, Callable[[], Kernel]] = {
        "float32": plain.float32,
        "float64": plain.float64,
        "im2col": plain.im2col,
        "cuda": plain.cuda,
        "int8": int8.build,
    }
    if name not in makers:
        raise RenderError(f"kernel {name!r}: there is none of this name; known are {', '.join(NAMES)}")
    return makers[name]()


def threads(count: int) -> AbstractContextManager[None]:
    """A context in which torch takes at most so many threads: see `flags.threads`."""
    from node.render.exact.kernels import flags

    return flags.threads(count)


def pinned() -> AbstractContextManager[None]:
    """A context in which torch adds integers exactly: see `flags.pinned`."""
    from node.render.exact.kernels import flags

    return flags.pinned()
