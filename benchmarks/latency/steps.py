"""Where a round's time goes: from the marks that it left at the broker and in the nodes' logs to its steps."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from benchmarks.latency.rounds import Timed

OBSERVED, PROPOSED, PREPARED, ATTESTED, SENT = range(5)
STEPS = (
    "seen, read, measured: the last observation is out",
    "gathered: the leader's proposal is out",
    "checked and prepared: a quorum of prepares is out",
    "locked, journaled, signed: a quorum of signatures is out",
    "estimated, signed, broadcast: the chain has taken it",
)
"""What ends at each mark, in order. The marks lie on the path that the report takes, so the steps add up."""


def ends(timed: Timed, quorum: int) -> list[float]:
    """When each step ended, in seconds after the block was asked for; RuntimeError where a mark is missing.

    A node may send before the tap has heard what it heard: no step ends before the one in front of it.
    """
    wanted = {"observation": quorum, "proposal": 1, "prepare": quorum, "attestation": quorum, "report sent": 1}
    found: list[float] = []
    for kind, count in wanted.items():
        marks = timed.marks.get(kind, [])
        if len(marks) < count:
            raise RuntimeError(f"checkpoint {timed.checkpoint}: {len(marks)} of {kind!r}, not {count}")
        # A leader waits for all observations while its grace lasts, so the last one that it proposes counts.
        at = [mark for mark in marks if mark <= _proposed(timed)][-1] if kind == "observation" else marks[count - 1]
        found.append(max([at - timed.asked, *found]))
    sent = timed.sent - timed.asked
    return [min(at, sent) for at in found]


def _proposed(timed: Timed) -> float:
    # The tap hears a leader's own observation before its proposal, whatever else comes late.
    return timed.marks["proposal"][0] if "proposal" in timed.marks else math.inf


def durations(rounds: Sequence[Timed], quorum: int) -> Mapping[str, list[float]]:
    """Each step's seconds in each round."""
    found: dict[str, list[float]] = {step: [] for step in STEPS}
    for timed in rounds:
        before = 0.0
        for step, at in zip(STEPS, ends(timed, quorum), strict=True):
            found[step].append(at - before)
            before = at
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def summary(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(values), percentile(values, 0.95)
