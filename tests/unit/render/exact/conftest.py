"""A tiny model of random integers: the real structure with few channels, written as a model folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from node.render.exact.arithmetic import WIDE
from node.render.exact.layers import Arrays
from node.render.exact.quantise import export, rounding, tables

GROUPS = 4
WIDTHS = [32, 64]
WIDE_RANGE, BYTE, SIGNED = (-WIDE, WIDE), (0, 255), (-128, 127)


class Dice:
    """Random arrays of layers, whose results are neither all clipped nor all zero."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(7)
        self.arrays: Arrays = {}

    def conv(self, name: str, outputs: int, inputs: int, size: int, take: int, limits: tuple[int, int]) -> None:
        weight = self.rng.integers(-127, 128, (outputs, inputs, size, size), np.int8)
        spread = 70 * 70 * np.sqrt(weight[0].size)
        shift = max(round(np.log2(spread / ((limits[1] - limits[0]) / 5))), 0)
        assert rounding.reach(weight.astype(float), take).max() + 2**20 < 2**24
        self.arrays |= {
            f"{name}.weight": weight,
            f"{name}.bias": self.rng.integers(-(2**shift), 2**shift, outputs, np.int32),
            f"{name}.shift": np.full(outputs, shift, np.uint8),
            f"{name}.range": np.array([take, *limits], np.int32),
        }

    def narrow(self, name: str, channels: int) -> None:
        self.arrays[f"{name}.factor"] = self.rng.integers(256, 512, channels).astype(np.int16)
        self.arrays[f"{name}.scale"] = np.full(channels, 16, np.uint8)

    def norm(self, name: str, channels: int, low: int, rows: int = 1) -> None:
        steps = tables.ENTRIES
        self.arrays |= {
            f"{name}.gain": self.rng.integers(-(2**27), 2**27, channels),
            f"{name}.start": self.rng.integers(900 << 20, 1100 << 20, channels),
            f"{name}.epsilon": np.array([5]),
            f"{name}.table": self.rng.integers(low, low + 256, (rows, steps)).astype(np.int16),
            f"{name}.range": np.array([low], np.int32),
        }

    def dense(self, name: str, outputs: int, inputs: int, shift: int) -> None:
        self.arrays |= {
            f"{name}.weight": self.rng.integers(-(2**15), 2**15, (outputs, inputs)).astype(np.int16),
            f"{name}.bias": self.rng.integers(-(2**20), 2**20, outputs),
            f"{name}.shift": np.full(outputs, shift, np.uint8),
        }

    def attention(self, name: str) -> None:
        self.arrays[f"{name}.exponent"] = tables.exponent()["exponent"]
        self.arrays[f"{name}.scores"] = np.array([3000, 16, 14], np.int32)


def unet() -> Arrays:
    """Two levels of 32 and 64 channels."""
    dice, total = Dice(), 0
    dice.conv("conv_in", 32, 8 + 8, 3, -128, WIDE_RANGE)
    dice.conv("conv_in.place", 32, 34, 3, -128, WIDE_RANGE)
    blocks = [
        ("down_blocks.0", 32, 32), ("down_blocks.1", 32, 64), ("mid_block", 64, 64), ("mid_block", 64, 64),
        ("up_blocks.0", 128, 64), ("up_blocks.0", 96, 64), ("up_blocks.1", 96, 32), ("up_blocks.1", 64, 32),
    ]  # fmt: skip
    seen: dict[str, int] = {}
    for place, inputs, outputs in blocks:
        name = f"{place}.resnets.{seen.setdefault(place, 0)}"
        seen[place] += 1
        total += outputs
        dice.norm(f"{name}.norm1", inputs, -14)
        dice.conv(f"{name}.conv1", outputs, inputs, 3, -14, WIDE_RANGE)
        dice.norm(f"{name}.norm2", outputs, -20, outputs if place == "mid_block" else 1)
        dice.conv(f"{name}.conv2", outputs, outputs, 3, -20, WIDE_RANGE)
        if inputs != outputs:
            dice.narrow(f"{name}.conv_shortcut", inputs)
            dice.conv(f"{name}.conv_shortcut", outputs, inputs, 1, -128, WIDE_RANGE)
    for name, width in (("down_blocks.0.downsamplers.0.conv", 32), ("up_blocks.0.upsamplers.0.conv", 64)):
        dice.narrow(name, width)
        dice.conv(name, width, width, 3, -128, WIDE_RANGE)
    middle = "mid_block.attentions.0"
    dice.norm(f"{middle}.group_norm", 64, -128)
    dice.conv(f"{middle}.to_qkv", 3 * 64, 64, 1, -128, SIGNED)
    dice.attention(middle)
    dice.conv(f"{middle}.to_out", 64, 64, 1, -128, WIDE_RANGE)
    dice.norm("conv_norm_out", 32, -16)
    dice.conv("conv_out", 8, 32, 3, -16, WIDE_RANGE)
    dice.arrays["time.table"] = dice.rng.integers(-3000, 3000, (1000, 128)).astype(np.int16)
    dice.dense("conditioner.0", 128, 20, 11)
    dice.dense("conditioner.2", 128, 128, 18)
    dice.dense("rows", total, 128, 18)
    return dice.arrays | tables.embedding_silu()


def decoder() -> Arrays:
    """Eight channels at most between the scales."""
    dice = Dice()
    dice.conv("coarse.0", 8, 8 + 8, 3, -128, WIDE_RANGE)
    dice.conv("coarse.0.place", 8, 34 + 20, 3, -128, WIDE_RANGE)
    for name, width in (("coarse.1", 8), ("coarse.2", 8), ("middle.0", 4), ("middle.1", 4), ("fine.1", 4)):
        dice.narrow(f"{name}.first", width)
        dice.conv(f"{name}.first", width, width, 3, 0, BYTE)
        dice.conv(f"{name}.second", width, width, 3, 0, WIDE_RANGE)
    for name, outputs, inputs, take, limits in (
        ("coarse.3", 16, 8, -128, WIDE_RANGE), ("middle.2", 8, 4, -128, SIGNED), ("fine.3", 8, 4, 0, SIGNED),
    ):  # fmt: skip
        dice.narrow(name, inputs)
        dice.conv(name, outputs, inputs, 3, take, limits)
    dice.conv("fine.0", 4, 2 + 64, 3, -128, WIDE_RANGE)
    for name, outputs, inputs, take in (("last.0", 4, 18, -128), ("last.2", 4, 4, 0), ("last.4", 12, 4, 0)):
        dice.conv(name, outputs, inputs, 3, take, BYTE)
    dice.arrays["last.4.bias"] += np.int32(110 << int(dice.arrays["last.4.shift"][0]))  # so that few pixels are black
    dice.arrays["mean"] = dice.rng.integers(-(2**15), 2**15, 8)
    dice.arrays["deviation"] = dice.rng.integers(2**15, 2**16, 8)
    return dice.arrays


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's folder."""
    folder = tmp_path_factory.mktemp("tiny")
    export.write({"unet": unet(), "decoder": decoder()}, folder, WIDTHS, GROUPS)
    return folder
