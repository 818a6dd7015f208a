"""What a node has said in one round, and says again until it is over: brokers lose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.agreement.effects import Broadcast, Effect
from node.agreement.messages import Message
from node.agreement.seat import Seal

_OF_A_VIEW: Final = ("proposal", "artwork", "second", "prepare")


class Announcements:
    """One message for each slot, the latest: what may be large, or many, stays bounded."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._said: dict[str, Broadcast] = {}

    def announce(self, slot: str, message: Message) -> Broadcast:
        """Say a message of this node's own."""
        broadcast = Broadcast(message, self._seal(message))
        if slot == "attestation" and self._said.get(slot, broadcast) != broadcast:
            # A quorum of the report before may still be coming together.
            self._said["earlier attestation"] = self._said[slot]
        self._said[slot] = broadcast
        return broadcast

    def pass_on(self, slot: str, message: Message, raw: bytes) -> list[Effect]:
        """Say another member's message, as its envelope came; nothing where the slot is taken."""
        if slot in self._said:
            return []
        self._said[slot] = Broadcast(message, raw)
        return [self._said[slot]]

    def enter(self) -> None:
        """Another view has begun: what was said about the one before is of no use."""
        for slot in _OF_A_VIEW:
            self._said.pop(slot, None)

    def all(self) -> Sequence[Broadcast]:
        """Everything, to be said again."""
        return tuple(self._said.values())
