"""What became of messages and rounds since the node was started, over all its terms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from node.durations import ROUND_S, Durations

if TYPE_CHECKING:
    from node.term.term import Term


@dataclass
class Tally:
    """Counters that never go down: a term that ends takes its own with it, and here they stay.

    `envelopes` are those refused before anything in them was believed, by reason; `agreement` what the protocol made
    of the others; `happened` steps of rounds; `brokers` each broker's messages by its name; `rounds` how long those
    took that landed.
    """

    envelopes: Counter[str] = field(default_factory=Counter)
    agreement: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    brokers: dict[str, Counter[str]] = field(default_factory=dict)
    votes: int = 0
    rounds: Durations = field(default_factory=lambda: Durations(ROUND_S))

    def take(self, term: Term) -> None:
        """Add what a term has counted."""
        self.envelopes.update(term.verifier.counters)
        self.agreement.update(term.rounds.counters)
        self.happened.update(term.rounds.happened)
        for link, counted in zip(term.gossip.links, term.gossip.by_broker, strict=True):
            self.brokers.setdefault(link.settings.name, Counter()).update(counted)
        self.votes += term.voter.counters["votes sent"]
        self.rounds.add(term.rounds.took)

    def add(self, other: Tally) -> None:
        """Add another tally."""
        self.envelopes.update(other.envelopes)
        self.agreement.update(other.agreement)
        self.happened.update(other.happened)
        for name, counted in other.brokers.items():
            self.brokers.setdefault(name, Counter()).update(counted)
        self.votes += other.votes
        self.rounds.add(other.rounds)
