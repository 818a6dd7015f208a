"""Deflate: zlib inflates whatever was deflated."""

from __future__ import annotations

import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from node.render.png.deflate import bound, deflate


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 900)), max_size=12))
def test_deflate__any_runs__zlib_inflates_them(runs: list[tuple[int, int]]) -> None:
    raw = b"".join(bytes([value]) * count for value, count in runs)
    assert zlib.decompress(deflate(np.frombuffer(raw, np.uint8)), wbits=-15) == raw


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=3000))
def test_deflate__any_bytes__zlib_inflates_them(raw: bytes) -> None:
    assert zlib.decompress(deflate(np.frombuffer(raw, np.uint8)), wbits=-15) == raw


@st.composite
def repeating(draw: st.DrawFn) -> bytes:
    """Bytes put together from few pieces, so that they repeat near and far, on and off."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5))
    order = draw(st.lists(st.integers(0, len(pieces) - 1), max_size=60))
    times = draw(st.integers(1, 40))
    return b"".join(pieces[at] for at in order) * times


@settings(max_examples=150, deadline=None)
@given(repeating())
def test_deflate__repeating_bytes__zlib_inflates_them(raw: bytes) -> None:
    packed = deflate(np.frombuffer(raw, np.uint8))
    assert zlib.decompress(packed, wbits=-15) == raw
    assert len(packed) <= bound(len(raw))


def test_deflate__more_than_one_stored_block__zlib_inflates_them() -> None:
    raw = np.random.default_rng(6).integers(0, 256, 200_000, np.uint8)
    packed = deflate(raw)
    assert len(packed) == bound(200_000) == 200_020
    assert zlib.decompress(packed, wbits=-15) == raw.tobytes()
