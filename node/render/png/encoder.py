"""Encodes pixels as PNG with bytes that depend on the pixels alone.

No zlib build decides anything: the deflate stream is written by `node.render.png.deflate`, and zlib is never imported.

A picture of 512 x 512 pixels is at most 787,072 bytes, whatever its pixels (noise comes to that, as stored blocks):
less than the 1 MiB of one leaf of a file, so an artwork is one IPFS block, named by its own digest.
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import Final

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.png.deflate import bound, deflate

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_SIDE: Final = 16_384
MAX_BLOCK: Final = 1 << 20
"""Bytes of a picture that is one IPFS block: what `node.content.unixfs` puts into one leaf of a file."""
_AROUND: Final = 63
"""Bytes beside the deflate stream: signature, three chunks' frames, IHDR's content, the zlib wrapper."""
_STRUCTURED: Final = 8
"""Compression from which on a picture is structure rather than texture, and filters are tried out."""
_SUB: Final = 1


def _residues(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the filters leave of each row, (5, H, 3 W): none, sub, up, average, Paeth (PNG third edition, section 9)."""
    height, width, _ = pixels.shape
    padded = np.zeros((height + 1, width + 1, 3), np.int16)
    padded[1:, 1:] = pixels
    here, left, up, corner = padded[1:, 1:], padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    to_left, to_up, to_corner = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    out = np.empty((5, height, width, 3), np.uint8)
    for number, guess in enumerate((None, left, up, (left + up) >> 1, paeth)):
        out[number] = here if guess is None else here - guess  # modulo 256
    return out.reshape(5, height, 3 * width)


def _chosen(residues: NDArray[np.uint8]) -> NDArray[np.intp]:
    """For each row the filter with the least sum of magnitudes (its section 12.7); a tie takes the lower number."""
    cost: NDArray[np.int64] = np.minimum(residues, np.uint8(0) - residues).sum(2, dtype=np.int64)
    best: NDArray[np.intp] = cost.argmin(0)
    return best


def _rows(residues: NDArray[np.uint8], filters: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Each row behind its filter's number, as one stretch of H (1 + 3 W) bytes."""
    out = np.empty((residues.shape[1], 1 + residues.shape[2]), np.uint8)
    out[:, 0] = filters
    out[:, 1:] = residues[filters, np.arange(len(filters))]
    return out.reshape(-1)


def _adler32(raw: NDArray[np.uint8]) -> int:
    """The checksum of RFC 1950 section 8.2."""
    low, high = 1, 0
    for at in range(0, len(raw), 1 << 20):  # short enough for 64-bit sums
        piece = raw[at : at + (1 << 20)].astype(np.int64)
        high += len(piece) * low + int(piece @ np.arange(len(piece), 0, -1))
        low += int(piece.sum())
    return high % 65_521 << 16 | low % 65_521


def _zlib(raw: NDArray[np.uint8]) -> bytes:
    # RFC 1950: deflate, 32 KiB window, no dictionary, fastest level; the check bits make it a multiple of 31.
    return b"\x78\x01" + deflate(raw) + struct.pack(">I", _adler32(raw))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc32(kind + body))


def largest(height: int, width: int) -> int:
    """The bytes of the largest PNG that `encode` makes of so many pixels."""
    return bound(height * (1 + 3 * width)) + _AROUND


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """The PNG (8-bit RGB, not interlaced) of uint8 pixels (H, W, 3), at most `largest(H, W)` bytes.

    Raises RenderError for any other array.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise RenderError(f"png: pixels must be uint8 (H, W, 3), not {pixels.dtype} {pixels.shape}")
    height, width, _ = pixels.shape
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise RenderError(f"png: {width} x {height} pixels, sides are 1 to {MAX_SIDE}")
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    residues = _residues(pixels)
    raw = _rows(residues, _chosen(residues))
    stream = _zlib(raw)
    if len(stream) * _STRUCTURED < len(raw):
        # What repeats along a row repeats best under one and the same filter; a tie keeps the chosen ones.
        stream = min(stream, _zlib(_rows(residues, np.full(height, _SUB, np.intp))), key=len)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")
