"""Encodes pixels as PNG with bytes that depend on the pixels alone.

No zlib build decides anything: the deflate stream is written by `node.render.deflate`; only the checksums, which
their specifications fix completely, come from the standard library.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.deflate import deflate

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_SIDE = 16_384


def _filtered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each row with its filter byte, (H, 1 + 3 W): of the five filters the one with the least sum of magnitudes.

    PNG (third edition) section 9: filters 0 none, 1 sub, 2 up, 3 average, 4 Paeth; the heuristic is its 12.7. A tie
    takes the lower number.
    """
    height, width, _ = pixels.shape
    padded = np.zeros((height + 1, width + 1, 3), np.int16)
    padded[1:, 1:] = pixels
    here, left, up, corner = padded[1:, 1:], padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    to_left, to_up, to_corner = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    guesses = np.stack([np.zeros_like(here), left, up, (left + up) >> 1, paeth])
    rows = (here[None] - guesses).astype(np.uint8).reshape(5, height, 3 * width)
    cost = np.minimum(rows, np.uint8(0) - rows).sum(2, dtype=np.int64)
    best = cost.argmin(0)
    out = np.empty((height, 1 + 3 * width), np.uint8)
    out[:, 0] = best
    out[:, 1:] = rows[best, np.arange(height)]
    return out


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """The PNG (8-bit RGB, not interlaced) of uint8 pixels (H, W, 3); RenderError for any other array."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise RenderError(f"png: pixels must be uint8 (H, W, 3), not {pixels.dtype} {pixels.shape}")
    height, width, _ = pixels.shape
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise RenderError(f"png: {width} x {height} pixels, sides are 1 to {MAX_SIDE}")
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    raw = _filtered(pixels).reshape(-1)
    # RFC 1950: deflate, 32 KiB window, no dictionary, fastest level; the check bits make it a multiple of 31.
    stream = b"\x78\x01" + deflate(raw) + struct.pack(">I", zlib.adler32(raw.tobytes()))
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")
