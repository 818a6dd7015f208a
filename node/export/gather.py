"""Blocks from several sources, each checked, fetched a few ahead of when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

from node.content.cid import Cid, sha256
from node.content.walk import Walk
from node.errors import ContentError
from node.verify.blocks import Source

AHEAD: Final = 8
"""Blocks that are asked for at once; each may have 2 MiB."""


class AbsentError(ContentError):
    """No source has a block; `cid` says which, `said` what each source answered."""

    def __init__(self, cid: Cid, said: Sequence[str]) -> None:
        self.cid, self.said = cid, tuple(said)
        super().__init__(f"block {cid}: {'; '.join(said) or 'there is no source to ask'}")


class Sources:
    """Asks each source in turn; none is trusted. `watch` is called for each block that was found."""

    def __init__(self, sources: Sequence[Source], watch: Callable[[], None] = lambda: None) -> None:
        self._sources = list(sources)
        self._watch = watch

    async def block(self, cid: Cid) -> bytes:
        """The block with that CID. Raises AbsentError where no source has it."""
        said = []
        for source in self._sources:
            block, why = await source.offer(cid.digest)
            if block is not None and sha256(block) == cid.digest:
                self._watch()
                return block
            said.append(f"{source.name} {why or 'offered bytes that do not hash to it'}")
        raise AbsentError(cid, said)


async def in_order(sources: Sources, walk: Walk, ahead: int = AHEAD) -> AsyncGenerator[tuple[Cid, bytes], None]:
    """Every block of a walk in its order; up to `ahead` are under way at once.

    A block that nobody has does not end it: the walk goes on beside it, and AbsentError for the first of them is raised
    at the end, with the CIDs of all (`MAX_NAMED` of them) in its text.
    """
    under_way: dict[bytes, asyncio.Task[bytes]] = {}
    absent: list[AbsentError] = []
    try:
        for cid in walk:
            for one in (cid, *walk.ahead(ahead - 1)):
                if one.binary not in under_way and len(under_way) < ahead:
                    under_way[one.binary] = asyncio.create_task(sources.block(one))
            task = under_way.pop(cid.binary, None)
            try:
                block = await (sources.block(cid) if task is None else task)
            except AbsentError as error:
                absent.append(error)
                continue
            walk.enter(cid, block)
            yield cid, block
    finally:
        for task in under_way.values():
            task.cancel()
        await asyncio.gather(*under_way.values(), return_exceptions=True)
    if absent:
        raise _all(absent)


MAX_NAMED: Final = 20
"""Missing blocks that an error names."""


def _all(absent: Sequence[AbsentError]) -> ContentError:
    if len(absent) == 1:
        return absent[0]
    named = "\n".join(f"  {error.cid}" for error in absent[:MAX_NAMED])
    more = f"\n  and {len(absent) - MAX_NAMED} more" if len(absent) > MAX_NAMED else ""
    return ContentError(f"{len(absent)} blocks are missing ({'; '.join(absent[0].said)}):\n{named}{more}")
