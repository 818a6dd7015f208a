"""One term of office: all that a node does under one configuration of the oracle, in one task group."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

    from node.agreement.committee import Committee
    from node.gossip.hearing import Hearing
    from node.gossip.transport import Gossip
    from node.gossip.verifier import Verifier
    from node.rounds.driver import RoundDriver
    from node.rounds.transmit import Transmitter
    from node.voting.voter import Voter


@dataclass(frozen=True, eq=False)
class Term:
    """A seat in one committee, and everything that is made for it alone.

    In force it votes when no broker is there; after that the oracle counts votes under its configuration no more, and
    its reports land for a while as those of the previous one.
    """

    committee: Committee
    index: int
    gossip: Gossip
    verifier: Verifier
    rounds: RoundDriver
    voter: Voter
    transmitter: Transmitter
    hearing: Hearing | None = None

    @property
    def config(self) -> bytes:
        """The configuration's digest, 32 bytes."""
        return self.committee.config_digest

    @property
    def in_force(self) -> bool:
        """Whether the configuration was in force at the last final block."""
        return not self.transmitter.previous

    def stand(self, *, in_force: bool) -> None:
        """Go on as the configuration in force, or as the one before it."""
        self.transmitter.previous = self.voter.retired = not in_force

    @property
    def counters(self) -> Counter[str]:
        """What became of messages."""
        return self.gossip.counters + self.verifier.counters + self.rounds.counters

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.gossip.run())
            group.create_task(self.rounds.run())
            group.create_task(self.voter.run())
