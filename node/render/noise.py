"""The renderer's own noise: SHA-256 in counter mode through a table of the inverse normal distribution."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).parent / "model" / "normal.bin"
SCALE = 4096
_TAG = b"patina/noise/1"


@cache
def table() -> NDArray[np.int64]:
    """The table's 32,768 values in 1/4096: entry i is the normal quantile at 1/2 + (i + 1/2) / 65536.

    Shipped as data (little-endian uint16) and never computed again, so that no libm decides it.
    """
    return np.frombuffer(TABLE.read_bytes(), "<u2").astype(np.int64)


def words(seed: bytes, count: int) -> NDArray[np.int64]:
    """`count` 16-bit words: the big-endian halves of SHA-256(tag ++ seed ++ counter), counter 32 bits from 0."""
    blocks = -(-count // 16)
    stream = b"".join(hashlib.sha256(_TAG + seed + block.to_bytes(4, "big")).digest() for block in range(blocks))
    return np.frombuffer(stream, ">u2")[:count].astype(np.int64)


def normal(seed: bytes, count: int) -> NDArray[np.int64]:
    """`count` draws of a standard normal in 1/4096. The word's top bit is the sign, the other 15 index the table."""
    drawn = words(seed, count)
    size = table()[drawn & 0x7FFF]
    return np.asarray(np.where(drawn >> 15 == 1, -size, size), np.int64)
