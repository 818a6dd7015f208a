"""A deflate encoder (RFC 1951): matches and one dynamic Huffman block, a pure function of its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from node.render.png import huffman
from node.render.png.bits import pack
from node.render.png.matches import WINDOW, Matches, find

_END: Final = 256
_SYMBOLS: Final = 286
_DISTANCES: Final = 30
_STORED: Final = 65_535
# RFC 1951 section 3.2.5: lengths 3..258 as symbols 257..285, distances as symbols 0..29, each with extra bits.
_BASES = np.array([*range(3, 11), *range(11, 19, 2), *range(19, 35, 4), *range(35, 67, 8),
                   *range(67, 131, 16), *range(131, 258, 32), 258])  # fmt: skip
_EXTRA = np.array([0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4 + [0])
_FAR_EXTRA = np.array([0, 0, *(at // 2 for at in range(28))])
_FAR_BASES = np.cumsum(np.append(1, 1 << _FAR_EXTRA[:-1]))
_FAR = np.searchsorted(_FAR_BASES, np.arange(WINDOW + 1), side="right") - 1  # the symbol of each distance from 1
# RFC 1951 section 3.2.7: the order in which code length code lengths are sent.
_ORDER: Final = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)

Ints = NDArray[np.int64]


def bound(size: int) -> int:
    """The longest stream that `deflate` makes of so many bytes: stored blocks, five bytes each beside their content."""
    return size + 5 * max(1, -(-size // _STORED))


def deflate(raw: NDArray[np.uint8]) -> bytes:
    """The deflate stream of a one-dimensional uint8 array: raw, without the zlib wrapper; at most `bound` bytes."""
    alone = huffman.lengths(np.bincount(raw, minlength=256).tolist(), 15)
    found = find(raw, np.array(alone, np.int64), _FAR_EXTRA[_FAR])
    packed = _dynamic(raw, found)
    return packed if len(packed) < bound(len(raw)) else _stored(raw.tobytes())


def _dynamic(raw: NDArray[np.uint8], found: Matches) -> bytes:
    """One block with Huffman codes of its own (section 3.2.7)."""
    inside = np.zeros(len(raw) + 1, np.int8)
    inside[found.starts + 1] += 1
    inside[found.starts + found.lengths] -= 1
    tokens = np.flatnonzero(np.cumsum(inside[:-1], dtype=np.int8) == 0)
    symbols = np.append(raw[tokens].astype(np.int64), _END)
    at = np.searchsorted(tokens, found.starts)
    step = np.searchsorted(_BASES, found.lengths, side="right") - 1
    symbols[at] = 257 + step
    far = _FAR[found.distances]

    lengths = huffman.lengths(np.bincount(symbols, minlength=_SYMBOLS).tolist(), 15)
    far_lengths = huffman.lengths(np.bincount(far, minlength=_DISTANCES).tolist(), 15)
    if not len(far):
        far_lengths[0] = 1  # a decoder wants one distance code at least
    header, header_widths = _header(lengths, far_lengths)
    values = huffman.codes(lengths).astype(np.uint64)[symbols]
    widths = np.array(lengths)[symbols]
    # A match is one field: its length's symbol and extra bits, its distance's symbol and extra bits.
    pieces = [
        (found.lengths - _BASES[step], _EXTRA[step]),
        (huffman.codes(far_lengths)[far], np.array(far_lengths)[far]),
        (found.distances - _FAR_BASES[far], _FAR_EXTRA[far]),
    ]
    for value, width in pieces:
        values[at] |= value.astype(np.uint64) << widths[at].astype(np.uint64)
        widths[at] += width
    return pack(
        np.concatenate([np.array(header, np.uint64), values]),
        np.concatenate([np.array(header_widths, np.int64), widths]),
    )


def _stored(content: bytes) -> bytes:
    """Blocks without compression (section 3.2.4), for what does not compress."""
    out = bytearray()
    for at in range(0, max(1, len(content)), _STORED):
        piece = content[at : at + _STORED]
        last = at + _STORED >= len(content)
        out += bytes([last]) + len(piece).to_bytes(2, "little") + (len(piece) ^ 0xFFFF).to_bytes(2, "little") + piece
    return bytes(out)


def _header(lengths: Sequence[int], far_lengths: Sequence[int]) -> tuple[list[int], list[int]]:
    """The block's header with its code lengths, as values and widths in bits."""
    literals, distances = _trimmed(lengths, 257), _trimmed(far_lengths, 1)
    sent = _runs([*literals, *distances])
    counts = [0] * 19
    for symbol, _, _ in sent:
        counts[symbol] += 1
    widths_of = huffman.lengths(counts, 7)
    codes = huffman.codes(widths_of)
    shown = max(4, max(at for at, symbol in enumerate(_ORDER) if widths_of[symbol]) + 1)
    values = [1, 2, len(literals) - 257, len(distances) - 1, shown - 4]
    widths = [1, 2, 5, 5, 4]
    for symbol in _ORDER[:shown]:
        values.append(widths_of[symbol])
        widths.append(3)
    for symbol, extra, extra_bits in sent:
        values += [int(codes[symbol]), extra]
        widths += [widths_of[symbol], extra_bits]
    return values, widths


def _trimmed(lengths: Sequence[int], least: int) -> Sequence[int]:
    used = max((at + 1 for at, length in enumerate(lengths) if length), default=0)
    return lengths[: max(least, used)]


def _runs(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Code lengths as code length symbols with extra bits: 17 and 18 stand for 3 to 138 zeros, 16 repeats 3 to 6."""
    out: list[tuple[int, int, int]] = []
    at = 0
    while at < len(lengths):
        run = 1
        while at + run < len(lengths) and lengths[at + run] == lengths[at]:
            run += 1
        if lengths[at] == 0 and run >= 3:
            run = min(run, 138)
            out.append((17, run - 3, 3) if run <= 10 else (18, run - 11, 7))
        elif run >= 4:
            run = min(run, 7)
            out += [(lengths[at], 0, 0), (16, run - 4, 2)]
        else:
            run = 1
            out.append((lengths[at], 0, 0))
        at += run
    return out
