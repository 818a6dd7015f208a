"""A journal as the memory of explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.chain.types import Landed, Sample
    from node.journal import Journal


class JournalMemory:
    """What this node's journal holds; `newest` tells reports that are not final yet, as a running node knows them."""

    def __init__(
        self,
        journal: Journal,
        chain_id: int,
        oracle: str,
        reports: Callable[[int], Sequence[Landed]] | None = None,
        time: Callable[[int], int | None] = lambda _: None,
    ) -> None:
        """`reports`: a feed's reports, oldest first, where a running node knows more than its journal; `time`: when a
        block was."""
        self._journal = journal
        self._chain_id = chain_id
        self._oracle = oracle
        self._reports = reports
        self._time = time

    def reports(self, feed: int) -> Sequence[Landed]:
        """A feed's landed reports, oldest first."""
        if self._reports is not None:
            return self._reports(feed)
        return list(reversed(self._journal.reports.of(feed)))

    def committee(self, config: bytes) -> Committee | None:
        """The committee of a configuration, where this node ever saw it in force."""
        return self._journal.configurations.committee(config, self._chain_id, self._oracle)

    def samples(self, feed: int, count: int) -> Sequence[Sample]:
        """A feed's newest samples, oldest first."""
        return self._journal.samples.last(feed, count)

    def time(self, block: int) -> int | None:
        """When a block was, where that is known."""
        return self._time(block)
