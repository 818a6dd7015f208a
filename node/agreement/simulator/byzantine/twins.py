"""Twins: one key in two places, each an honest-looking node for its half of the committee.

After "Twins: BFT systems made robust" (Bano and others, 2021): whatever two copies of correct code say to two halves
of a network, an equivocating node can say, and they say it in ways that nobody would think of by hand.
"""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

from node.agreement.messages import Message, Opened
from node.agreement.simulator.byzantine.honest import Byzantine
from node.agreement.simulator.world.world import World


class Twin(Byzantine):
    """Speaks with its own half, which is another for every run; both twins speak with all other false nodes."""

    def __init__(self, world: World, index: int, side: int) -> None:
        super().__init__(world, index)
        self._side = side
        self._false = frozenset(false for false, _ in world.scenario.behaviours)

    def _mine(self, peer: int) -> bool:
        if peer == self.index:
            return False
        return peer in self._false or (self.world.scenario.seed >> peer & 1 ^ peer & 1) == self._side

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Everything, to its own half."""
        return [raw] if self._mine(peer) else []

    def listens(self, opened: Opened) -> bool:
        """To its own half."""
        return self._mine(opened.sender)
