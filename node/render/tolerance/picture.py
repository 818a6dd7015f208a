"""Opens a picture that another node drew: exactly the PNG that this project writes, of exactly the size asked for.

The other node may be an enemy. Nothing is decompressed beyond the size of the picture that is expected, and what is
accepted is written again and compared: a file says nothing but its pixels.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from node.errors import RenderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_FILTERS: Final = 5


def largest_file(width: int, height: int) -> int:
    """The most bytes that a picture's file may have: its rows uncompressed, with an eighth and 1 KiB to spare."""
    raw = height * (1 + 3 * width)
    return raw + raw // 8 + 1_024


def open_picture(png: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """The pixels of a PNG, uint8 (height, width, 3).

    Raises RenderError unless it is what `node.render.png.encode` writes of them: 8-bit RGB, not interlaced, one
    IDAT chunk, nothing before, between or after.
    """
    from node.render.png import encode

    if len(png) > largest_file(width, height):
        raise RenderError(f"picture: a file of {len(png)} bytes for {width} x {height} pixels")
    if png[:8] != _SIGNATURE:
        raise RenderError("picture: not a PNG")
    header, at = _chunk(png, 8, b"IHDR")
    if header != struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0):
        raise RenderError(f"picture: not 8-bit RGB of {width} x {height} pixels")
    stream, at = _chunk(png, at, b"IDAT")
    end, at = _chunk(png, at, b"IEND")
    if end or at != len(png):
        raise RenderError("picture: something stands after its pixels")
    pixels = _unfiltered(_inflated(stream, height * (1 + 3 * width)), width, height)
    if encode(pixels) != png:
        raise RenderError("picture: its file is not the one that its pixels have")
    return pixels


def _chunk(png: bytes, at: int, kind: bytes) -> tuple[bytes, int]:
    """The body of the chunk at an offset, and where the next begins (PNG, third edition, section 5.3)."""
    size = int.from_bytes(png[at : at + 4], "big")
    body = png[at + 8 : at + 8 + size]
    check = png[at + 8 + size : at + 12 + size]
    if png[at + 4 : at + 8] != kind or len(check) != 4 or zlib.crc32(kind + body) != int.from_bytes(check, "big"):
        raise RenderError(f"picture: no sound {kind.decode()} chunk where it belongs")
    return body, at + 12 + size


def _inflated(stream: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        # One byte more than there may be is all that a bomb gets to write.
        raw = inflater.decompress(stream, size + 1)
    except zlib.error as error:
        raise RenderError(f"picture: its pixels do not inflate: {error}") from None
    if len(raw) != size or not inflater.eof or inflater.unused_data:
        raise RenderError("picture: more or fewer pixels than its header says")
    return raw


def _unfiltered(raw: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """Takes the row filters off (PNG, third edition, section 9), a diagonal at a time: its pixels need none of each
    other, and all of them only what stands to the left, above and in the corner."""
    import numpy as np

    rows = np.frombuffer(raw, np.uint8).reshape(height, 1 + 3 * width)
    kinds = rows[:, 0]
    if int(kinds.max()) >= _FILTERS:
        raise RenderError("picture: a row with a filter that does not exist")
    coded = rows[:, 1:].reshape(height, width, 3).astype(np.int16)
    out = np.zeros((height + 1, width + 1, 3), np.int16)
    down = np.arange(height)
    for diagonal in range(width + height - 1):
        y = down[max(0, diagonal - width + 1) : diagonal + 1]
        x = diagonal - y
        left, up, corner = out[y + 1, x], out[y, x + 1], out[y, x]
        to_left, to_up, to_corner = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
        paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
        kind = kinds[y][:, None]
        guess = np.select([kind == 1, kind == 2, kind == 3, kind == 4], [left, up, (left + up) >> 1, paeth], 0)
        out[y + 1, x + 1] = (coded[y, x] + guess) & 0xFF
    return np.asarray(out[1:, 1:], np.uint8)
