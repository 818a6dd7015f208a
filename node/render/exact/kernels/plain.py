"""Convolutions in floats that hold integers: exact wherever sums are plain sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from node.errors import RenderError
from node.render.exact.kernels import Finish


@dataclass(frozen=True)
class Packed:
    """A layer: its weight, and the finish's numbers ready to broadcast over the result's channels."""

    weight: Tensor
    stride: int
    padding: int
    scale: Tensor | None = None
    bias: Tensor | None = None
    low: int = 0
    high: int = 0


class Float:
    """`F.conv2d` on integers that a float type holds."""

    def __init__(self, name: str, dtype: torch.dtype, device: str = "cpu") -> None:
        self.name = name
        self.dtype = dtype
        self.device = device

    def hold(self, x: Tensor, low: int) -> Tensor:  # noqa: ARG002 - a float holds any range
        """The same integers as this kernel's float, pictures in channels-last order: convolutions are faster in it."""
        held = x.to(self.device, self.dtype)
        return held.contiguous(memory_format=torch.channels_last) if held.dim() == 4 else held

    def free(self, x: Tensor, low: int) -> Tensor:  # noqa: ARG002 - a float holds any range
        """The same integers as float32."""
        return x.float()

    def pack(
        self,
        weight: NDArray[np.int8],
        *,
        stride: int = 1,
        padding: int = 0,
        low: int = -128,  # noqa: ARG002 - a float holds any range
        finish: Finish | None = None,
    ) -> Packed:
        """Hold weight and finish as floats."""
        held = self.hold(torch.from_numpy(np.ascontiguousarray(weight)), 0)
        if finish is None:
            return Packed(held, stride, padding)
        scale, bias = (part.to(self.device, self.dtype)[:, None, None] for part in scaled(finish))
        return Packed(held, stride, padding, scale, bias, finish.low, finish.high)

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve (N, I, H, W): (N, O, H', W')."""
        return self._finished(functional.conv2d(x, packed.weight, None, packed.stride, packed.padding), packed)

    def _finished(self, sums: Tensor, packed: Packed) -> Tensor:
        if packed.scale is None or packed.bias is None:
            return sums.float()
        # Sum and bias are integers below 2**24 times one power of two: scaling and adding round nothing.
        return sums.mul_(packed.scale).add_(packed.bias).round_().clamp_(packed.low, packed.high)


class Unfolded(Float):
    """Patches laid out and multiplied as one matrix: no transform that a convolution library may choose."""

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve (N, I, H, W): (N, O, H', W')."""
        weight = packed.weight
        stride, padding, (height, width) = packed.stride, packed.padding, weight.shape[2:]
        rows = (x.shape[2] + 2 * padding - height) // stride + 1
        patches = functional.unfold(x, (height, width), padding=padding, stride=stride)
        sums = torch.matmul(weight.flatten(1), patches).reshape(len(x), len(weight), rows, -1)
        return self._finished(sums, packed)


def scaled(finish: Finish) -> tuple[Tensor, Tensor]:
    """Per channel 2**-shift and bias * 2**-shift: sum * scale + bias is what gets rounded."""
    scale = torch.ldexp(torch.ones(len(finish.shift), dtype=torch.float64), torch.from_numpy(-finish.shift))
    return scale, torch.from_numpy(finish.bias) * scale


def float32() -> Float:
    """The kernel that every CPU can run."""
    return Float("float32", torch.float32)


def float64() -> Float:
    """The same in double precision: twice the time, and products of any rounding mode below 53 bits."""
    return Float("float64", torch.float64)


def im2col() -> Float:
    """Unfolded convolutions on the CPU: what the GPU kernel does, where it can be tested."""
    return Unfolded("im2col", torch.float32)


def cuda() -> Float:
    """Unfolded convolutions on a GPU, where cuDNN might choose Winograd or FFT for any convolution it is given."""
    if not torch.cuda.is_available():
        raise RenderError("kernel cuda: no CUDA device can be used here; choose another engine")
    return Unfolded("cuda", torch.float32, "cuda")
