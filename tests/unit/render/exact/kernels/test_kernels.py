"""Every kernel against int64 sums: all layers that there may be, ties, extremes, what is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.exact import kernels
from node.render.exact.arithmetic import Conv
from node.render.exact.kernels import Finish, Kernel, Layer
from node.render.exact.reference import Reference


def usable(name: str) -> bool:
    """Whether this machine can run the kernel."""
    try:
        kernels.build(name)
    except RenderError:
        return False
    return True


HERE = [name for name in kernels.NAMES if usable(name)]


@dataclass(frozen=True)
class Case:
    """A layer and what it is given."""

    x: NDArray[np.int64]
    conv: Conv


def convolved(kernel: Kernel, case: Case) -> NDArray[np.int64]:
    """What the kernel makes of it, as integers."""
    conv = case.conv
    finish = Finish(conv.bias, conv.shift, conv.low, conv.high)
    packed = kernel.pack(Layer(conv.weight, conv.stride, conv.padding, conv.take, finish))
    with kernels.pinned():
        out = kernel.conv(kernel.hold(torch.from_numpy(case.x), conv.take), packed)
        freed = kernel.free(out, conv.low) if finish.held else out
    return freed.cpu().numpy().astype(np.int64)


def expected(case: Case) -> NDArray[np.int64]:
    """What it is."""
    reference = Reference()
    return reference.conv(reference.load_conv(case.conv), case.x)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Layers of every form, with sums below 2**24."""
    source = np.random.default_rng(draw(st.integers(0, 2**32)))
    side = draw(st.sampled_from((1, 3)))
    inputs, outputs = draw(st.integers(1, 48)), draw(st.integers(1, 40))
    take = draw(st.sampled_from((0, -128, -40, -255)))
    low, high = draw(st.sampled_from(((0, 255), (-128, 127), (-40, 215), (-(2**15), 2**15), (0, 100))))
    weight = source.integers(-127, 128, (outputs, inputs, side, side)).astype(np.int8)
    bias = source.integers(-(2**16), 2**16, outputs)
    shift = source.integers(0, draw(st.sampled_from((1, 12, 25))), outputs)
    shape = (draw(st.integers(1, 3)), inputs, draw(st.integers(3, 9)), draw(st.integers(3, 9)))
    x = source.integers(take, take + 256, shape)
    return Case(x, Conv(weight, bias, shift, take, low, high, draw(st.sampled_from((1, 2))), side // 2))


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=40)
@given(case=cases())
def test_conv__any_layer__is_the_reference(name: str, case: Case) -> None:
    assert np.array_equal(convolved(kernels.build(name), case), expected(case))


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("low", [0, -128])
def test_conv__halves__go_to_the_even_neighbour(name: str, low: int) -> None:
    count = 64
    odd = np.arange(count) * 2 - count + 1  # divided by 2: n + 1/2 for n from -32 to 31
    conv = Conv(np.ones((count, 1, 1, 1), np.int8), odd, np.ones(count, np.int64), 0, low, low + 255, 1, 0)
    case = Case(np.zeros((1, 1, 2, 2), np.int64), conv)
    assert np.array_equal(convolved(kernels.build(name), case)[0, :, 0, 0], np.rint(odd / 2).clip(low, low + 255))
    assert np.array_equal(convolved(kernels.build(name), case), expected(case))


@pytest.mark.parametrize("name", HERE)
def test_conv__just_above_a_half_with_many_bits__is_not_rounded_twice(name: str) -> None:
    # 1/2 + 2**-20 fits a float32, 128 + 1/2 + 2**-20 does not: a zero point added before the rounding makes it a tie.
    bias = np.array([2**19 + 1, 2**19, 3 * 2**19 - 1])
    conv = Conv(np.zeros((3, 1, 1, 1), np.int8), bias, np.full(3, 20), 0, -128, 127, 1, 0)
    out = convolved(kernels.build(name), Case(np.zeros((1, 1, 1, 1), np.int64), conv))
    assert out.ravel().tolist() == [1, 0, 1]


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("take", "value"), [(0, 255), (-128, 127), (-128, -128), (-255, -255)])
def test_conv__largest_inputs_and_weights__are_not_saturated(name: str, take: int, value: int) -> None:
    # 32 * 9 products of 127 * 255 stay below 2**24; the sums of two of them do not fit 16 bits.
    weight = np.full((8, 32, 3, 3), 127, np.int8)
    weight[4:] = -127
    conv = Conv(weight, np.zeros(8, np.int64), np.zeros(8, np.int64), take, -(2**24), 2**24, 1, 1)
    case = Case(np.full((1, 32, 5, 5), value), conv)
    assert np.array_equal(convolved(kernels.build(name), case), expected(case))


@pytest.mark.parametrize("name", HERE)
def test_conv__without_a_finish__is_the_plain_sum(name: str) -> None:
    kernel = kernels.build(name)
    weight = np.arange(-127, 128, dtype=np.int8).reshape(5, 51, 1, 1)
    x = torch.arange(51 * 6).remainder(256).sub(100).reshape(1, 51, 2, 3)
    with kernels.pinned():
        out = kernel.conv(kernel.hold(x, -100), kernel.pack(Layer(weight, low=-100)))
    assert out.dtype == torch.float32
    want = torch.einsum("oi,nihw->nohw", torch.from_numpy(weight[:, :, 0, 0]).long(), x)
    assert torch.equal(out.cpu().long(), want)


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("dtype", [torch.int16, torch.int64, torch.float32, torch.float64])
def test_hold__then_free__keeps_every_level(name: str, dtype: torch.dtype) -> None:
    kernel = kernels.build(name)
    for low in (0, -128, -255, -17):
        x = torch.arange(low, low + 256).to(dtype)
        freed = kernel.free(kernel.hold(x, low), low)
        assert freed.dtype == torch.float32
        assert torch.equal(freed.cpu().to(dtype), x)


def test_build__unknown_name__is_refused() -> None:
    with pytest.raises(RenderError, match="known are int8, float32, float64"):
        kernels.build("winograd")


def test_build__no_gpu__names_what_is_missing() -> None:
    if torch.cuda.is_available():
        assert kernels.build("cuda").device == "cuda"
    else:
        with pytest.raises(RenderError, match="no CUDA device"):
            kernels.build("cuda")
