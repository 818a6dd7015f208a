"""PNG from pixels: what Pillow reads, the same bytes everywhere, within the stated size."""

from __future__ import annotations

import ast
import hashlib
import io
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from node.content.unixfs import CHUNK, file
from node.errors import RenderError
from node.render import png
from node.render.png import MAX_BLOCK, encode, largest

Pixels = NDArray[np.uint8]
FIXED, FIXED_TEXTURE = 1045036070, 1039838996


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


def test_encode__interpreter_without_zlib__same_bytes() -> None:
    """zlib and zlib-ng do not promise equal bytes: neither may have a part in them."""
    script = (
        "import sys; sys.modules['zlib'] = None\n"
        "import hashlib, numpy as np\n"
        "from node.render.png import encode\n"
        "picture = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3) ** 2 >> 7\n"
        "print(hashlib.sha256(encode(picture.astype(np.uint8))).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    picture = (np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3) ** 2 >> 7).astype(np.uint8)
    assert done.stdout.strip() == hashlib.sha256(encode(picture)).hexdigest()


@pytest.mark.parametrize("module", ["__init__", "encoder", "deflate", "matches", "bits", "huffman"])
def test_encoder__its_modules__none_imports_zlib(module: str) -> None:
    source = Path(png.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported.isdisjoint({"zlib", "gzip", "PIL", "isal"})


def test_encode__fixed_picture__fixed_bytes() -> None:
    """The bytes are a format: a change here changes every CID."""
    grained = gradient(64, 64) // 2 + np.random.default_rng(8).integers(0, 5, (64, 64, 3), np.uint8)
    assert zlib.crc32(encode(gradient(64, 64))) == FIXED
    assert zlib.crc32(encode(grained)) == FIXED_TEXTURE


def test_encode__noise_of_an_artworks_size__within_the_stated_bound_and_one_block() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (512, 512, 3), np.uint8)
    png = encode(noise)
    assert np.array_equal(decoded(png), noise)
    assert len(png) <= largest(512, 512) == 787_072 < MAX_BLOCK == CHUNK
    assert len(file(png)[1]) == 1
    assert len(png) > 512 * 512 * 3


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32))
def test_encode__noise_of_any_shape__within_the_stated_bound(height: int, width: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    png = encode(noise)
    assert len(png) <= largest(height, width)
    assert np.array_equal(decoded(png), noise)


def pillow_size(pixels: Pixels, *, optimize: bool) -> int:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=optimize)
    return len(out.getvalue())


def texture(side: int) -> Pixels:
    """Hills of light under a grain, as rendered artworks have them."""
    y, x = np.mgrid[0:side, 0:side]
    light = np.stack([100 + 80 * np.sin(x / 50 + y / 90), 90 + 60 * np.sin(y / 40), 120 + 50 * np.cos(x / 70)], 2)
    return (light + np.random.default_rng(3).normal(0, 2, (side, side, 3))).clip(0, 255).astype(np.uint8)


def kinds(side: int) -> dict[str, Pixels]:
    y, x = np.mgrid[0:side, 0:side]
    rng = np.random.default_rng(1)
    return {
        "flat": np.full((side, side, 3), 200, np.uint8),
        "noise": rng.integers(0, 256, (side, side, 3), np.uint8),
        "gradient": np.stack([x // 2, y // 2, (x + y) // 4], 2).astype(np.uint8),
        "steep": gradient(side, side),
        "radial": np.stack([np.hypot(x - side / 2, y - side / 2) * 0.7] * 3, 2).astype(np.uint8),
        "cells": rng.integers(0, 256, (16, 16, 3), np.uint8).repeat(side // 16, 0).repeat(side // 16, 1),
        "texture": texture(side),
        "half": np.concatenate([texture(side)[: side // 2], np.zeros((side // 2, side, 3), np.uint8)]),
    }


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("kind", list(kinds(16)))
def test_encode__any_kind_of_picture__at_most_1_3_times_pillows_size(kind: str, optimize: bool) -> None:
    pixels = kinds(512)[kind]
    png = encode(pixels)
    assert np.array_equal(decoded(png), pixels)
    assert len(png) <= 1.3 * pillow_size(pixels, optimize=optimize)


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
     np.zeros((0, 4, 3), np.uint8), np.zeros((4, 0, 3), np.uint8)],
)  # fmt: skip
def test_encode__not_a_picture__refused(pixels: Pixels) -> None:
    with pytest.raises(RenderError, match="png"):
        encode(pixels)
