"""Length-limited Huffman codes (package-merge), the same for the same counts everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def lengths(counts: Sequence[int], limit: int) -> list[int]:
    """Optimal code lengths of at most `limit` bits for symbol counts; 0 for unused symbols.

    Package-merge (Larmore and Hirschberg, 1990). Ties keep the order of construction: symbols before packages,
    lower symbols first. A lone symbol gets length 1; no more than 2**limit symbols may be in use.
    """
    used = [(count, index) for index, count in enumerate(counts) if count]
    out = [0] * len(counts)
    if len(used) == 1:
        out[used[0][1]] = 1
    if len(used) < 2:
        return out
    leaves = [(count, (index,)) for count, index in sorted(used)]
    packages: list[tuple[int, tuple[int, ...]]] = []
    for _ in range(limit):
        merged = sorted(leaves + packages, key=lambda item: item[0])
        packages = [
            (merged[at][0] + merged[at + 1][0], merged[at][1] + merged[at + 1][1])
            for at in range(0, len(merged) - 1, 2)
        ]
    # The last round's first n - 1 packages hold each symbol as often as its code is long.
    for _, symbols in packages[: len(used) - 1]:
        for symbol in symbols:
            out[symbol] += 1
    return out


def codes(code_lengths: Sequence[int]) -> NDArray[np.uint32]:
    """Canonical codes of RFC 1951 section 3.2.2, bit-reversed, since deflate sends a code's high bit first."""
    longest = max(code_lengths, default=0)
    count = [0] * (longest + 1)
    for length in code_lengths:
        count[length] += bool(length)
    following, code = [0] * (longest + 1), 0
    for length in range(1, longest + 1):
        code = (code + count[length - 1]) << 1
        following[length] = code
    out = np.zeros(len(code_lengths), np.uint32)
    for symbol, length in enumerate(code_lengths):
        if length:
            out[symbol] = int(f"{following[length]:0{length}b}"[::-1], 2)
            following[length] += 1
    return out
