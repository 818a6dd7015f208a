"""Packs fields of bits into bytes, least significant bit first, as deflate wants them (RFC 1951 section 3.1.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDEST = 48
"""Bits of one field at most: narrower than a word, so that a field begins in every word."""


def pack(values: NDArray[np.uint64], widths: NDArray[np.int64]) -> bytes:
    """Values below 2**width, widths of 0 to 48 bits; the last byte is padded with zeros."""
    # A field of no bits at all must not stand for a word, nor spill into one.
    there = widths > 0
    if not there.all():
        values, widths = values[there], widths[there]
    if not len(values):
        return b""
    offsets = np.cumsum(widths) - widths
    total = int(offsets[-1] + widths[-1])
    word, shift = offsets >> 6, (offsets & 63).astype(np.uint64)
    first = np.flatnonzero(np.diff(word, prepend=-1))
    out = np.zeros((total + 63) // 64, np.uint64)
    out[: len(first)] = np.bitwise_or.reduceat(values << shift, first)
    # At most one field crosses from a word into the next.
    over = np.flatnonzero((offsets & 63) + widths > 64)
    out[word[over] + 1] |= values[over] >> (np.uint64(64) - shift[over])
    return out.astype("<u8").tobytes()[: (total + 7) // 8]
