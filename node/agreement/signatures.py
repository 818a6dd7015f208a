"""The signatures of one round: over which reports, and when they are a quorum's."""

from __future__ import annotations

from typing import Final

from node.agreement import reasons
from node.agreement.effects import Dropped, Effect, RoundKey, Transmit
from node.agreement.messages import Attestation
from node.agreement.report import Report, Statement, statement_digest
from node.agreement.seat import Seat
from node.agreement.tally import Signed, Tally

MAX_REPORTS: Final = 16
"""Reports kept to tell what signatures are over: the latest ones."""
MAX_STATEMENTS: Final = 64
"""Statements whose digests are remembered."""


class Signatures:
    """Attestations are kept as they come; they count once the report of their digest is known here."""

    def __init__(self, key: RoundKey, seat: Seat) -> None:
        self._key = key
        self._domain = seat.committee.domain
        self._tally = Tally(seat.committee.signers, seat.committee.quorum, seat.recover)
        self._reports: dict[bytes, Report] = {}
        self._transmitted: set[bytes] = set()
        self._digests: dict[Statement, bytes] = {}

    @property
    def complete(self) -> bool:
        """Whether a quorum signed a report."""
        return bool(self._transmitted)

    def know(self, report: Report, digest: bytes) -> None:
        """A report that this node computed, or that a lock proves."""
        self._reports[digest] = report
        while len(self._reports) > MAX_REPORTS:
            del self._reports[next(iter(self._reports))]

    def known(self, digest: bytes) -> Report | None:
        """The report of this digest, if it is known."""
        return self._reports.get(digest)

    def most(self) -> int:
        """How many members signed the known report that most did."""
        counts = (self._tally.count(report.view, digest) for digest, report in self._reports.items())
        return max(counts, default=0)

    def count(self, sender: int, attestation: Attestation) -> list[Effect]:
        """Take a member's attestation."""
        digest = self._digest(attestation.statement)
        reason = self._tally.add(sender, attestation.view, Signed(digest, attestation.signature))
        if reason is not None:
            return [Dropped(sender, reason)]
        if digest in self._reports:
            return self.transmit(digest)
        other = any(report.view == attestation.view for report in self._reports.values())
        return [Dropped(sender, reasons.OTHER_REPORT)] if other else []

    def _digest(self, statement: Statement) -> bytes:
        """Each statement is hashed once: it is announced again and again, and by every member."""
        found = self._digests.get(statement)
        if found is None:
            if len(self._digests) >= MAX_STATEMENTS:
                self._digests.clear()
            found = self._digests[statement] = statement_digest(self._domain, statement)
        return found

    def transmit(self, digest: bytes) -> list[Effect]:
        """The report goes on chain once a quorum signed it."""
        report = self._reports[digest]
        effects: list[Effect] = [
            Dropped(sender, reasons.BAD_SIGNATURE) for sender in self._tally.check(report.view, digest)
        ]
        signed = self._tally.quorum(report.view, digest)
        if signed is None or digest in self._transmitted:
            return effects
        self._transmitted.add(digest)
        return [*effects, Transmit(self._key, report.view, report, digest, *signed)]
