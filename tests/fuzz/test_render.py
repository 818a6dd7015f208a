"""Pictures of other nodes, replies of render workers, and the index of a pipeline's folder."""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import RenderError
from node.render.png import encode
from node.render.tolerance.folder import INDEX, model_index
from node.render.tolerance.picture import largest_file, open_picture
from node.render.worker.wire import HEAD, MAX_BODY, Hello, Kind, frame, is_png, parse_head
from node.web.thumbnails import reduced
from tests.fuzz.hold import Decoder, hold, modest, peak_of
from tests.fuzz.mutations import any_input, damaged, odd_json, spelled

SIDE = 8
PIXELS = (
    np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3),
    np.zeros((SIDE, SIDE, 3), np.uint8),
    (np.indices((SIDE, SIDE, 3)).sum(0) * 37 % 251).astype(np.uint8),
)
PICTURES = tuple(encode(pixels) for pixels in PIXELS)
PICTURE = Decoder(
    "node.render.tolerance.picture.open_picture",
    lambda raw: open_picture(raw, SIDE, SIDE),
    RenderError,
    PICTURES,
    encode,
    base=1 << 20,
)
INDEXES: tuple[dict[str, Any], ...] = (
    {
        "_class_name": "DDIMPipeline",
        "_diffusers_version": "0.42",
        "unet": ["diffusers", "UNet2DModel"],
        "vae": [None, None],
    },
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def picture_of(stream: bytes) -> bytes:
    """A PNG of the right size whose checksums are all right, around any pixels' stream."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


@given(any_input(PICTURES))
def test_picture__noise_and_damage__is_refused_or_exactly_ours(raw: bytes) -> None:
    hold(PICTURE, raw)


@given(any_input(tuple(zlib.compress(bytes(SIDE * (1 + 3 * SIDE)), level) for level in (0, 1, 9))))
def test_picture__damaged_pixels_under_right_checksums__is_refused_or_exactly_ours(stream: bytes) -> None:
    hold(PICTURE, picture_of(stream))


@given(damaged((bytes(SIDE * (1 + 3 * SIDE)), bytes([2]) * (SIDE * (1 + 3 * SIDE)))))
def test_picture__any_rows_and_filters__is_refused_or_exactly_ours(rows: bytes) -> None:
    hold(PICTURE, picture_of(zlib.compress(rows)))


def test_picture__bomb__is_not_inflated() -> None:
    """One gigabyte of zeros in a megabyte, in a file that is small enough to be opened."""
    side = 1_024
    stream = zlib.compress(bytes(200 << 20), 9)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    raw = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    assert len(raw) < largest_file(side, side)
    found, peak = peak_of(lambda: open_picture(raw, side, side))
    assert isinstance(found, RenderError)
    assert peak < 16 << 20


@given(any_input(PICTURES))
def test_small_picture__noise_and_damage__is_a_picture_or_nothing(raw: bytes) -> None:
    made = reduced(raw, 2)
    assert made in (b"", raw) or made.startswith(b"\x89PNG")


@given(any_input((Hello("numpy", bytes(32)).body(), b'{"engine": 1}')))
def test_hello__noise_and_damage__is_read_or_a_value_error(raw: bytes) -> None:
    try:
        hello = Hello.parse(raw)
    except ValueError:
        return
    assert Hello.parse(hello.body()) == hello


@given(st.binary(min_size=HEAD, max_size=HEAD) | damaged((frame(Kind.PICTURE, 7, bytes(40)),)))
def test_reply__any_head__is_read_within_its_limit_or_a_value_error(raw: bytes) -> None:
    try:
        kind, number, length = parse_head(raw[:HEAD].ljust(HEAD, b"\0"))
    except ValueError:
        return
    assert 0 <= length <= MAX_BODY
    assert frame(kind, number)[:5] == raw[:5].ljust(5, b"\0")


@given(any_input(PICTURES))
def test_reply__any_body__is_a_picture_or_not(raw: bytes) -> None:
    assert not is_png(raw) or raw.startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_pipeline_index__noise_damage_and_odd_values__is_read_or_refused(folder: Path) -> None:
    def read(raw: bytes) -> Any:
        (folder / INDEX).write_bytes(raw)
        return model_index(folder)

    corpus = tuple(json.dumps(index).encode() for index in INDEXES)
    decoder = Decoder("node.render.tolerance.folder.model_index", read, RenderError, corpus)

    @modest(60)
    @given(any_input(corpus) | odd_json(INDEXES[0]).map(spelled))
    def fed(raw: bytes) -> None:
        hold(decoder, raw)

    hold(decoder, corpus[0])
    fed()
