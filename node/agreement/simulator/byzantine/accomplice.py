"""A Byzantine node that backs every report that anyone backs: what makes f of them as strong as they can be."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

from typing import Final

from node.agreement.messages import Attestation, Commit, Message, Opened, Prepare
from node.agreement.report import statement_digest
from node.agreement.simulator.byzantine.honest import Byzantine
from node.agreement.simulator.world.world import World

_KEPT: Final = 1_000


class Accomplice(Byzantine):
    """Prepares and commits to whatever each peer does, before that peer only, and signs what anyone signs."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._done: set[tuple[type, int, int, bytes, int]] = set()

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """No ballot before it knows the peer's: a member's first one counts."""
        return [] if isinstance(message, (Prepare, Commit)) else self.says(message, raw, peer)

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """What it sends in place of anything but a ballot."""
        return [raw]

    def react(self, opened: Opened) -> list[bytes]:
        """Its own ballot, for the sender; its own signature, for all."""
        message = opened.message
        if not isinstance(message, (Prepare, Commit, Attestation)) or opened.sender == self.index:
            return []
        if isinstance(message, Attestation):
            digest = statement_digest(self.world.keys.committee.domain, message.statement)
        else:
            digest = message.digest
        place = (type(message), message.checkpoint, message.view, digest, opened.sender)
        if place in self._done or len(self._done) > _KEPT:
            return []
        self._done.add(place)
        if isinstance(message, Attestation):
            return [self.seal(Attestation(*message.statement, self.world.keys.sign(self.index, digest)))]
        ballot = self.seal(type(message)(message.feed, message.checkpoint, message.view, digest))
        self.world.brokers.carry(self.index, opened.sender, ballot)
        return []
