"""The honest behaviour: the hooks that every Byzantine one overrides."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

from node.agreement.effects import Trigger
from node.agreement.messages import Message, Opened
from node.agreement.simulator.world.world import World


class Honest:
    """The protocol as it is."""

    byzantine = False

    def __init__(self, world: World, index: int) -> None:
        self.world = world
        self.index = index

    def seal(self, message: Message) -> bytes:
        """An envelope of its own: no node can sign for another."""
        return self.world.keys.seal(self.index, message)

    def measure(self, trigger: Trigger) -> Trigger:
        """What it takes for its measurement."""
        return trigger

    def root(self, root: bytes) -> bytes:
        """What it takes for its render."""
        return root

    def signature(self, digest: bytes) -> bytes:
        """What it sends as its signature."""
        return self.world.keys.sign(self.index, digest)

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """What it sends to one peer in place of a message."""
        return [raw]

    def listens(self, opened: Opened) -> bool:
        """Whether its machine gets to hear a message."""
        return True

    def react(self, opened: Opened) -> list[bytes]:
        """What it sends to everyone upon a message."""
        return []


class Byzantine(Honest):
    """At most f of these."""

    byzantine = True
