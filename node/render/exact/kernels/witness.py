"""Holds a kernel to int64 sums: the first time that a layer's shape is used, with inputs over its whole range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from node.errors import KernelError
from node.render.exact.integers import halved
from node.render.exact.kernels import LEVELS, Finish, Kernel, Layer

Integers = NDArray[np.int64]
_PLACES: Final = 24
"""How many places of a picture are added up again: with every channel, thousands of sums."""
_SEED: Final = 20


@dataclass(frozen=True)
class Packed:
    """A layer beside what the kernel made of it."""

    layer: Layer
    made: Any
    kind: tuple[object, ...]
    """What may make a library choose other code for it."""


class Witnessed:
    """A kernel that is held to int64 on the first use of each shape, batch and memory order, and then left alone.

    Its calls raise KernelError where the kernel under it gives another sum: the text names kernel and layer.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.name = kernel.name
        self.device = kernel.device
        self._kernel = kernel
        self._seen: set[object] = set()

    def hold(self, x: Tensor, low: int) -> Tensor:
        """As the kernel holds it."""
        return self._kernel.hold(x, low)

    def free(self, x: Tensor, low: int) -> Tensor:
        """As the kernel frees it."""
        return self._kernel.free(x, low)

    def pack(self, layer: Layer) -> Packed:
        """Pack, and keep what it was packed from."""
        finish = layer.finish
        span = (finish.low, finish.high, int(finish.shift.max())) if finish else None
        kind = (layer.weight.shape, layer.stride, layer.padding, layer.low, span)
        return Packed(layer, self._kernel.pack(layer), kind)

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        """Convolve, after a trial if this shape is new."""
        last = x.is_contiguous(memory_format=torch.channels_last)
        shape = (packed.kind, x.shape, last)
        if shape not in self._seen:
            self._try(packed, x.shape, torch.channels_last if last else torch.contiguous_format)
            self._seen.add(shape)
        return self._kernel.conv(x, packed.made)

    def _try(self, packed: Packed, shape: torch.Size, order: torch.memory_format) -> None:
        layer = packed.layer
        drawn = _drawn(shape, layer.low)
        held = self._kernel.hold(drawn, layer.low).contiguous(memory_format=order)
        out, finish = self._kernel.conv(held, packed.made), layer.finish
        where = _places((len(out), *out.shape[2:]))
        sums = _sums_at(drawn.numpy(), layer, where)
        if finish:
            self._compare(
                self.free(out, finish.low) if finish.held else out, where, finished(sums, finish), layer, shape
            )
            # Rounding hides most of what is a little off.
            plain = self._kernel.pack(replace(layer, finish=None))
            out = self._kernel.conv(held, plain)
        self._compare(out, where, sums, layer, shape)

    def _compare(
        self, out: Tensor, where: tuple[Integers, ...], want: Integers, layer: Layer, shape: torch.Size
    ) -> None:
        got = out.cpu().numpy()[where[0], :, where[1], where[2]]
        # Not a number is not 0 either.
        off = np.abs(got.astype(np.float64) - want).max()
        if off != 0:
            sides = "x".join(str(side) for side in layer.weight.shape)
            raise KernelError(
                f"kernel {self.name}: the convolution {sides} on {shape[0]} of {shape[2]} x {shape[3]} is off by up to"
                f" {off:g} from its integer sums on this machine, so its pictures would not be those of other nodes;"
                " choose another engine (numpy is right everywhere)"
            )


def finished(sums: Integers, finish: Finish) -> Integers:
    """The finish of sums (..., O) in int64."""
    return halved(sums + finish.bias, finish.shift).clip(finish.low, finish.high)


def _drawn(shape: torch.Size, low: int) -> Tensor:
    """Integers of this shape over the whole range, a quarter of them at each end, where sums are largest."""
    source = torch.Generator().manual_seed(_SEED)
    wide = torch.randint(low - LEVELS // 2, low + LEVELS * 3 // 2, shape, generator=source, dtype=torch.int16)
    return wide.clamp_(low, low + LEVELS)


def _places(shape: tuple[int, ...]) -> tuple[Integers, ...]:
    """Index arrays of some places: the first, the last, and others anywhere."""
    source = np.random.default_rng(_SEED)
    return tuple(np.concatenate([[0, side - 1], source.integers(0, side, _PLACES - 2)]) for side in shape)


def _sums_at(x: NDArray[np.int16], layer: Layer, where: tuple[Integers, ...]) -> Integers:
    """The convolution's sums (places, O) in int64."""
    height, width = layer.weight.shape[2:]
    margin = ((0, 0), (0, 0), (layer.padding, layer.padding), (layer.padding, layer.padding))
    wide = np.pad(x, margin)
    corners = [(int(n), int(y) * layer.stride, int(z) * layer.stride) for n, y, z in zip(*where, strict=True)]
    patches = np.stack([wide[n, :, y : y + height, z : z + width].ravel() for n, y, z in corners])
    return patches.astype(np.int64) @ layer.weight.reshape(len(layer.weight), -1).astype(np.int64).T
