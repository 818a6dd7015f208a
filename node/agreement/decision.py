"""From a report that this node holds true to a quorum's signatures: Prepares, a lock, Commits, attestations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from node.agreement import reasons
from node.agreement.ballots import Ballots
from node.agreement.bond import Bond
from node.agreement.effects import Broadcast, Dropped, Effect, RoundKey
from node.agreement.evidence import Evidence
from node.agreement.lock import Certified
from node.agreement.messages import Attestation, Commit, Lock, Message, Opened, Prepare
from node.agreement.report import Report, statement_of
from node.agreement.seat import Seat
from node.agreement.signatures import Signatures

Announce: TypeAlias = Callable[[str, Message], Broadcast]


class Decision:
    """Counts what members say of reports, and says this node's part of it: the bond tells whether it may."""

    def __init__(self, key: RoundKey, seat: Seat, bond: Bond, announce: Announce) -> None:
        members, quorum = seat.committee.n, seat.committee.quorum
        self._key = key
        self._index = seat.index
        self._bond = bond
        self._announce = announce
        self._prepares = Ballots(members, quorum)
        self._commits = Ballots(members, quorum)
        self._case: tuple[int, Evidence, bytes] | None = None
        self._said: Commit | None = None
        self.signatures = Signatures(key, seat)
        if bond.lock is not None:
            self.signatures.know(bond.lock.report, bond.lock.digest)

    @property
    def judged(self) -> bool:
        """Whether this node holds a report of the present view true."""
        return self._case is not None

    def enter(self) -> None:
        """Another view has begun: its report is still to come."""
        self._case = None

    def prepare(self, view: int, evidence: Evidence, report: Report, digest: bytes) -> list[Effect]:
        """Take the view's report, which this node's own render bears out."""
        self.signatures.know(report, digest)
        self._case = (view, evidence, digest)
        bound = self._bond.prepare(view, digest)
        if bound is None:
            effects: list[Effect] = [Dropped(self._index, reasons.ALREADY_BOUND), *self._commit()]
        else:
            prepare = Prepare(*self._key, view, digest)
            broadcast = self._announce("prepare", prepare)
            # It may be here already: a broker hands an earlier life's Prepare to the next.
            self._prepares.add(Opened(self._index, prepare, broadcast.raw), prepare)
            # Either its lock forms now, or one came before this node could tell that its report is true.
            effects = [*bound, broadcast, *(self._lock_up() or self._commit())]
        return [*effects, *self._decide(digest), *self.signatures.transmit(digest)]

    def hear_prepare(self, opened: Opened, prepare: Prepare) -> list[Effect]:
        """Count a Prepare; whoever prepared another report than this node in its view is worth a counter."""
        reason = self._prepares.add(opened, prepare)
        if reason is None and self._case is not None:
            view, _, digest = self._case
            if prepare.view == view and prepare.digest != digest:
                reason = reasons.OTHER_REPORT
        return self._lock_up() if reason is None else [Dropped(opened.sender, reason)]

    def _lock_up(self) -> list[Effect]:
        """Form the view's lock once a quorum prepared what this node holds true."""
        if self._case is None:
            return []
        view, evidence, digest = self._case
        prepares, report = self._prepares.certificate(view, digest), self.signatures.known(digest)
        held = self._bond.lock
        if prepares is None or report is None or (held is not None and held.view >= view):
            return []
        lock = Lock(*self._key, view, report.view, report.content_root, evidence.envelopes, prepares)
        return self.hold(Certified(lock, evidence, report, digest))

    def hold(self, lock: Certified) -> list[Effect]:
        """Take a lock that was checked."""
        self.signatures.know(lock.report, lock.digest)
        effects = [*self._bond.hold(lock), *self._commit()]
        return [*effects, *self._decide(lock.digest), *self.signatures.transmit(lock.digest)]

    def _commit(self) -> list[Effect]:
        """Say that this node holds the lock, once."""
        commit = self._bond.commit()
        if commit is None or commit == self._said:
            return []
        self._said = commit
        broadcast = self._announce("commit", commit)
        self._commits.add(Opened(self._index, commit, broadcast.raw), commit)
        return [broadcast, *self._decide(commit.digest)]

    def hear_commit(self, opened: Opened, commit: Commit) -> list[Effect]:
        """Count a Commit."""
        reason = self._commits.add(opened, commit)
        return self._decide(commit.digest) if reason is None else [Dropped(opened.sender, reason)]

    def _decide(self, digest: bytes) -> list[Effect]:
        """Sign a report once a quorum committed to it in one view: no other can be decided, in whichever view."""
        report = self.signatures.known(digest)
        if report is None or not self._commits.decided(digest):
            return []
        return self._bond.attest(report, digest)

    def attested(self, view: int, digest: bytes, signature: bytes) -> list[Effect]:
        """This node's signature, whose digest is durable in the journal, may be released."""
        report = self._bond.asked(digest)
        if report is None or report.view != view:
            return []
        attestation = Attestation(*statement_of(report), signature)
        return [self._announce("attestation", attestation), *self.signatures.count(self._index, attestation)]
