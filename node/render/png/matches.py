"""Finds repeated stretches of bytes for deflate (LZ77): a pure function of its input, in bounded time.

Candidates come from a sort: every position learns where its next eight bytes stood last. Textures take that nearest
place as it is. Input that nearly all repeats is searched further back for the longest match, along chains of places
that share 64, 24 or 8 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Places = NDArray[np.int32]

WINDOW: Final = 32_768
LONGEST: Final = 258
_KEY: Final = 8
"""Bytes that candidates share; shorter matches seldom pay in filtered pixels."""
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_KEYS: Final = (64, 24, _KEY)
_DEPTH: Final = 8
"""Places of one chain that are looked at for one match."""
_STEPS: Final = 150_000
"""Places that are looked at in all; afterwards the first of each chain alone."""
_MARGIN: Final = 10
"""Bits that a match must save beyond its distance's extra bits: about its length symbol and its distance symbol."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Stretches that repeat what stands `distances` bytes before, ascending and apart from each other.

    Lengths are 3 to 258, distances 1 to 32,768.
    """

    starts: Ints
    lengths: Ints
    distances: Ints


def find(raw: NDArray[np.uint8], literal_bits: Ints, distance_bits: Ints) -> Matches:
    """Matches in a one-dimensional uint8 array.

    `literal_bits`: what each of the 256 bytes costs as a literal; `distance_bits`: extra bits of distances 0..32,768.
    """
    size = len(raw)
    if size < 2 * _KEY:
        none = np.zeros(0, np.int64)
        return Matches(none, none, none)
    content = raw.tobytes()
    before = _before(content, _KEY)
    distances = np.where(before >= 0, np.arange(size, dtype=np.int32) - before, 0)
    if 16 * np.count_nonzero(distances) >= 15 * size:
        return _deep(content, before)
    ends = _ends(distances)
    cost = np.zeros(size + 1, np.int64)
    np.cumsum(literal_bits[raw], out=cost[1:])
    pays = (distances > 0) & (cost[ends] - cost[:-1] > distance_bits[distances] + _MARGIN)
    return _nearest(pays, ends, distances)


def _before(content: bytes, length: int) -> Places:
    """For each position the nearest earlier one, within the window, from which the same `length` bytes follow; else -1.

    Eight bytes are compared as they are, longer stretches by 64 bits of a hash: whoever uses those compares again.
    """
    count = len(content) - length + 1
    keys = np.zeros(max(count, 0), np.uint64)
    for at in range(0, length, _KEY):
        keys = keys * _MIX ^ keys >> np.uint64(29) ^ np.ndarray((len(keys),), "<u8", content, at, (1,))
    # 32 bits of hash above 32 bits of position: all different, so any sort gives the one order.
    order = np.sort((keys * _MIX >> np.uint64(32) << np.uint64(32)) | np.arange(len(keys), dtype=np.uint64))
    places = (order & np.uint64(0xFFFFFFFF)).astype(np.int64)
    ordered = keys[places]
    later, earlier = places[1:], places[:-1]
    found = (ordered[1:] == ordered[:-1]) & (later - earlier <= WINDOW)
    before = np.full(len(content), -1, np.int32)
    before[later[found]] = earlier[found]
    return before


def _ends(distances: Places) -> Places:
    """For each position how far, at least, its match reaches: as long as the distance stays, and the key's length."""
    size = len(distances)
    borders = np.flatnonzero(distances[1:] != distances[:-1]) + 1
    first, behind = np.append(0, borders), np.append(borders, size)
    return np.repeat(np.minimum(behind + _KEY - 1, size).astype(np.int32), behind - first)


def _nearest(pays: NDArray[np.bool_], ends: Places, distances: Places) -> Matches:
    """Greedy, from the left: each match at the nearest earlier place, to its end."""
    wanted, reach = pays.tobytes(), ends.data
    found: list[int] = []
    at = wanted.find(1)
    while at >= 0:
        found.append(at)
        at = wanted.find(1, reach[at])
    starts = np.array(found, np.int64)
    return _split(starts, ends[starts] - starts, distances[starts].astype(np.int64))


def _split(starts: Ints, lengths: Ints, distances: Ints) -> Matches:
    """Cut what is longer than 258; a rest shorter than 3 is left to literals."""
    full, rest = np.divmod(lengths, LONGEST)
    pieces = full + (rest >= 3)
    owner = np.repeat(np.arange(len(starts)), pieces)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    cut = np.where(place < full[owner], LONGEST, rest[owner])
    return Matches(starts[owner] + place * LONGEST, cut, distances[owner])


def _deep(content: bytes, before: Places) -> Matches:
    """Greedy, from the left: each time the longest match among the latest places with the same key."""
    size, wanted = len(content), (before >= 0).tobytes()
    chains = [(key, (before if key == _KEY else _before(content, key)).data) for key in _KEYS if key <= size]
    found: list[tuple[int, int, int]] = []
    steps = _STEPS
    at = wanted.find(1)
    while at >= 0:
        top = min(LONGEST, size - at)
        best = distance = 0
        for key, earlier in chains:
            place = earlier[at]
            for _ in range(_DEPTH if steps > 0 else 1):
                if place < 0 or at - place > WINDOW or best == top:
                    break
                steps -= 1
                if content[place : place + best + 1] == content[at : at + best + 1]:
                    best, distance = _common(content, place, at, best, top), at - place
                place = earlier[place]
            if best >= key:
                break  # a shorter key seldom leads to a longer match
        found.append((at, best, distance))
        at = wanted.find(1, at + best)
    starts, lengths, distances = np.array(found, np.int64).reshape(-1, 3).T
    return Matches(starts, lengths, distances)


def _common(content: bytes, here: int, there: int, known: int, top: int) -> int:
    """How many bytes from two places are equal: more than `known`, at most `top`."""
    if content[here : here + top] == content[there : there + top]:
        return top
    low, high = known + 1, top
    while high - low > 1:
        middle = (low + high) // 2
        if content[here + low : here + middle] == content[there + low : there + middle]:
            low = middle
        else:
            high = middle
    return low
