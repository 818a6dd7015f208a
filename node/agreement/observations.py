"""The observations of one round, and when there are enough of them to propose."""

from __future__ import annotations

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.effects import Trigger
from node.agreement.evidence import matches
from node.agreement.messages import Observation, Opened


class Observations:
    """Keeps the first observation of each member that speaks of this node's own block."""

    def __init__(self, trigger: Trigger, committee: Committee, grace_ms: int) -> None:
        self._trigger = trigger
        self._committee = committee
        self._grace = grace_ms
        self._kept: dict[int, Opened] = {}
        self._quorum_at: int | None = None

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def due(self) -> int | None:
        """When a leader waits no longer for the rest; None while there is no quorum."""
        return None if self._quorum_at is None else self._quorum_at + self._grace

    def add(self, opened: Opened, observation: Observation, now: int) -> str | None:
        """Keep an observation; the reason if it is not kept."""
        known = self._kept.get(opened.sender)
        if known is not None:
            return reasons.REPEATED if known is opened or known.message == observation else reasons.CONFLICTING
        if not matches(observation, self._trigger):
            return reasons.OTHER_BLOCK
        self._kept[opened.sender] = opened
        if self._quorum_at is None and len(self._kept) >= self._committee.quorum:
            self._quorum_at = now
        return None

    def choice(self, now: int) -> tuple[bytes, ...] | None:
        """The raw envelopes of all that are here, once a quorum is, and everyone or the grace is over."""
        if self.due is None or (len(self._kept) < self._committee.n and now < self.due):
            return None
        return tuple(opened.raw for _, opened in sorted(self._kept.items()))
