"""The structure of the UNet: what diffusers' UNet2DModel computes, in any arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from node.render.exact.arithmetic import Arithmetic, Ints, Layers, T
from node.render.exact.embedding import Embedding
from node.render.exact.split import LOW, split

HEAD = 32
"""Channels of an attention head."""


class _Rows:
    """Hands each residual block, in the order of their building, its share of the embedding's rows."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, channels: int) -> slice:
        self.used += channels
        return slice(self.used - channels, self.used)


class _Residual(Generic[T]):
    """norm, SiLU, convolution, plus the time's rows, norm, SiLU, convolution, plus the input."""

    def __init__(self, layers: Layers, on: Arithmetic[T], name: str, groups: int, rows: _Rows) -> None:
        self._on = on
        first = layers.conv(f"{name}.conv1")
        self._first, self._second = on.load_conv(first), on.load_conv(layers.conv(f"{name}.conv2"))
        self._norms = [on.load_norm(layers.norm(f"{name}.norm{index}", groups)) for index in (1, 2)]
        self._rows = rows.take(first.weight.shape[0])
        self._shortcut: tuple[int, int] | None = None
        if first.weight.shape[0] != first.weight.shape[1]:
            cut = f"{name}.conv_shortcut"
            self._shortcut = on.load_narrow(layers.narrow(cut)), on.load_conv(layers.conv(cut, padding=0))

    def __call__(self, x: T, rows: Ints) -> T:
        on = self._on
        inner = on.conv(self._first, on.norm(self._norms[0], x))
        inner = on.conv(self._second, on.norm(self._norms[1], inner, rows[:, self._rows]))
        if self._shortcut is not None:
            narrow, conv = self._shortcut
            x = on.conv(conv, on.narrow(narrow, x))
        return on.add(inner, x)


class _Attention(Generic[T]):
    """norm, queries, keys and values, softmax, projection, plus the input."""

    def __init__(self, layers: Layers, on: Arithmetic[T], name: str, groups: int) -> None:
        self._on = on
        self._norm = on.load_norm(layers.norm(f"{name}.group_norm", groups))
        inner, outer = layers.conv(f"{name}.to_qkv", padding=0), layers.conv(f"{name}.to_out", padding=0)
        self._inner, self._outer = on.load_conv(inner), on.load_conv(outer)
        self._attention = on.load_attention(layers.attention(name, outer.weight.shape[1] // HEAD))

    def __call__(self, x: T) -> T:
        on = self._on
        mixed = on.attention(self._attention, on.conv(self._inner, on.norm(self._norm, x)))
        return on.add(on.conv(self._outer, mixed), x)


class _Resize(Generic[T]):
    """A convolution that halves the picture's sides, or that follows their doubling."""

    def __init__(self, layers: Layers, on: Arithmetic[T], name: str, *, up: bool) -> None:
        self._on, self._up = on, up
        self._narrow = on.load_narrow(layers.narrow(name))
        self._conv = on.load_conv(layers.conv(name, stride=1 if up else 2))

    def __call__(self, x: T) -> T:
        narrow = self._on.narrow(self._narrow, x)
        return self._on.conv(self._conv, self._on.double(narrow) if self._up else narrow)


class UNet(Generic[T]):
    """Latents to velocities, under a layout and an embedding's rows.

    `widths` are the channels of its levels; each has one residual block on its way down and two on its way up, groups
    are those of every norm.
    """

    def __init__(self, layers: Layers, on: Arithmetic[T], widths: Sequence[int], groups: int) -> None:
        self._on = on
        rows, last = _Rows(), len(widths) - 1
        self.embedding = Embedding(layers, on)
        self._enter, self._place = on.load_conv(layers.conv("conv_in")), on.load_conv(layers.conv("conv_in.place"))
        self._down = [
            _Residual(layers, on, f"down_blocks.{level}.resnets.0", groups, rows) for level in range(last + 1)
        ]
        self._shrink = [
            _Resize(layers, on, f"down_blocks.{level}.downsamplers.0.conv", up=False) for level in range(last)
        ]
        self._middle = [_Residual(layers, on, f"mid_block.resnets.{index}", groups, rows) for index in (0, 1)]
        self._attention = _Attention(layers, on, "mid_block.attentions.0", groups)
        self._up = [
            [_Residual(layers, on, f"up_blocks.{level}.resnets.{index}", groups, rows) for index in (0, 1)]
            for level in range(last + 1)
        ]
        self._grow = [_Resize(layers, on, f"up_blocks.{level}.upsamplers.0.conv", up=True) for level in range(last)]
        self._norm = on.load_norm(layers.norm("conv_norm_out", groups))
        self._leave = on.load_conv(layers.conv("conv_out"))

    def layout(self, layout: NDArray[np.uint8]) -> T:
        """What layouts (N, 34, H, W), 0..255, add to the first convolution: the same at every step.

        A convolution of its own, because weights of inputs in much finer steps than the latent's would be too coarse
        beside the latent's.
        """
        return self._on.conv(self._place, self._on.operand(layout.astype(np.int64) - 128, LOW))

    def velocity(self, latent: Ints, layout: T, rows: Ints) -> Ints:
        """The velocity in 2**-12 for latents (N, C, H, W) in 2**-16 and rows (N, sum of channels)."""
        on = self._on
        x = on.add(on.conv(self._enter, on.operand(split(latent), LOW)), layout)
        skips = [x]
        for level, block in enumerate(self._down):
            x = block(x, rows)
            skips.append(x)
            if level < len(self._shrink):
                x = self._shrink[level](x)
                skips.append(x)
        x = self._middle[1](self._attention(self._middle[0](x, rows)), rows)
        for level, blocks in enumerate(self._up):
            for block in blocks:
                x = block(on.concat([x, skips.pop()]), rows)
            if level < len(self._grow):
                x = self._grow[level](x)
        return on.wide(on.conv(self._leave, on.norm(self._norm, x)))
