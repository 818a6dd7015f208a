"""Holds the facts behind explanations for the pages: gathered once for each edition and revision."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from node.chain.types import NOBODY
from node.errors import ChainError
from node.explain.gather import Gathering
from node.explain.memory import JournalMemory
from node.verify.blocks import Blocks, Folder

if TYPE_CHECKING:
    from node.chain.types import Landed
    from node.explain.views import Subject
    from node.pages.gallery import Gallery
    from node.parts import Parts


REST_S: Final = 5.0
"""Seconds in which nobody is asked again for what could not be had: visitors must not use up an endpoint's patience."""


class Storyteller:
    """Answers for editions of served feeds alone, so that no visitor makes this node ask about anything else."""

    def __init__(self, parts: Parts, gallery: Gallery) -> None:
        self._parts = parts
        self._gallery = gallery
        self._held: dict[tuple[str, int], tuple[int, Subject]] = {}
        self._failed: dict[tuple[str, int], tuple[float, ChainError]] = {}
        self._lock = asyncio.Lock()

    async def facts(self, collection: str, number: int) -> Subject | None:
        """Return an edition's facts as of the gallery's revision; None where this node does not show it.

        Raises:
            ChainError: the chain cannot be read.
        """
        key = (collection.lower(), number)
        view = next((one for one in self._gallery.editions() if (one.collection.lower(), one.edition) == key), None)
        if view is None or view.collection == NOBODY:
            return None
        async with self._lock:  # many who ask at once are answered by one look
            revision = self._gallery.revision
            known = self._held.get(key)
            if known is not None and known[0] == revision:
                return known[1]
            now = asyncio.get_running_loop().time()
            until, error = self._failed.get(key, (now, None))
            if error is not None and now < until:
                raise error
            try:
                found = await self._gathering().edition(view.collection, number)
            except ChainError as failed:
                self._failed[key] = (asyncio.get_running_loop().time() + REST_S, failed)
                raise
            self._failed.pop(key, None)
            self._held[key] = (revision, found)
            return found

    def _gathering(self) -> Gathering:
        parts = self._parts

        def reports(feed: int) -> Sequence[Landed]:
            return parts.landings.of(feed)

        def time(block: int) -> int | None:
            known, about = parts.chain.dates.of(block)
            return known if known and not about else None

        memory = JournalMemory(parts.journal, parts.chain_id, parts.chain.oracle, reports, time)
        folders = [Folder(parts.config.node.directory), Folder(parts.config.path.parent)]
        return Gathering(parts.chain, Blocks(folders), memory, self._gallery.full)
