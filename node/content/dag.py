"""Reading trees of blocks: a path from a root to its block, and a file put together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from node.content.cid import DAG_PB, RAW, Cid
from node.content.store import BlockStore
from node.content.unixfs import Link, decode
from node.errors import ContentError

MAX_DEPTH: Final = 8
"""Segments of a path that are followed; an edition needs two."""
MAX_FILE: Final = 64 << 20
"""Bytes of a file that are put together in memory."""


LINKS_HELD: Final = 1 << 16
"""Entries of directories that are held decoded: some 20 MB, 32 shards of an edition."""

Listing = Callable[[Cid], tuple[Link, ...] | None]
"""The entries of a directory, or None for a file; raises as `listing` does."""


class NoEntryError(ContentError):
    """A directory without an entry of that name."""


def resolve(store: BlockStore, root: Cid, path: Sequence[str]) -> Cid:
    """The CID at `path` under `root`, each segment one entry of a directory.

    Raises NoEntryError where a segment is absent or the way leads through a file, MissingBlockError
    where a directory on the way is not stored, ContentError where one is malformed.
    """
    return trace(store, root, path)[-1]


def trace(store: BlockStore, root: Cid, path: Sequence[str], listed: Listing | None = None) -> tuple[Cid, ...]:
    """The CIDs from `root` to what stands at `path`, both included; `listed` remembers. Raises as `resolve` does."""
    if len(path) > MAX_DEPTH:
        raise ContentError(f"a path of {len(path)} segments; at most {MAX_DEPTH} are followed")
    passed = [root]
    for segment in path:
        entries = listing(store, passed[-1]) if listed is None else listed(passed[-1])
        found = None if entries is None else next((e.cid for e in entries if e.name == segment), None)
        if found is None:
            raise NoEntryError(f"no entry {segment!r} in {passed[-1]}")
        passed.append(found)
    return tuple(passed)


def listing(store: BlockStore, cid: Cid) -> tuple[Link, ...] | None:
    """The entries of a directory, or None when `cid` is a file."""
    if cid.codec == RAW:
        return None
    node = decode(store.get(cid.digest))
    return node.links if node.kind == "directory" else None


class Listings:
    """`listing` of one store that remembers, for threads too: a shard takes 15 ms of the processor, each time.

    Nothing under a CID ever changes, so what was read once is right for good.
    """

    def __init__(self, store: BlockStore, most: int = LINKS_HELD) -> None:
        """`most`: entries that are held; beyond them the directories asked for longest ago are let go of."""
        self._store = store
        self._most = most
        self._held: OrderedDict[bytes, tuple[Link, ...]] = OrderedDict()
        self._links = 0
        self._lock = threading.Lock()

    def __call__(self, cid: Cid) -> tuple[Link, ...] | None:
        """The entries of a directory, or None when `cid` is a file."""
        with self._lock:
            if cid.codec != RAW and (held := self._held.get(cid.digest)) is not None:
                self._held.move_to_end(cid.digest)
                return held
        entries = listing(self._store, cid)
        with self._lock:
            if entries is not None and cid.digest not in self._held:
                self._held[cid.digest] = entries
                self._links += len(entries)
                while self._links > self._most and len(self._held) > 1:
                    self._links -= len(self._held.popitem(last=False)[1])
        return entries


def read(store: BlockStore, cid: Cid) -> bytes:
    """The bytes of a file. Raises ContentError for a directory, a damaged piece, or above 64 MiB."""
    block = store.get(cid.digest)
    if cid.codec != DAG_PB:
        return block
    node = decode(block)
    if node.kind != "file":
        raise ContentError(f"{cid} is a directory, not a file")
    if sum(node.sizes) > MAX_FILE:
        raise ContentError(f"{cid} is a file of {sum(node.sizes)} bytes; at most {MAX_FILE} are read")
    pieces = []
    for link, size in zip(node.links, node.sizes, strict=True):
        if link.cid.codec != RAW:
            raise ContentError(f"{cid} is a file of more than one level")
        piece = store.get(link.cid.digest)
        if len(piece) != size:
            raise ContentError(f"{cid} claims {size} bytes for a piece of {len(piece)}")
        pieces.append(piece)
    return b"".join(pieces)
