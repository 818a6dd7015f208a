"""Each trap that makes sums of integers wrong on some machine: that it is there, and that nothing falls into it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from node.errors import RenderError
from node.render.exact import kernels
from node.render.exact.kernels import Layer, int8
from node.render.exact.kernels.witness import Witnessed

X86 = platform.machine() in ("x86_64", "AMD64")


def in_a_process(code: str, **settings: str) -> str:
    """What a fresh Python with these environment variables prints: oneDNN reads its own once."""
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | settings, check=True, capture_output=True, text=True
    )
    return run.stdout.strip()


BUILD = """
from node.errors import RenderError
from node.render.exact import kernels
try:
    print(kernels.build("int8").name)
except RenderError as error:
    print(error)
"""
# As though the check of the CPU had let it through, and the small trial too.
WITNESS = """
import numpy as np, torch
from node.errors import RenderError
from node.render.exact.kernels import Layer, int8
from node.render.exact.kernels.witness import Witnessed
weight = np.random.default_rng(1).integers(-127, 128, (64, 64, 3, 3)).astype(np.int8)
kernel = Witnessed(int8.Int8())
try:
    kernel.conv(torch.zeros(1, 64, 8, 8, dtype=torch.uint8), kernel.pack(Layer(weight, padding=1, low=0)))
except RenderError as error:
    print(error)
"""


@pytest.mark.skipif(not X86, reason="only x86 adds products of bytes in 16 bits")
@pytest.mark.parametrize("most", ["AVX2", "AVX512_CORE"])
def test_int8__without_vnni__is_not_built(most: str) -> None:
    assert in_a_process(BUILD, ONEDNN_MAX_CPU_ISA=most).startswith("kernel int8: ")


@pytest.mark.skipif(not X86, reason="only x86 adds products of bytes in 16 bits")
def test_int8__without_vnni_and_unchecked__saturates_and_is_found_by_the_witness() -> None:
    said = in_a_process(WITNESS, ONEDNN_MAX_CPU_ISA="AVX2")
    assert "kernel int8: the convolution 64x64x3x3 on 1 of 8 x 8 is off by up to" in said


def test_int8__cpu_that_does_not_list_the_instructions__is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_f": True, "avx512_vnni": False})
    with pytest.raises(RenderError, match="this CPU has none of avx512_vnni"):
        int8.build()


@pytest.fixture
def no_onednn() -> Iterator[None]:
    """Convolutions without oneDNN for the duration of a test."""
    onednn = torch.backends.mkldnn
    assert onednn.enabled
    onednn.enabled = False
    yield
    onednn.enabled = True


class Named(TorchDispatchMode):
    """Keeps the names of what torch is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def integers(*shape: int) -> torch.Tensor:
    """Integers of 8 bits as floats."""
    return torch.randint(-127, 128, shape, generator=torch.Generator().manual_seed(3)).float()


@pytest.mark.skipif(not torch.backends.nnpack.is_available(), reason="this torch has no NNPACK")
def test_float32__batch_of_16_without_onednn__stays_off_nnpack(no_onednn: None) -> None:
    x, weight = integers(16, 64, 16, 16), integers(64, 64, 3, 3)
    want = functional.conv2d(x.double(), weight.double(), padding=1)
    kernel = kernels.build("float32")
    packed = kernel.pack(Layer(weight.numpy().astype(np.int8), padding=1))
    transformed = functional.conv2d(x, weight, padding=1)
    assert not torch.equal(transformed.double(), want), "NNPACK's transform would be exact here: no trap"
    with kernels.pinned():
        assert torch.equal(kernel.conv(kernel.hold(x, -128), packed).double(), want)
        assert torch.equal(kernel.conv(x, packed).double(), want)


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_pinned__short_mantissas_asked_for__are_off_within_and_back_after(precision: str) -> None:
    onednn = torch.backends.mkldnn
    before = onednn.conv.fp32_precision, onednn.matmul.fp32_precision
    x, weight = integers(4, 64, 16, 16) * 33 + 1, integers(64, 64, 3, 3) % 16
    rows, columns = integers(256, 64) * 33 + 1, integers(64, 64) % 16
    want = functional.conv2d(x.double(), weight.double(), padding=1)
    try:
        onednn.conv.fp32_precision = onednn.matmul.fp32_precision = precision
        with kernels.pinned():
            assert torch.equal(functional.conv2d(x, weight, padding=1).double(), want)
            assert torch.equal((rows @ columns).double(), rows.double() @ columns.double())
        assert (onednn.conv.fp32_precision, onednn.matmul.fp32_precision) == (precision, precision)
    finally:
        onednn.conv.fp32_precision, onednn.matmul.fp32_precision = before


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_float32__short_mantissas_in_force__still_hold_operands_of_8_bits(precision: str) -> None:
    # Where a machine does not heed the switch: 255 needs 8 bits, a bfloat16 has them, and sums are kept in float32.
    onednn = torch.backends.mkldnn
    before = onednn.conv.fp32_precision
    x, weight = integers(4, 64, 16, 16) + 128, integers(64, 64, 3, 3)
    try:
        onednn.conv.fp32_precision = precision
        with torch.inference_mode():
            sums = functional.conv2d(x, weight, padding=1)
    finally:
        onednn.conv.fp32_precision = before
    assert torch.equal(sums.double(), functional.conv2d(x.double(), weight.double(), padding=1))


def test_pinned__autocast_around_it__does_not_reach_in() -> None:
    x, weight = integers(2, 16, 8, 8) * 33 + 1, integers(16, 16, 3, 3)
    want = functional.conv2d(x.double(), weight.double(), padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = functional.conv2d(x, weight, padding=1)
        with kernels.pinned():
            kept = functional.conv2d(x, weight, padding=1)
    assert rounded.dtype == torch.bfloat16
    assert torch.equal(kept.double(), want)


def test_cuda__convolutions__are_unfolded_by_us() -> None:
    # cuDNN picks Winograd or FFT when it likes; what runs on the GPU never asks torch for a convolution.
    kernel = kernels.build("im2col")
    packed = kernel.pack(Layer(integers(8, 4, 3, 3).numpy().astype(np.int8), padding=1))
    with Named() as seen, kernels.pinned():
        kernel.conv(kernel.hold(integers(1, 4, 8, 8), -128), packed)
    assert "aten.bmm.default" in seen.names
    assert not [name for name in seen.names if "conv" in name]


def test_witness__right_kernel__tries_each_shape_once() -> None:
    class Counting(type(kernels.build("float32"))):  # type: ignore[misc]
        calls = 0

        def conv(self, x: torch.Tensor, packed: object) -> torch.Tensor:
            Counting.calls += 1
            return super().conv(x, packed)  # type: ignore[no-any-return]

    kernel = Witnessed(Counting("counting", torch.float32))
    packed = kernel.pack(Layer(integers(8, 4, 3, 3).numpy().astype(np.int8), padding=1))
    with kernels.pinned():
        for batch in (1, 1, 2, 1):
            kernel.conv(kernel.hold(integers(batch, 4, 8, 8), -128), packed)
    assert Counting.calls == 4 + 2  # one trial for each of two shapes
