"""What makes a proposal valid: its observations or its lock, and the Timeouts that let its view be entered."""

from __future__ import annotations

from dataclasses import dataclass

from node.agreement.committee import Committee
from node.agreement.evidence import Evidence
from node.agreement.lock import Certified, justified
from node.agreement.messages import Opened, Proposal, Timeout
from node.agreement.seat import Verify


@dataclass(frozen=True, slots=True)
class Accepted:
    """What this node goes by in a view: evidence of the leader's choice, or of the lock it had to repeat.

    `proposed` is the leader's proposal and its raw envelope; None where the view's own lock came first.
    """

    evidence: Evidence
    lock: Certified | None
    proposed: tuple[Proposal, bytes] | None


def check_certificate(
    proposal: Proposal, lock: Certified | None, committee: Committee, verify: Verify
) -> list[Opened] | None:
    """The Timeouts that let the proposal's view be entered with its lock, or None if they are not a quorum's."""
    if proposal.view == 0:
        return [] if lock is None and not proposal.timeouts else None
    found: dict[int, Opened] = {}
    for raw in proposal.timeouts:
        inner = verify(raw)
        if inner is None or not isinstance(inner.message, Timeout):
            return None
        timeout = inner.message
        if (timeout.feed, timeout.checkpoint) != (proposal.feed, proposal.checkpoint):
            return None
        if not justified(timeout, proposal.view, lock):
            return None
        found[inner.sender] = inner
    return list(found.values()) if len(found) >= committee.quorum else None
