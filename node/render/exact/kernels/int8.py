"""Convolutions in 8-bit integers: oneDNN's, where the CPU adds four products in 32 bits (VNNI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from node.errors import RenderError
from node.render.exact.kernels import Finish, Layer
from node.render.exact.kernels.plain import scaled

# Instructions that add products of 8-bit integers in 32 bits. Older x86 CPUs add pairs in 16 bits (pmaddubsw), which
# saturate from weights of 65 and inputs of 255 on.
_WIDE: Final = ("avx512_vnni", "avx_vnni", "amx_int8", "dot", "i8mm")
_SMALL_SHIFT: Final = 16
"""oneDNN adds the zero point before it rounds: up to this shift, 8 bits before the point and those after fit 24."""


@dataclass(frozen=True)
class Packed:
    """A layer with its weight in oneDNN's own order."""

    weight: Tensor
    scale: Tensor
    zeros: Tensor
    bias: Tensor | None
    layer: Layer
    fused: bool


class Int8:
    """oneDNN's quantised convolution: bytes in, bytes out, with bias, requantisation and clipping fused."""

    name = "int8"
    device = "cpu"

    def hold(self, x: Tensor, low: int) -> Tensor:
        """The byte x - low, pictures in channels-last order."""
        held = (x - low).to(torch.int16).to(torch.uint8)  # to 8 bits in two steps: both are vectorised
        return held.contiguous(memory_format=torch.channels_last) if held.dim() == 4 else held

    def free(self, x: Tensor, low: int) -> Tensor:
        """What the bytes stand for, as float32."""
        freed = x.float()
        return freed.add_(low) if low else freed

    def pack(self, layer: Layer) -> Packed:
        """Reorder the weight for oneDNN, and say which part of the finish it does."""
        finish, count = layer.finish, len(layer.weight)
        scale, bias = scaled(finish) if finish else (torch.ones(count, dtype=torch.float64), None)
        scale = scale.float()
        signed = torch.from_numpy(np.ascontiguousarray(layer.weight, np.int8))
        steps, margins = [layer.stride] * 2, [layer.padding] * 2
        held = torch.ops.onednn.qconv_prepack(signed, scale, 1.0, -layer.low, steps, margins, [1, 1], 1, None)
        zeros = torch.zeros(count, dtype=torch.int32)
        fused = finish is not None and _fusible(finish)
        return Packed(held, scale, zeros, None if bias is None else bias.float(), layer, fused)

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve bytes (N, I, H, W): (N, O, H', W')."""
        zero, kind = _result(packed)
        out: Tensor = torch.ops.onednn.qconv2d_pointwise(
            x,
            1.0,
            -packed.layer.low,
            packed.weight,
            packed.scale,
            packed.zeros,
            packed.bias,
            [packed.layer.stride] * 2,
            [packed.layer.padding] * 2,
            [1, 1],
            1,
            1.0,
            zero,
            kind,
            "none",
            [],
            "",
        )
        return _finished(out, packed)


def build() -> Int8:
    """The int8 kernel, if this CPU has the instructions and they give the right sum here.

    Raises:
        RenderError: they are missing, or something (an `ONEDNN_MAX_CPU_ISA` in the environment) keeps oneDNN from them.
    """
    known = torch.cpu.get_capabilities()
    if not any(known.get(name) for name in _WIDE):
        raise RenderError(f"kernel int8: this CPU has none of {', '.join(_WIDE)}; choose float32")
    kernel = Int8()
    try:
        right = all(_adds_wide(kernel, channels, low) for channels in (16, 64) for low in (0, -128))
    except RuntimeError as error:
        raise RenderError(f"kernel int8: oneDNN cannot run it here ({error}); choose float32") from error
    if not right:
        raise RenderError(
            "kernel int8: oneDNN's sums of 8-bit products are wrong here, as they are without VNNI; choose float32, or"
            " see whether ONEDNN_MAX_CPU_ISA holds oneDNN back"
        )
    return kernel


def _adds_wide(kernel: Int8, channels: int, low: int) -> bool:
    """Whether the largest inputs and weights of one sign give the sum that they have."""
    weight = np.full((channels, channels, 3, 3), 127, np.int8)
    picture = torch.full((1, channels, 4, 4), low + 255)
    want = functional.conv2d(picture, torch.from_numpy(weight.astype(np.int64)), padding=1)
    got = kernel.conv(kernel.hold(picture, low), kernel.pack(Layer(weight, padding=1, low=low)))
    return torch.equal(got.long(), want)


def _fusible(finish: Finish) -> bool:
    """Whether oneDNN's own rounding and clipping to a byte are the finish's."""
    whole = finish.high - finish.low == 255
    return whole and -255 <= finish.low <= 0 and (finish.low == 0 or int(finish.shift.max()) <= _SMALL_SHIFT)


def _result(packed: Packed) -> tuple[int, torch.dtype]:
    if packed.fused and packed.layer.finish:
        return -packed.layer.finish.low, torch.uint8
    return 0, torch.float32


def _finished(out: Tensor, packed: Packed) -> Tensor:
    finish = packed.layer.finish
    if finish is None or packed.fused:
        return out
    clipped = out.round_().clamp_(finish.low, finish.high)
    return clipped.sub_(finish.low).to(torch.int16).to(torch.uint8) if finish.held else clipped
