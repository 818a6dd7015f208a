"""Brings the journal's record of configurations up to a final block, with the votes that may count under a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.journal.configurations import Span
from node.rounds.landings import CURSOR
from node.term.ballots import adopt_votes

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.configurations import Configuration
    from node.chain.types import Block
    from node.journal import Journal


async def record(
    chain: Chain, journal: Journal, final: Block, found: Configuration, before: tuple[int, Configuration] | None
) -> None:
    """Note in the journal what changed up to `final`, all of it or nothing.

    `found` is what is in force at `final`, `before` the number of the last final block that this process looked at and
    what was in force there. A journal that knows of nothing yet takes what is in force for what always was.

    Raises:
        ChainError: the chain cannot be read; the next call does it all again.
        JournalUnwritableError: nothing was stored.
    """
    known = journal.configurations
    last = known.last()
    if last is None:
        spans = [Span(0, found.config_digest)]
    elif before is not None and before[1] == found:
        return  # one that came and went in between would be the previous one now, or have moved its end
    else:
        # Landings are read after configurations are: up to where they are stored, these are noted.
        looked = 0 if before is None else before[0]
        since = max(last.first_block, journal.cursors.get(CURSOR) or 0, looked)
        spans = await changes(chain, since + 1, final.number)
        newest = spans[-1] if spans else last
        if newest.config != found.config_digest:
            spans.append(Span(final.number, found.config_digest))
    if not spans:
        return
    installed = await chain.installed(final)
    with journal.transaction():
        for committee in (installed.previous, installed.committee):
            if committee is not None:
                known.know(committee)
        for span in spans:
            known.begin(span)
        if last is not None:
            adopt_votes(journal, found.config_digest)


async def changes(chain: Chain, first: int, last: int) -> list[Span]:
    """Return what came into force in final blocks first..last, in order; of one block what stands at its end.

    Raises:
        ChainError: the chain cannot be read.
    """
    found = await chain.config_sets(first, last, final=True)
    ends = {one.block_number: Span(one.block_number, one.config_digest) for one in found}
    return [ends[block] for block in sorted(ends)]
