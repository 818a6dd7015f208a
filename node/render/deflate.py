"""A deflate encoder (RFC 1951): one dynamic Huffman block, runs as matches, a pure function of its input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.render import huffman

_END = 256
_SYMBOLS = 286
_MIN_RUN, _MAX_RUN = 3, 258
# RFC 1951 section 3.2.5: lengths 3..258 as symbols 257..285 with extra bits.
_BASES = np.array([*range(3, 11), *range(11, 19, 2), *range(19, 35, 4), *range(35, 67, 8),
                   *range(67, 131, 16), *range(131, 258, 32), 258])  # fmt: skip
_EXTRA = np.array([0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4 + [0])
# RFC 1951 section 3.2.7: the order in which code length code lengths are sent.
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Tokens:
    """Symbols in order, and what follows each: extra bits for a length, and whether a distance code."""

    symbols: Ints
    extra: Ints
    extra_bits: Ints
    matches: NDArray[np.bool_]


def _tokens(raw: NDArray[np.uint8]) -> _Tokens:
    """Literals, and for each stretch of one byte a literal followed by matches of distance 1."""
    size = len(raw)
    starts = np.concatenate([[0], np.flatnonzero(raw[1:] != raw[:-1]) + 1]) if size else np.zeros(0, np.int64)
    runs = np.diff(np.append(starts, size))
    # After the first byte a run is cut into matches of 258; a rest shorter than 3 is literals.
    full, rest = np.divmod(runs - 1, _MAX_RUN)
    tail_match = rest >= _MIN_RUN
    literals = np.where(tail_match, 0, rest)
    per_run = 1 + full + tail_match + literals
    owner = np.repeat(np.arange(len(runs)), per_run)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(per_run) - per_run, per_run)
    is_full = (place >= 1) & (place <= full[owner])
    is_tail = tail_match[owner] & (place == 1 + full[owner])
    length = np.where(is_full, _MAX_RUN, np.where(is_tail, rest[owner], _MIN_RUN))
    step = np.searchsorted(_BASES, length, side="right") - 1
    matches = is_full | is_tail
    symbols = np.where(matches, 257 + step, raw[starts[owner]])
    extra = np.where(matches, length - _BASES[step], 0)
    bits = np.where(matches, _EXTRA[step], 0)
    return _Tokens(np.append(symbols, _END), np.append(extra, 0), np.append(bits, 0), np.append(matches, False))


def _pack(values: Ints, widths: Ints) -> bytes:
    """Values of the given widths in bits, least significant bit first, padded with zeros to a byte."""
    ends = np.cumsum(widths)
    owner = np.repeat(np.arange(len(values)), widths)
    shift = np.arange(len(owner)) - (ends - widths)[owner]
    return np.packbits((values[owner] >> shift & 1).astype(np.uint8), bitorder="little").tobytes()


def _header(literal_lengths: list[int]) -> tuple[list[int], list[int]]:
    """The block's header with its code lengths (RFC 1951 section 3.2.7), as values and widths.

    One distance code of one bit is declared: the code for distance 1.
    """
    sent = [*literal_lengths, 1]
    counts = [0] * 19
    for length in sent:
        counts[length] += 1
    lengths = huffman.lengths(counts, 7)
    codes = huffman.codes(lengths)
    shown = max(at for at, symbol in enumerate(_ORDER) if lengths[symbol]) + 1
    values = [1, 2, len(literal_lengths) - 257, 0, max(shown, 4) - 4]
    widths = [1, 2, 5, 5, 4]
    for symbol in _ORDER[: max(shown, 4)]:
        values.append(lengths[symbol])
        widths.append(3)
    for length in sent:
        values.append(int(codes[length]))
        widths.append(lengths[length])
    return values, widths


def deflate(raw: NDArray[np.uint8]) -> bytes:
    """The deflate stream of a one-dimensional uint8 array: raw, without the zlib wrapper."""
    tokens = _tokens(raw)
    counts = np.bincount(tokens.symbols, minlength=_SYMBOLS)
    lengths = huffman.lengths(counts.tolist(), 15)
    codes = huffman.codes(lengths).astype(np.int64)
    header, header_widths = _header(lengths)
    # Each token is up to three fields: its symbol, a length's extra bits, the distance code (one zero bit).
    values = np.zeros((len(tokens.symbols), 3), np.int64)
    widths = np.zeros_like(values)
    values[:, 0], widths[:, 0] = codes[tokens.symbols], np.array(lengths)[tokens.symbols]
    values[:, 1], widths[:, 1] = tokens.extra, tokens.extra_bits
    widths[:, 2] = tokens.matches
    return _pack(
        np.concatenate([np.array(header, np.int64), values.reshape(-1)]),
        np.concatenate([np.array(header_widths, np.int64), widths.reshape(-1)]),
    )
