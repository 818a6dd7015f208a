"""Byzantine hoarders: old messages again, parts of old messages in new ones, and far too many messages."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

from typing import Final

import msgspec

from node.agreement.messages import (
    MAX_VIEW,
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
from node.agreement.simulator.byzantine.accomplice import Accomplice
from node.agreement.simulator.byzantine.honest import Byzantine
from node.agreement.simulator.world.world import World

_KEPT: Final = 200
_FLOOD: Final = 600
"""Messages that a flooder has in it."""


class Replayer(Byzantine):
    """Sends again what it heard from others, of whatever view and checkpoint, whenever it hears something."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._heard: list[bytes] = []

    def react(self, opened: Opened) -> list[bytes]:
        """Something from the past."""
        if opened.sender == self.index:
            return []
        if len(self._heard) < _KEPT:
            self._heard.append(opened.raw)
        else:
            self._heard[self.world.rng.randrange(_KEPT)] = opened.raw
        return [self.world.rng.choice(self._heard)] if self.world.rng.random() < 0.2 else []


class Recycler(Accomplice):
    """Builds its proposals of parts of earlier ones: observations, Timeouts and locks of other rounds and views."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._proposals: list[Proposal] = []
        self._locks: list[Lock] = []
        self._timeouts: list[bytes] = []

    def react(self, opened: Opened) -> list[bytes]:
        """It collects, and backs whatever anyone backs."""
        kept: list[Proposal] | list[Lock] | list[bytes]
        if isinstance(opened.message, Proposal):
            kept = self._proposals
            self._proposals.append(opened.message)
        elif isinstance(opened.message, Lock):
            kept = self._locks
            self._locks.append(opened.message)
        elif isinstance(opened.message, Timeout):
            kept = self._timeouts
            self._timeouts.append(opened.raw)
        else:
            return super().react(opened)
        del kept[:-_KEPT]
        return []

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Proposals and locks that were true somewhere else."""
        choice = self.world.rng.choice
        if isinstance(message, Lock) and self._locks:
            old = choice(self._locks)
            return [raw, self.seal(msgspec.structs.replace(old, view=message.view, checkpoint=message.checkpoint))]
        if not isinstance(message, Proposal) or not self._proposals:
            return [raw]
        old_proposal, way = choice(self._proposals), self.world.rng.randrange(4)
        if way == 0:
            forged = msgspec.structs.replace(message, observations=old_proposal.observations)
        elif way == 1 and self._timeouts:
            timeouts = tuple(self.world.rng.choices(self._timeouts, k=self.world.keys.committee.quorum))
            forged = msgspec.structs.replace(message, timeouts=timeouts)
        elif way == 2 and self._locks:
            forged = msgspec.structs.replace(message, observations=(), lock=choice(self._locks))
        else:
            forged = msgspec.structs.replace(message, timeouts=old_proposal.timeouts, lock=old_proposal.lock)
        return [self.seal(forged)]


class Veteran(Byzantine):
    """Replays what honest members signed for a former committee: true signatures, another configuration."""

    def react(self, opened: Opened) -> list[bytes]:
        """What the sender might have said then, in the same places."""
        message = opened.message
        if isinstance(message, Observation):
            old: Message = msgspec.structs.replace(message, answer=-(10**20))
        elif isinstance(message, (Prepare, Commit)):
            old = msgspec.structs.replace(message, digest=bytes(reversed(message.digest)))
        elif isinstance(message, Timeout):
            old = msgspec.structs.replace(message, view=MAX_VIEW)
        else:
            return []
        return [self.world.former.seal(opened.sender, old)] if self.world.rng.random() < 0.3 else []


class Flooder(Byzantine):
    """Sends as many different messages as it can, for rounds and views near and far."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._left = _FLOOD

    def react(self, opened: Opened) -> list[bytes]:
        """A handful of valid messages about nothing."""
        message = opened.message
        if self._left <= 0 or opened.sender == self.index or not isinstance(message, Observation):
            return []
        rng, found = self.world.rng, list[Message]()
        for _ in range(10):
            feed, checkpoint = rng.choice((1, 2, 99)), rng.choice((message.checkpoint, rng.randrange(1 << 40)))
            view, noise = rng.randint(0, MAX_VIEW), rng.randbytes(32)
            found += [
                Observation(feed, checkpoint, noise, rng.randrange(1 << 200), (1,) * 16),
                Proposal(feed, checkpoint, view, (rng.randbytes(900),) * 31, (noise,) * 31),
                Prepare(feed, checkpoint, view, noise),
                Commit(feed, checkpoint, view, noise),
                Lock(feed, checkpoint, view, 0, noise, (rng.randbytes(300),) * 31, (noise,) * 31),
                Attestation(feed, checkpoint, noise, view, 7, noise, noise, noise, noise * 2),
                Timeout(feed, checkpoint, view, view - 1, noise),
            ]
        self._left -= len(found)
        return [self.seal(each) for each in found]
