"""What is the case now, as far as the node's parts know it at once: readiness codes, and what they do not say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from node.clock import milliseconds
from node.notices.troubles import Found
from node.status.figures import reasons
from node.term.standby import seat_lost_at

if TYPE_CHECKING:
    from node.chain.types import Landed
    from node.parts import Parts

STUCK_MS: Final = 120_000
"""After so long without a finished look at the chain, and without an error either, a node is behind."""
MISSED: Final = 6
"""So many reports in a row without this node are no accident: a quorum leaves out at most a third of the members."""
MANY: Final = 5
"""Crossings of one look that are told one by one."""
ETHER: Final = 10**18

ELSEWHERE: Final = frozenset({"own-key-signed-twice", "too-old"})
"""Readiness codes that are told otherwise: as events, from what the journal keeps of them, or with the version that
the deployment file asks for."""


def conditions(parts: Parts, since: int) -> Iterable[Found]:
    """Yield what is the case now; `since` is the final block from which on this node had to take part in rounds."""
    for code in reasons(parts):
        if code not in ELSEWHERE:
            yield _explained(parts, code)
    health = parts.health
    if health.final is not None and not health.chain_error and milliseconds() - health.heard_ms > STUCK_MS:
        yield Found("behind", f"The last look that it finished was at final block {health.final.number}.")
    for target, said in parts.publisher.troubles():
        yield Found("publishing-failing", f"{target}: {said}", target)
    if missed := rounds_missed(parts, since):
        yield Found("rounds-missed", f"The last {missed} reports landed without its signature.")


def is_known(parts: Parts, code: str) -> bool:
    """Whether the absence of a code means that the trouble is gone; after a start much is not known yet."""
    if code == "low-balance":
        return parts.sender.funds.balance is not None
    return parts.health.final is not None


def rounds_missed(parts: Parts, since: int) -> int:
    """Return how many of the latest final reports landed without this node, which had a seat; 0 if that is no sign.

    A report carries a quorum's signatures and no more, so that one which the node attested counts as none missed.
    """
    latest = parts.journal.reports.last(MISSED)
    if len(latest) < MISSED or any(report.block_number <= since for report in latest):
        return 0
    return MISSED if all(_missed(parts, report) for report in latest) else 0


def _missed(parts: Parts, report: Landed) -> bool:
    index = parts.terms.seat(report.config_digest)
    if index is None or report.signers >> index & 1:
        return False
    return not parts.journal.attestations.of(report.config_digest, report.feed, report.checkpoint)


def _explained(parts: Parts, code: str) -> Found:
    if code == "low-balance":
        funds = parts.sender.funds
        return Found(code, f"Account {parts.address} holds {(funds.balance or 0) / ETHER:.6f} ether.")
    if code == "standby" and seat_lost_at(parts.journal, parts.address) is not None:
        return Found("seat-lost", _sentence(parts.terms.standby))
    if code == "standby":
        return Found(code, _sentence(parts.terms.standby))
    if code == "seat-not-taken":
        return Found(code, _sentence(parts.terms.fault))
    return Found(code)


def _sentence(text: str | None) -> str:
    """A reason as a sentence of its own: it begins with the node or an address, and has no full stop."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def crossings(reports: Sequence[Landed]) -> list[str]:
    """Return a sentence for each of the reports that changed a band; of many, one for all of them."""
    crossed = [report for report in reports if report.band != report.previous_band]
    if len(crossed) > MANY:
        feeds = len({report.feed for report in crossed})
        return [f"{len(crossed)} of them landed on {feeds} {'feed' if feeds == 1 else 'feeds'} since the last look."]
    return [
        f"Feed {each.feed} went from band {each.previous_band + 1} to band {each.band + 1}, with the report for "
        f"checkpoint {each.checkpoint} in block {each.block_number}."
        for each in crossed
    ]
