"""A parcel to publish, of blocks from any sources."""

from __future__ import annotations

from collections.abc import Sequence

from node.content.cid import Cid
from node.content.walk import Walk
from node.export.files import car_stream
from node.export.gather import Sources, in_order
from node.publish.target import Parcel


async def pack(sources: Sources, roots: Sequence[Cid], name: str) -> Parcel:
    """Look at every block once, so that nothing is sent of what is not whole.

    Raises ContentError with the CIDs of missing blocks.
    """
    chosen, blocks, size = tuple(roots), 0, 0
    async for _, block in in_order(sources, Walk(chosen)):
        blocks, size = blocks + 1, size + len(block)
    return Parcel(chosen, blocks, size, name, lambda: car_stream(sources, chosen, Walk(chosen)))
