"""A picture from another node: its pixels if it is ours to the byte, and else a refusal that costs little."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from node.errors import RenderError
from node.render.png import encode
from node.render.tolerance.picture import largest_file, open_picture

WIDTH, HEIGHT = 24, 16
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def pixels(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    steps = np.random.default_rng(seed).integers(-9, 10, (height, width, 3))
    return np.cumsum(steps, axis=seed % 2).astype(np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(raw: bytes, width: int = WIDTH, height: int = HEIGHT, form: tuple[int, ...] = (8, 2, 0, 0, 0)) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, *form)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40))
def test_open_picture__what_this_project_writes__gives_its_pixels(seed: int, width: int, height: int) -> None:
    drawn = pixels(seed, width, height)
    assert (open_picture(encode(drawn), width, height) == drawn).all()


def test_open_picture__rows_of_every_filter__as_another_reader_reads_them() -> None:
    raw, rng = b"", np.random.default_rng(3)
    for row in range(HEIGHT):
        raw += bytes([row % 5]) + rng.bytes(3 * WIDTH)
    from node.render.tolerance.picture import _unfiltered

    other = np.asarray(Image.open(io.BytesIO(png(raw))))
    assert (_unfiltered(raw, WIDTH, HEIGHT) == other).all()


def saved(**options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(1)).save(file, "PNG", **options)
    return file.getvalue()


def converted(mode: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(1)).convert(mode).save(file, "PNG")
    return file.getvalue()


OURS = encode(pixels(1))
FOREIGN: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "text": lambda: b"<svg/>",
    "cut off": lambda: OURS[:-13],
    "cut in the middle": lambda: OURS[:60],
    "one bit": lambda: OURS[:50] + bytes([OURS[50] ^ 1]) + OURS[51:],
    "appended": lambda: OURS + b"\0",
    "another writer": saved,
    "palette": lambda: converted("P"),
    "grey": lambda: converted("L"),
    "alpha": lambda: converted("RGBA"),
    "two pictures": lambda: OURS + OURS,
    "other size": lambda: encode(pixels(1, WIDTH, HEIGHT + 1)),
    "turned": lambda: encode(pixels(1, HEIGHT, WIDTH)),
    "text chunk": lambda: OURS[:33] + chunk(b"tEXt", b"a\0b") + OURS[33:],
    "16 bits": lambda: png(bytes(HEIGHT * (1 + 6 * WIDTH)), form=(16, 2, 0, 0, 0)),
    "interlaced": lambda: png(bytes(HEIGHT * (1 + 3 * WIDTH)), form=(8, 2, 0, 0, 1)),
    "a row short": lambda: png(bytes((HEIGHT - 1) * (1 + 3 * WIDTH))),
    "a byte long": lambda: png(bytes(HEIGHT * (1 + 3 * WIDTH) + 1)),
    "sixth filter": lambda: png(b"\5" * (HEIGHT * (1 + 3 * WIDTH))),
    "other filters": lambda: png(bytes(HEIGHT * (1 + 3 * WIDTH))),
    "no zlib": lambda: OURS[:33] + chunk(b"IDAT", b"junk") + chunk(b"IEND", b""),
    "body in the end": lambda: OURS[:-12] + chunk(b"IEND", b"x"),
    "huge length": lambda: OURS[:33] + b"\xff\xff\xff\xffIDAT" + OURS[41:],
    "large": lambda: OURS[:-12] + bytes(largest_file(WIDTH, HEIGHT)),
}


@pytest.mark.parametrize("made", FOREIGN.values(), ids=FOREIGN)
def test_open_picture__anything_else__refused(made: Callable[[], bytes]) -> None:
    """Incident: a malformed IPFS document crashes the oracle (lido-oracle#757): any bytes at all are refused."""
    with pytest.raises(RenderError, match="picture"):
        open_picture(made(), WIDTH, HEIGHT)


def test_open_picture__decompression_bomb__never_inflates_beyond_the_picture() -> None:
    file = io.BytesIO()
    packer = zlib.compressobj(9)
    for _ in range(256):
        file.write(packer.compress(bytes(1 << 20)))
    file.write(packer.flush())
    header = struct.pack(">IIBBBBB", 512, 512, 8, 2, 0, 0, 0)
    bomb = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", file.getvalue()) + chunk(b"IEND", b"")
    assert len(bomb) < largest_file(512, 512)
    tracemalloc.start()
    try:
        with pytest.raises(RenderError, match="more or fewer pixels"):
            open_picture(bomb, 512, 512)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_open_picture__any_bytes__refused(junk: bytes) -> None:
    with pytest.raises(RenderError):
        open_picture(junk, WIDTH, HEIGHT)
    with pytest.raises(RenderError):
        open_picture(OURS[:33] + junk, WIDTH, HEIGHT)
