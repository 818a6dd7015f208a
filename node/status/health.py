"""What the node knows of its own health: codes for probes, figures for the status page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from node.clock import milliseconds

if TYPE_CHECKING:
    from node.chain.types import Block

SILENCE_MS = 120_000
"""After so long without an answer the chain counts as out of reach."""
STANDSTILL_MS = 30 * 60_000
"""After so long without a new final block something is wrong: Ethereum finalises about every six minutes."""


@dataclass
class Health:
    """The last thing the chain said, and when."""

    final: Block | None = None
    head: Block | None = None
    chain_error: str = ""
    journal_error: str = ""
    heard_ms: int = field(default_factory=milliseconds)
    moved_ms: int = field(default_factory=milliseconds)
    started_ms: int = field(default_factory=milliseconds)
    journal_failures: int = 0
    """Looks at the chain that the journal could not keep, since the start."""

    @property
    def unmoved_s(self) -> float:
        """Seconds since a final block was seen that was higher than the one before, or since the start."""
        return (milliseconds() - self.moved_ms) / 1000

    def chain_ok(self, final: Block, head: Block) -> None:
        """Note that the chain answered."""
        if self.final is None or final.number > self.final.number:
            self.moved_ms = milliseconds()
        self.final, self.head, self.chain_error, self.heard_ms = final, head, "", milliseconds()

    def chain_failed(self, error: str) -> None:
        """Note that the chain did not answer."""
        self.chain_error = error

    def journal_failed(self, error: str) -> None:
        """Note that the journal could not be written."""
        self.journal_error = error
        self.journal_failures += 1

    def journal_ok(self) -> None:
        """Note that the journal was written."""
        self.journal_error = ""

    def reasons(
        self,
        brokers: int | None,
        render_fault: str = "",
        *,
        doubtful: bool = False,
        stalled: bool = False,
        standby: bool = False,
    ) -> list[str]:
        """Return a short code for everything that keeps the node from its work.

        `brokers` counts those connected, None while none is needed; `render_fault` says why no worker may render
        (`RenderPool.fault`); `doubtful` that nothing is signed because the journal is older than the chain's record of
        this node (`Guard`); `stalled` that a round waits for the journal to be written; `standby` that the node has no
        seat, and waits for one.
        """
        found = []
        if self.final is None:
            found.append("chain-not-read-yet")
        elif self.chain_error and milliseconds() - self.heard_ms > SILENCE_MS:
            found.append("chain-unreachable")
        elif milliseconds() - self.moved_ms > STANDSTILL_MS:
            found.append("final-block-stands-still")
        if standby:
            found.append("standby")
        if brokers == 0:
            found.append("no-broker")
        if render_fault:
            found.append("renderer-unfit")
        if self.journal_error or stalled:
            found.append("journal-not-writable")
        if doubtful:
            found.append("journal-too-old")
        return found
