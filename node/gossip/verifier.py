"""Opens envelopes, each genuine one once: messages are announced many times and travel inside proposals too."""

from __future__ import annotations

from collections import Counter
from typing import Final

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.messages import Opened
from node.gossip.envelope import MAX_BYTES, EnvelopeError, open_envelope

BYTES_PER_SENDER: Final = 512 * 1024


class Verifier:
    """Callable as a Machine's `verify`; `counters` holds the refused by reason, and the repeated.

    Only genuine envelopes are remembered, each member's within a budget of its own: what is forged or comes from a
    broker costs one signature check and leaves nothing behind. A repeated one is returned again, since the machine
    may have had to let go of it before.
    """

    def __init__(self, committee: Committee, budget: int = BYTES_PER_SENDER) -> None:
        self._committee = committee
        self._budget = budget
        self._seen: dict[bytes, Opened] = {}
        self._of_sender: list[dict[bytes, None]] = [{} for _ in range(committee.n)]
        self._used = [0] * committee.n
        self.counters: Counter[str] = Counter()

    def open(self, raw: bytes) -> Opened:
        """The message of an envelope, EnvelopeError with a reason code for all other bytes."""
        known = self._seen.get(raw) if len(raw) <= MAX_BYTES else None
        if known is not None:
            self.counters[reasons.REPEATED] += 1
            return known
        try:
            opened = open_envelope(raw, self._committee)
        except EnvelopeError as error:
            self.counters[error.reason] += 1
            raise
        self._remember(opened)
        return opened

    def __call__(self, raw: bytes) -> Opened | None:
        """As `open`, for envelopes inside a proposal: None instead of an error, and nothing is counted."""
        known = self._seen.get(raw) if len(raw) <= MAX_BYTES else None
        if known is not None:
            return known
        try:
            opened = open_envelope(raw, self._committee)
        except EnvelopeError:
            return None
        self._remember(opened)
        return opened

    def _remember(self, opened: Opened) -> None:
        mine = self._of_sender[opened.sender]
        self._seen[opened.raw] = opened
        mine[opened.raw] = None
        self._used[opened.sender] += len(opened.raw)
        while self._used[opened.sender] > self._budget:
            oldest = next(iter(mine))
            del mine[oldest], self._seen[oldest]
            self._used[opened.sender] -= len(oldest)
