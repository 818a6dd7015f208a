"""Convolutions in floats that hold integers: exact wherever sums are plain sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from node.errors import RenderError
from node.render.exact.kernels import Finish, Layer


@dataclass(frozen=True)
class Packed:
    """A layer: weight and bias times the finish's 2**-shift, and the finish's range."""

    weight: Tensor
    bias: Tensor | None
    stride: int
    padding: int
    clip: tuple[int, int] | None


class Float:
    """`F.conv2d` on integers that a float type holds."""

    def __init__(
        self,
        name: str,
        dtype: torch.dtype,
        order: torch.memory_format = torch.channels_last,
        device: str = "cpu",
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.device = device
        self._order = order

    def hold(self, x: Tensor, low: int) -> Tensor:  # noqa: ARG002 - a float holds any range
        """The same integers as this kernel's float, pictures in the order in which its convolutions are fast."""
        held = x.to(self.device, self.dtype)
        return held.contiguous(memory_format=self._order) if held.dim() == 4 else held

    def free(self, x: Tensor, low: int) -> Tensor:  # noqa: ARG002 - a float holds any range
        """The same integers as float32."""
        return x.float()

    def pack(self, layer: Layer) -> Packed:
        """Hold weight and bias as floats, already divided by 2**shift.

        All of a channel's products and partial sums are then integers below 2**24 times one power of two, which are
        as exact as the integers, and oneDNN adds the bias on its way.
        """
        held = self.hold(torch.from_numpy(np.ascontiguousarray(layer.weight)), 0)
        finish = layer.finish
        if finish is None:
            return Packed(held, None, layer.stride, layer.padding, None)
        scale, bias = (part.to(self.device, self.dtype) for part in scaled(finish))
        return Packed(held * scale[:, None, None, None], bias, layer.stride, layer.padding, (finish.low, finish.high))

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve (N, I, H, W): (N, O, H', W')."""
        x = x.contiguous(memory_format=self._order)
        return self._finished(functional.conv2d(x, packed.weight, packed.bias, packed.stride, packed.padding), packed)

    def _finished(self, out: Tensor, packed: Packed) -> Tensor:
        return out.float() if packed.clip is None else out.round_().clamp_(*packed.clip)


class Unfolded(Float):
    """Patches laid out and multiplied as one matrix: no transform that a convolution library may choose."""

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve (N, I, H, W): (N, O, H', W')."""
        weight = packed.weight
        stride, padding, (height, width) = packed.stride, packed.padding, weight.shape[2:]
        patches = functional.unfold(x, (height, width), padding=padding, stride=stride)
        rows, matrix = (x.shape[2] + 2 * padding - height) // stride + 1, weight.flatten(1).expand(len(x), -1, -1)
        if packed.bias is None:
            sums = torch.bmm(matrix, patches)
        else:
            sums = torch.baddbmm(packed.bias[:, None], matrix, patches)
        return self._finished(sums.reshape(len(x), len(weight), rows, -1), packed)


def scaled(finish: Finish) -> tuple[Tensor, Tensor]:
    """Per channel 2**-shift and bias * 2**-shift: sum * scale + bias is what gets rounded."""
    scale = torch.ldexp(torch.ones(len(finish.shift), dtype=torch.float64), torch.from_numpy(-finish.shift))
    return scale, torch.from_numpy(finish.bias) * scale


def float32() -> Float:
    """The kernel that every CPU can run."""
    return Float("float32", torch.float32)


def float64() -> Float:
    """The same in double precision: slower, and there is no shorter type that a library could put in its place."""
    # oneDNN has no float64, and torch's own convolution takes many times as long over channels that come last.
    return Float("float64", torch.float64, torch.contiguous_format)


def im2col() -> Float:
    """Unfolded convolutions on the CPU: what the GPU kernel does, where it can be tested."""
    return Unfolded("im2col", torch.float32)


def cuda() -> Float:
    """Unfolded convolutions on a GPU, where cuDNN might choose Winograd or FFT for any convolution it is given."""
    if not torch.cuda.is_available():
        raise RenderError("kernel cuda: no CUDA device can be used here; choose another engine")
    return Unfolded("cuda", torch.float32, device="cuda")
