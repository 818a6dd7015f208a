"""The PNG encoder, opened by Pillow and by zlib, neither of which had a part in writing it."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from node.errors import RenderError
from node.render import huffman
from node.render.deflate import deflate
from node.render.png import encode

Pixels = NDArray[np.uint8]


def decoded(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert (image.mode, image.format) == ("RGB", "PNG")
        return np.asarray(image)


def gradient(height: int, width: int) -> Pixels:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 2 + y, 255 - y, (x * y) >> 4], 2).astype(np.uint8)


@st.composite
def pictures(draw: st.DrawFn) -> Pixels:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    levels = draw(st.sampled_from([1, 2, 3, 17, 256]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise = rng.integers(0, levels, (height, width, 3))
    smooth = gradient(height, width) if draw(st.booleans()) else np.zeros((height, width, 3), np.uint8)
    return (noise + smooth).astype(np.uint8)


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_encode__any_picture__pillow_reads_the_same_pixels(pixels: Pixels) -> None:
    assert np.array_equal(decoded(encode(pixels)), pixels)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (3000, 1, 3), (256, 256, 3), (300, 700, 3)])
@pytest.mark.parametrize("kind", ["flat", "noise", "gradient", "stripes"])
def test_encode__hard_cases__pillow_reads_the_same_pixels(shape: tuple[int, int, int], kind: str) -> None:
    rng = np.random.default_rng(5)
    pixels = {
        "flat": np.full(shape, 200, np.uint8),
        "noise": rng.integers(0, 256, shape, np.uint8),
        "gradient": gradient(shape[0], shape[1]),
        "stripes": np.broadcast_to((np.arange(shape[0]) % 3 * 90)[:, None, None], shape).astype(np.uint8),
    }[kind]
    assert np.array_equal(decoded(encode(pixels)), pixels)


def test_encode__array_of_another_memory_order__same_bytes() -> None:
    pixels = gradient(40, 50)
    turned = np.asfortranarray(pixels)
    assert encode(turned) == encode(pixels)
    assert encode(pixels[::-1][::-1]) == encode(pixels)


def test_encode__zlib_module_that_compresses_differently__same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """zlib and zlib-ng do not promise equal bytes: neither may have a part in them."""
    before = encode(gradient(40, 50))

    def forbidden(*_: object, **__: object) -> bytes:
        raise AssertionError("a compressor decided bytes")

    monkeypatch.setattr(zlib, "compress", forbidden)
    monkeypatch.setattr(zlib, "compressobj", forbidden)
    assert encode(gradient(40, 50)) == before


def test_encode__fixed_picture__fixed_bytes() -> None:
    """The bytes are a format: a change here changes every CID."""
    assert zlib.crc32(encode(gradient(64, 64))) == 3368753740


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
     np.zeros((0, 4, 3), np.uint8), np.zeros((4, 0, 3), np.uint8)],
)  # fmt: skip
def test_encode__not_a_picture__refused(pixels: Pixels) -> None:
    with pytest.raises(RenderError, match="png"):
        encode(pixels)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 900)), max_size=12))
def test_deflate__any_runs__zlib_inflates_them(runs: list[tuple[int, int]]) -> None:
    raw = b"".join(bytes([value]) * count for value, count in runs)
    assert zlib.decompress(deflate(np.frombuffer(raw, np.uint8)), wbits=-15) == raw


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=3000))
def test_deflate__any_bytes__zlib_inflates_them(raw: bytes) -> None:
    assert zlib.decompress(deflate(np.frombuffer(raw, np.uint8)), wbits=-15) == raw


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60), st.sampled_from([7, 15]))
def test_lengths__any_counts__complete_code_within_the_limit(counts: list[int], limit: int) -> None:
    lengths = huffman.lengths(counts, limit)
    used = [length for length in lengths if length]
    assert [bool(count) for count in counts] == [bool(length) for length in lengths]
    assert all(length <= limit for length in used)
    if len(used) > 1:
        assert sum(2.0**-length for length in used) == 1


def test_lengths__fibonacci_counts__limited_and_never_longer_for_the_more_frequent() -> None:
    """Fibonacci counts drive an unlimited Huffman code to its greatest depth."""
    counts = [1, 1]
    while len(counts) < 30:
        counts.append(counts[-1] + counts[-2])
    lengths = huffman.lengths(counts, 15)
    assert max(lengths) == 15
    assert lengths == sorted(lengths, reverse=True)
