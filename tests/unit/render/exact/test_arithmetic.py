"""Every operation on tensors is the reference's, and the reference's are what Python's own integers say."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.exact import kernels
from node.render.exact.arithmetic import FRACTION, WIDE, Attention, Conv, Narrow, Norm
from node.render.exact.integers import affine, halved, obvious_root, root
from node.render.exact.kernels import Kernel
from node.render.exact.quantise import tables
from node.render.exact.reference import Reference
from node.render.exact.tensors import Tensors

Ints = NDArray[np.int64]
QUICK = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module", params=["float32", "float64", "int8"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    try:
        return kernels.build(request.param)
    except RenderError as error:
        pytest.skip(str(error))


def wide(rng: np.random.Generator, *shape: int) -> Ints:
    return rng.integers(-WIDE, WIDE + 1, shape)


def as_tensor(x: Ints) -> torch.Tensor:
    return torch.from_numpy(x.astype(np.float32)).contiguous(memory_format=torch.channels_last)


@QUICK
@given(st.integers(-(2**60), 2**60), st.integers(0, 40))
def test_halved__any_integer__is_pythons_rounding_of_the_fraction(value: int, shift: int) -> None:
    assert int(halved(np.array(value), shift)) == round(Fraction(value, 2**shift))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31 - 2), st.integers(-1, 1))
def test_root__around_squares__is_pythons(base: int, offset: int) -> None:
    value = max(base * base + offset, 0)
    assert int(root(np.array([value]))[0]) == math.isqrt(value) == int(obvious_root(np.array([value]))[0])


@QUICK
@given(SEEDS, st.sampled_from([0, -14, -128]), st.sampled_from([(0, 255), (-128, 127), (-WIDE, WIDE)]), st.booleans())
def test_conv__random_layers__as_the_reference(
    kernel: Kernel, seed: int, take: int, limits: tuple[int, int], half: bool
) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-127, 128, (8, 16, 3, 3), np.int8)
    layer = Conv(
        weight, rng.integers(-(2**16), 2**16, 8), rng.integers(4, 14, 8), take, *limits, 2 if half else 1, 1
    )  # fmt: skip
    x = rng.integers(take, take + 256, (2, 16, 8, 8))
    on, reference = Tensors(kernel), Reference()
    got = on.conv(on.load_conv(layer), on.operand(x, take))
    want = reference.conv(reference.load_conv(layer), x)
    if limits == (-WIDE, WIDE):
        assert np.array_equal(on.wide(got), want)
    else:
        assert np.array_equal(kernel.free(got, limits[0]).numpy().astype(np.int64), want)


def test_conv__one_place__is_the_sum_that_python_makes() -> None:
    rng = np.random.default_rng(3)
    weight = rng.integers(-127, 128, (1, 5, 3, 3), np.int8)
    x = rng.integers(0, 256, (1, 5, 3, 3))
    reference = Reference()
    layer = reference.load_conv(Conv(weight, np.array([77]), np.array([9]), 0, -WIDE, WIDE, 1, 0))
    total = sum(int(a) * int(b) for a, b in zip(weight.ravel(), x.ravel(), strict=True))
    assert reference.conv(layer, x).tolist() == [[[[round(Fraction(total + 77, 512))]]]]


@QUICK
@given(SEEDS, st.sampled_from([0, -128]))
def test_narrow__random_factors__as_the_reference(kernel: Kernel, seed: int, low: int) -> None:
    rng = np.random.default_rng(seed)
    layer = Narrow(rng.integers(1, 512, 6), rng.integers(0, 20, 6), low)
    x = wide(rng, 2, 6, 4, 4)
    x[0, :, 0, 0], x[0, :, 0, 1] = WIDE, -WIDE
    on, reference = Tensors(kernel), Reference()
    got = kernel.free(on.narrow(on.load_narrow(layer), as_tensor(x)), low)
    assert np.array_equal(got.numpy().astype(np.int64), reference.narrow(reference.load_narrow(layer), x))


def norm(rng: np.random.Generator, channels: int, groups: int, rows: int) -> Norm:
    table = rng.integers(-14, 242, (rows, tables.ENTRIES))
    gain = rng.integers(-(2**28), 2**28, channels)
    return Norm(groups, gain, rng.integers(0, 2**31, channels), int(rng.integers(0, 20)), table, -14)


@QUICK
@given(SEEDS, st.sampled_from([1, 8]), st.sampled_from(["any", "flat", "extreme", "small"]))
def test_norm__random_values__as_the_reference(kernel: Kernel, seed: int, rows: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    layer = norm(rng, 8, 4, rows)
    x = wide(rng, 2, 8, 8, 8)
    if kind == "flat":
        x[:] = x[0, 0, 0, 0]
    elif kind == "extreme":
        x = np.where(x > 0, WIDE, -WIDE)
    elif kind == "small":
        x %= 3
    added = wide(rng, 2, 8)
    on, reference = Tensors(kernel), Reference()
    for given_rows in (None, added):
        got = kernel.free(on.norm(on.load_norm(layer), as_tensor(x), given_rows), -14)
        want = reference.norm(reference.load_norm(layer), x, given_rows)
        assert np.array_equal(got.numpy().astype(np.int64), want)


def test_affine__against_torchs_group_norm__close() -> None:
    rng = np.random.default_rng(5)
    x, added = rng.integers(-3000, 3000, (2, 64, 16, 16)), rng.integers(-500, 500, (2, 64))
    gamma, beta = rng.normal(1, 0.3, 64), rng.normal(0, 0.3, 64)
    layer = Norm(
        32, np.rint(gamma * 100 * 2**FRACTION).astype(np.int64), np.rint(beta * 100 * 2**FRACTION).astype(np.int64),
        7, np.zeros((1, 1), np.int64), 0,
    )  # fmt: skip
    slope, intercept = affine(layer, x.sum((2, 3)), (x * x).sum((2, 3)), 256, added)
    got = (x * slope[:, :, None, None] + intercept[:, :, None, None]) / 2**FRACTION / 100
    real = torch.from_numpy(x + added[:, :, None, None]).double()
    want = torch.nn.functional.group_norm(real, 32, torch.from_numpy(gamma), torch.from_numpy(beta), 7).numpy()
    assert np.abs(got - want).max() < 1e-3


@QUICK
@given(SEEDS, st.integers(1, 4000), st.integers(8, 20), st.integers(11, 15))
def test_attention__random_values__as_the_reference(
    kernel: Kernel, seed: int, factor: int, shift: int, finish: int
) -> None:
    rng = np.random.default_rng(seed)
    layer = Attention(2, factor, shift, tables.exponent()["exponent"].astype(np.int64), finish)
    x = rng.integers(-128, 128, (2, 3 * 64, 4, 4))
    on, reference = Tensors(kernel), Reference()
    got = kernel.free(on.attention(on.load_attention(layer), on.operand(x, -128)), -128)
    want = reference.attention(reference.load_attention(layer), x)
    assert np.array_equal(got.numpy().astype(np.int64), want)
    assert np.abs(want).max() > 0


def test_attention__against_torchs__close() -> None:
    rng = np.random.default_rng(2)
    x = np.clip(rng.normal(0, 40, (1, 3 * 64, 8, 8)), -128, 127).astype(np.int64)
    reference = Reference()
    # Scores in units of 1/2000: factor / 2**shift is 64 / 2000.
    layer = Attention(2, round(64 / 2000 * 2**16), 16, tables.exponent()["exponent"].astype(np.int64), 13)
    got = reference.attention(reference.load_attention(layer), x).reshape(2, 32, 64) / 4
    query, key, value = torch.from_numpy(x).double().reshape(3, 2, 32, 64).transpose(2, 3)
    want = (torch.softmax(query @ key.transpose(1, 2) / 2000, -1) @ value).clamp(-32, 31.75)
    assert np.abs(got - want.transpose(1, 2).numpy()).max() < 1.5


@QUICK
@given(SEEDS)
def test_moves__add_double_shuffle_concat__as_the_reference(kernel: Kernel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = wide(rng, 2, 8, 4, 4), wide(rng, 2, 8, 4, 4)
    on, reference = Tensors(kernel), Reference()
    assert np.array_equal(on.wide(on.add(as_tensor(a), as_tensor(b))), reference.add(a, b))
    assert np.array_equal(on.wide(on.shuffle(as_tensor(a))), reference.shuffle(a))
    assert np.array_equal(on.wide(on.concat([as_tensor(a), as_tensor(b)])), reference.concat([a, b]))
    x = rng.integers(-128, 128, (2, 8, 4, 4))
    assert np.array_equal(kernel.free(on.double(on.operand(x, -128)), -128).numpy(), reference.double(x))
    assert np.array_equal(reference.shuffle(a), torch.nn.functional.pixel_shuffle(torch.from_numpy(a), 2).numpy())
