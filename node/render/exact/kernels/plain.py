"""Convolutions and matrix products in float32 or float64 that hold integers: exact wherever sums are plain sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from node.render.exact.kernels import Finish


@dataclass(frozen=True)
class Packed:
    """A layer: its weight, and the finish's numbers ready to broadcast over the result's channels."""

    weight: Tensor
    stride: int
    padding: int
    bias: Tensor | None
    scale: Tensor | None
    low: int
    high: int


class Float:
    """`F.conv2d` on integers that a float type holds."""

    def __init__(self, name: str, dtype: torch.dtype, device: str = "cpu") -> None:
        self.name = name
        self.dtype = dtype
        self.device = device

    def hold(self, x: Tensor, *, signed: bool = True) -> Tensor:  # noqa: ARG002 - a float holds both ranges
        """The same integers as this kernel's float, pictures in channels-last order: convolutions are faster in it."""
        held = x.to(self.device, self.dtype)
        return held.contiguous(memory_format=torch.channels_last) if held.dim() == 4 else held

    def pack(
        self,
        weight: NDArray[np.int8],
        *,
        stride: int = 1,
        padding: int = 0,
        signed: bool = True,  # noqa: ARG002 - a float holds both ranges
        finish: Finish | None = None,
    ) -> Packed:
        """Hold weight and finish as floats."""
        held = self.hold(torch.from_numpy(np.ascontiguousarray(weight)))
        if finish is None:
            return Packed(held, stride, padding, None, None, 0, 0)
        scale = self.hold(
            torch.ldexp(torch.ones(len(finish.shift), dtype=torch.float64), torch.from_numpy(-finish.shift))
        )
        bias = self.hold(torch.from_numpy(finish.bias)) * scale
        return Packed(held, stride, padding, bias, scale, finish.low, finish.high)

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve (N, I, H, W): (N, O, H', W')."""
        return self._finished(functional.conv2d(x, packed.weight, None, packed.stride, packed.padding), packed, (1, 1))

    def matmul(self, x: Tensor, packed: Packed) -> Tensor:
        """Multiply (N, K): (N, O)."""
        return self._finished(functional.linear(x, packed.weight), packed, ())

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        """Batched product of two activations."""
        return torch.matmul(a, b)

    def _finished(self, sums: Tensor, packed: Packed, space: tuple[int, ...]) -> Tensor:
        if packed.scale is None or packed.bias is None:
            return sums
        scale, bias = packed.scale.reshape(-1, *space), packed.bias.reshape(-1, *space)
        # Sum and bias are integers below 2**24 times one power of two: scaling and adding round nothing.
        return sums.mul_(scale).add_(bias).round_().clamp_(packed.low, packed.high)


def float32() -> Float:
    """The kernel that every CPU can run."""
    return Float("float32", torch.float32)


def float64() -> Float:
    """The same in double precision: twice the time, and nothing to prove."""
    return Float("float64", torch.float64)
