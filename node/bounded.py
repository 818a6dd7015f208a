"""Reads a file whole, up to a limit, in about as much memory as it has bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PIECE: Final = 1 << 16


def read_at_most(path: Path, most: int) -> bytes:
    """The file's bytes, cut after `most + 1` of them: longer than `most` means too long.

    In pieces, since asking for the limit at once would also allocate it, and a device or a pipe has no size to
    ask for. Raises OSError, and ValueError for a path that no file can have.
    """
    pieces: list[bytes] = []
    left = most + 1
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)
