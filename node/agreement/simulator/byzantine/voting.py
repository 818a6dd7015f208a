"""Byzantine voters: they withhold, double and garble Prepares, locks, Commits, signatures and Timeouts."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

from typing import Final

import msgspec

from node.agreement.messages import (
    MAX_VIEW,
    NO_DIGEST,
    NO_LOCK,
    Attestation,
    Commit,
    Lock,
    Message,
    Observation,
    Opened,
    Prepare,
    Proposal,
    Timeout,
)
from node.agreement.simulator.byzantine.honest import Byzantine
from node.agreement.simulator.world.world import World

_KEPT: Final = 400


class Silent(Byzantine):
    """Listens, and says nothing."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Nothing."""
        return []


class Abstainer(Byzantine):
    """Observes and proposes, but neither prepares nor commits nor signs."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """No Prepares, no Commits, no signatures."""
        return [] if isinstance(message, (Prepare, Commit, Attestation)) else [raw]


class Selective(Byzantine):
    """Says each thing that matters to some peers only, the same ones whenever it says it again."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Prepares, locks, Commits, signatures and Timeouts for about half of the peers."""
        if isinstance(message, (Observation, Proposal)):
            return [raw]
        return [raw] if (raw[1] >> peer % 8) & 1 else []


class Doubler(Byzantine):
    """Prepares, commits to and signs whatever anyone does, and shows its own Prepares and Commits to half of them."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._done: set[tuple[type, int, bytes]] = set()

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """A ballot for nothing at all for the odd peers."""
        if isinstance(message, (Prepare, Commit)) and peer % 2:
            return [self.seal(msgspec.structs.replace(message, digest=bytes(reversed(message.digest))))]
        return [raw]

    def react(self, opened: Opened) -> list[bytes]:
        """Its own ballot or signature, on everybody's report."""
        message = opened.message
        if not isinstance(message, (Prepare, Commit, Attestation)) or opened.sender == self.index:
            return []
        place = (type(message), message.view, message.digest)
        if place in self._done or len(self._done) > _KEPT:
            return []
        self._done.add(place)
        feed, checkpoint, view, digest = message.feed, message.checkpoint, message.view, message.digest
        if isinstance(message, Attestation):
            return [self.seal(Attestation(feed, checkpoint, view, digest, self.world.keys.sign(self.index, digest)))]
        views = (view, min(view + 1, MAX_VIEW))
        return [self.seal(kind(feed, checkpoint, near, digest)) for kind in (Prepare, Commit) for near in views]


class Fabler(Byzantine):
    """Names locks in its Timeouts that never were, and tells of locks that nobody can have."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._heard: list[bytes] = []

    def react(self, opened: Opened) -> list[bytes]:
        """Locks put together from everything it heard, upon a Timeout."""
        if isinstance(opened.message, Prepare) and len(self._heard) < _KEPT:
            self._heard.append(opened.raw)
        if not isinstance(opened.message, Proposal) or not self._heard:
            return []
        proposal, quorum = opened.message, self.world.keys.committee.quorum
        prepares = tuple(self.world.rng.choices(self._heard, k=quorum))
        root = self.world.rng.randbytes(32)
        return [
            self.seal(
                Lock(
                    proposal.feed,
                    proposal.checkpoint,
                    view,
                    min(view, proposal.view),
                    root,
                    proposal.observations,
                    prepares,
                )
            )
            for view in (proposal.view, min(proposal.view + 3, MAX_VIEW))
        ]

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Timeouts with another made-up lock for every peer."""
        if not isinstance(message, Timeout):
            return [raw]
        view = self.world.rng.randint(0, message.view)
        return [self.seal(msgspec.structs.replace(message, locked_view=view, locked_digest=bytes([peer]) * 32))]


class Amnesiac(Byzantine):
    """Says in its Timeouts that it holds no lock, proposes as if nobody did, and passes no lock on."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Timeouts without locks; no locks; proposals of observations instead of locks."""
        if isinstance(message, Lock):
            return []
        if isinstance(message, Timeout):
            return [self.seal(msgspec.structs.replace(message, locked_view=NO_LOCK, locked_digest=NO_DIGEST))]
        if isinstance(message, Proposal) and message.lock is not None:
            observations = message.lock.observations
            return [self.seal(msgspec.structs.replace(message, lock=None, observations=observations))]
        return [raw]


class Scribbler(Byzantine):
    """Signs with noise."""

    def signature(self, digest: bytes) -> bytes:
        """Sixty-four bytes of nothing."""
        return self.world.rng.randbytes(64)
