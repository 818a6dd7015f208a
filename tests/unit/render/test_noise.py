"""The seeded noise: its definition, its table, and that it is normal enough."""

from __future__ import annotations

import hashlib
from statistics import NormalDist

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from node.render import noise

SEED = bytes(range(32))


def test_words__against_the_definition__equal() -> None:
    expected: list[int] = []
    counter = 0
    while len(expected) < 100:
        block = hashlib.sha256(b"patina/noise/1" + SEED + counter.to_bytes(4, "big")).digest()
        expected += [int.from_bytes(block[at : at + 2], "big") for at in range(0, 32, 2)]
        counter += 1
    assert noise.words(SEED, 100).tolist() == expected[:100]


def test_table__every_entry__is_the_rounded_quantile() -> None:
    table = noise.table()
    assert len(table) == 32768
    for index in range(0, 32768, 37):
        exact = NormalDist().inv_cdf(0.5 + (index + 0.5) / 65536) * noise.SCALE
        # Half a unit is rounding; the rest is what another libm may differ by.
        assert abs(int(table[index]) - exact) <= 0.501
    assert bool((np.diff(table) >= 0).all())


def test_normal__against_the_definition__sign_bit_and_table() -> None:
    words = noise.words(SEED, 64).tolist()
    table = noise.table().tolist()
    assert noise.normal(SEED, 64).tolist() == [-table[w & 0x7FFF] if w >> 15 else table[w] for w in words]


def test_normal__many_draws__moments_and_tails_of_a_standard_normal() -> None:
    draws = noise.normal(SEED, 200_000) / noise.SCALE
    assert abs(draws.mean()) < 0.01
    assert abs(draws.std() - 1) < 0.01
    assert abs((draws**3).mean()) < 0.04
    assert abs((draws**4).mean() - 3) < 0.1
    for bound, share in ((1, 0.3173), (2, 0.0455), (3, 0.0027)):
        assert abs((np.abs(draws) > bound).mean() - share) < 0.004


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(1, 200), st.integers(1, 200))
def test_normal__shorter_request__is_a_prefix_of_the_longer(seed: bytes, few: int, more: int) -> None:
    longest = noise.normal(seed, few + more)
    assert noise.normal(seed, few).tolist() == longest[:few].tolist()


def test_normal__seeds_that_differ_in_one_bit__unrelated() -> None:
    other = bytes([SEED[0] ^ 1]) + SEED[1:]
    a, b = noise.normal(SEED, 50_000), noise.normal(other, 50_000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
