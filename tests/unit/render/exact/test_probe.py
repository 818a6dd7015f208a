"""What the probe lets draw, and what it refuses: kernels that transform or saturate, and floats between the layers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from node import render
from node.errors import RenderError
from node.render.exact import kernels, probe, tensors
from node.render.exact.kernels import Layer
from node.render.exact.kernels.plain import Float, Packed
from node.render.exact.kernels.witness import finished

MODEL = Path(render.__file__).parent / "model"

# Winograd's minimal filtering F(4 x 4, 3 x 3), matrices of Lavin and Gray 2015, section 4.3.
INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
).float()
FILTER = torch.tensor([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]).float() / 24
OUTPUT = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]).float()


class Winograd(Float):
    """3 x 3 convolutions by transforms, as NNPACK's and cuDNN's: fewer products, each of them rounded."""

    def __init__(self) -> None:
        super().__init__("winograd", torch.float32)

    def conv(self, x: Tensor, packed: Packed) -> Tensor:
        if packed.weight.shape[2:] != (3, 3) or packed.stride != 1:
            return super().conv(x, packed)
        tiles = functional.pad(x, (1, 1, 1, 1)).unfold(2, 6, 4).unfold(3, 6, 4)
        seen = INPUT @ tiles @ INPUT.T
        product = torch.einsum("ncyxij,ocij->noyxij", seen, FILTER @ packed.weight @ FILTER.T)
        out = (OUTPUT @ product @ OUTPUT.T).permute(0, 1, 2, 4, 3, 5).reshape(len(x), -1, *x.shape[2:])
        return self._finished(out if packed.bias is None else out + packed.bias[:, None, None], packed)


class Saturating(Float):
    """Sums of two products in 16 bits, as pmaddubsw gives them: unsigned inputs, and the surplus put right after."""

    def __init__(self) -> None:
        super().__init__("saturating", torch.float32)

    def pack(self, layer: Layer) -> Any:
        return torch.from_numpy(layer.weight).float(), layer.stride, layer.padding, layer.low, layer.finish

    def conv(self, x: Tensor, packed: Any) -> Tensor:
        weight, stride, padding, low, finish = packed
        wide = functional.pad(x - low, (padding,) * 4, value=-low)
        patches = functional.unfold(wide, weight.shape[2:], stride=stride)[:, None]
        flat = weight.flatten(1)[None, :, :, None]
        pairs = (flat[:, :, ::2] * patches[:, :, ::2] + flat[:, :, 1::2] * patches[:, :, 1::2]).clamp(
            -(2**15), 2**15 - 1
        )
        sums = pairs.sum(2) + low * weight.sum((1, 2, 3))[:, None]
        sums = sums.reshape(len(x), len(weight), (wide.shape[2] - weight.shape[2]) // stride + 1, -1)
        if finish is None:
            return sums
        turned = finished(sums.permute(0, 2, 3, 1).numpy().astype(np.int64), finish)
        return torch.from_numpy(turned).permute(0, 3, 1, 2).float()


def test_engine__this_machine__is_right_and_kept() -> None:
    found = probe.engine(MODEL, "torch")
    assert found.name in ("int8", "float32")
    assert probe.engine(MODEL, "torch") is found


@pytest.mark.parametrize("name", ["float32", "im2col"])
def test_engine__a_kernel_by_its_name__is_right(name: str) -> None:
    assert probe.engine(MODEL, name).name == name


@pytest.mark.parametrize("kernel", [Winograd(), Saturating()], ids=lambda kernel: kernel.name)
def test_check__a_kernel_that_is_off__is_refused_by_name(kernel: Float) -> None:
    with pytest.raises(RenderError, match=f"kernel {kernel.name}: the convolution .* is off by up to"):
        probe.check(probe.opened_on(MODEL, kernel), MODEL)


def test_check__a_division_between_right_layers__is_refused_by_the_known_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tensors.Tensors, "add", lambda _, a, b: a.add_(b).div_(7).mul_(7))
    with pytest.raises(RenderError, match="kernel float32: the model's known picture has the digest"):
        probe.check(probe.opened_on(MODEL, kernels.build("float32")), MODEL)


def test_check__noise_from_torch__is_refused_by_the_known_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def noise(seed: bytes, count: int) -> Any:
        source = torch.Generator().manual_seed(seed[0])
        return torch.randn(count, generator=source).mul(4096).round().long().numpy()

    monkeypatch.setattr(probe.noise, "normal", noise)
    with pytest.raises(RenderError, match="the model's known picture"):
        probe.check(probe.opened_on(MODEL, kernels.build("float32")), MODEL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A model folder to spoil."""
    return Path(shutil.copytree(MODEL, tmp_path / "model"))


def test_engine__another_known_picture__is_refused(copy: Path) -> None:
    (copy / probe.GOLDEN).write_text(json.dumps({"sha256": "00" * 32}))
    with pytest.raises(RenderError, match="engine float32: this machine cannot draw exactly with it: kernel float32"):
        probe.engine(copy, "float32")


def test_engine__no_known_picture__is_refused(copy: Path) -> None:
    (copy / probe.GOLDEN).unlink()
    with pytest.raises(RenderError, match=r"golden\.json cannot be read"):
        probe.engine(copy, "float32")


def test_engine__first_kernel_refused__takes_the_next(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = kernels.build

    def without_vnni(name: str) -> Any:
        return Saturating() if name == "int8" else build(name)

    monkeypatch.setattr(kernels, "build", without_vnni)
    assert probe.engine(copy, "torch").name == "float32"


def test_engine__every_kernel_refused__names_each_and_draws_nothing(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {"int8": Saturating(), "float32": Winograd()}
    monkeypatch.setattr(kernels, "build", planted.__getitem__)
    with pytest.raises(RenderError, match=r"kernel saturating: .*; kernel winograd: .*choose another engine"):
        probe.engine(copy, "torch")


def test_engine__unknown_name__is_refused() -> None:
    with pytest.raises(RenderError, match="known are auto, numpy, torch, cuda"):
        probe.engine(MODEL, "tpu")


def test_golden__by_a_fast_kernel__is_the_shipped_one() -> None:
    assert json.loads(probe.golden(MODEL, "float32")) == json.loads((MODEL / probe.GOLDEN).read_text())
