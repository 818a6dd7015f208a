"""Holds the chain's record of this node's signatures against the journal, and lets nothing be signed on an old one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from node.journal.safety.protection import REMEDY, explain

if TYPE_CHECKING:
    from node.chain.types import Landed
    from node.journal import Journal

log = structlog.get_logger("guard")


class Guard:
    """Looks at each landed report that names this node's seat under the report's configuration.

    A report carries a member's signature, or its vote, only if that member's key gave it: where the journal knows of
    neither, the journal was restored from a backup, or the key has signed elsewhere. What else it signed then is
    unknown, so it signs nothing (`Protection.check`) until an operator has said how to go on.
    """

    def __init__(self, journal: Journal, seat: Callable[[bytes], int | None]) -> None:
        """`seat`: this node's index in the committee of a configuration (its digest); None where it has no seat."""
        self._journal = journal
        self._seat = seat
        self._said = 0

    def settled(self, report: Landed) -> None:
        """Look at a final report; what it shows is stored."""
        if self._names_us(report):
            self._journal.protection.settled(report)

    def unsettled(self, reports: Sequence[Landed]) -> None:
        """Look at all reports that are not final; what they show counts for as long as they stand."""
        self._journal.protection.unsettled([report for report in reports if self._names_us(report)])
        self._say()

    def doubtful(self) -> bool:
        """Whether the node signs nothing because its journal is too old."""
        return bool(self._journal.protection.doubts())

    def _names_us(self, report: Landed) -> bool:
        index = self._seat(report.config_digest)
        return index is not None and bool(report.signers >> index & 1)

    def _say(self) -> None:
        doubts = self._journal.protection.doubts()
        if len(doubts) > self._said:
            log.error("nothing is signed", why=explain(doubts), remedy=REMEDY)
        elif self._said and not doubts:
            log.warning("what cast doubt on the journal is gone; signing again")
        self._said = len(doubts)
