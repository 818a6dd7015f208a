"""The one order in which the blocks under a root are sent: depth first, each block once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.content.car import header, section_head
from node.content.cid import DAG_PB, Cid
from node.content.unixfs import links
from node.errors import ContentError

if TYPE_CHECKING:
    from node.content.store import BlockStore

MAX_BLOCKS: Final = 2_100_000
"""Blocks of one walk: two for each token of the largest edition, and its directories."""


class Walk:
    """Says which block comes next, and is told what is in it; where blocks come from is the caller's affair.

        walk = Walk(roots)
        for cid in walk:
            block = store.get(cid.digest)
            walk.enter(cid, block)

    A block comes before what it links to, links in the order in which they stand, and nothing comes twice. Memory
    grows with the number of blocks, by their names alone.
    """

    def __init__(
        self, roots: Iterable[Cid], *, alone: Sequence[Cid] = (), repeat: bool = False, most: int = MAX_BLOCKS
    ) -> None:
        """`alone`: blocks that come first and below which nothing follows, such as the directories of a path.

        `repeat`: every occurrence of a block comes, not the first alone. Beyond `most` blocks: ContentError.
        """
        self._stack = [*alone, *roots][::-1]
        self._alone = {cid.binary for cid in alone}
        self._seen: set[bytes] = set()
        self._repeat = repeat
        self._most = most

    def __iter__(self) -> Iterator[Cid]:
        count = 0
        while self._stack:
            cid = self._stack.pop()
            if cid.binary in self._seen:
                continue
            if count >= self._most:
                raise ContentError(f"more than {self._most} blocks under one root")
            count += 1
            if not self._repeat:
                self._seen.add(cid.binary)
            yield cid

    def ahead(self, count: int) -> list[Cid]:
        """Some of the blocks that come next, as far as that is known: to fetch them early."""
        return [cid for cid in self._stack[: -count - 1 : -1] if cid.binary not in self._seen]

    def enter(self, cid: Cid, block: bytes) -> None:
        """Go on below a block; one without links is passed. Raises ContentError where it is malformed."""
        if cid.codec != DAG_PB or cid.binary in self._alone:
            return
        # What is on the stack is bounded as well: a directory may name one file ten thousand times.
        below = (
            dict.fromkeys(link.cid for link in links(block))
            if not self._repeat
            else [link.cid for link in links(block)]
        )
        self._stack.extend(reversed([one for one in below if one.binary not in self._seen]))


def car_pieces(get: Callable[[bytes], bytes], roots: Sequence[Cid], walk: Walk) -> Iterator[bytes]:
    """A CAR's bytes, piece by piece: `get` returns the block of a digest. Raises what it raises, and ContentError."""
    yield header(roots)
    for cid in walk:
        block = get(cid.digest)
        walk.enter(cid, block)
        yield section_head(cid, block)
        yield block


@dataclass(frozen=True, slots=True)
class Extent:
    """What a walk comes through in a store: blocks, their bytes, and the CIDs of (some) blocks that are missing."""

    blocks: int
    bytes: int
    missing: tuple[Cid, ...]


def extent(store: BlockStore, walk: Walk, most_missing: int = 16) -> Extent:
    """Walk what is stored; leaves are looked for, not read. Raises ContentError for malformed directories."""
    count, size, missing = 0, 0, list[Cid]()
    for cid in walk:
        held = store.size(cid.digest)
        if held is None:
            missing.append(cid)
            if len(missing) >= most_missing:
                break
            continue
        count, size = count + 1, size + held
        if cid.codec == DAG_PB:
            walk.enter(cid, store.get(cid.digest))
    return Extent(count, size, tuple(missing))
