"""Locks: proof that a quorum prepared a report, so that no other one can be decided.

Why it holds: a node commits to a report only under the lock of a view, and names its highest lock in every Timeout. Two
quorums share an honest member; so once a quorum has committed, every quorum of Timeouts names that report's lock, and
whoever leads later must propose the same report (the argument of PBFT, Castro and Liskov 1999, section 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from node.agreement.committee import Committee
from node.agreement.effects import Trigger
from node.agreement.evidence import Evidence, compose, gather
from node.agreement.messages import NO_LOCK, Lock, Prepare, Timeout
from node.agreement.report import Report, report_digest
from node.agreement.seat import Verify


@dataclass(frozen=True, slots=True)
class Certified:
    """A lock that was checked: the report, its digest, and the evidence that it is composed of."""

    lock: Lock
    evidence: Evidence
    report: Report
    digest: bytes

    @property
    def view(self) -> int:
        """The view in which a quorum prepared the report."""
        return self.lock.view


def check_lock(lock: Lock, trigger: Trigger, committee: Committee, verify: Verify) -> Certified | None:
    """The checked form of a lock, or None if a quorum's Prepares do not prove it for this very measurement."""
    if (lock.feed, lock.checkpoint) != trigger.key or lock.origin > lock.view:
        return None
    if len(lock.prepares) != committee.quorum:
        return None
    evidence = gather(lock.observations, trigger, committee, verify)
    if evidence is None:
        return None
    report = compose(trigger, evidence, lock.origin, lock.root)
    digest = report_digest(committee.domain, report)
    expected = Prepare(lock.feed, lock.checkpoint, lock.view, digest)
    last = -1
    for raw in lock.prepares:
        inner = verify(raw)
        if inner is None or inner.message != expected or inner.sender <= last:
            return None
        last = inner.sender
    return Certified(lock, evidence, report, digest)


def justified(timeout: Timeout, view: int, lock: Certified | None) -> bool:
    """Whether a Timeout lets `view` be entered with this lock's report, or with a free choice where there is none."""
    if timeout.view < view - 1:
        return False
    if timeout.locked_view == NO_LOCK:
        return True
    if lock is None or not timeout.locked_view <= lock.view < view:
        return False
    return timeout.locked_view < lock.view or timeout.locked_digest == lock.digest
