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
from node.agreement.simulator.byzantine.accomplice import Accomplice
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


class Doubler(Accomplice):
    """Backs whatever anyone backs, in the view after as well, and shows its own ballots to half of them only."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._answered: set[bytes] = set()

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """A ballot for nothing at all for the odd peers."""
        if isinstance(message, (Prepare, Commit)) and peer % 2:
            return [self.seal(msgspec.structs.replace(message, digest=bytes(reversed(message.digest))))]
        return [raw]

    def react(self, opened: Opened) -> list[bytes]:
        """The same ballot, and the same in the view after; once, for two of its kind answer each other."""
        message, found = opened.message, super().react(opened)
        if not isinstance(message, (Prepare, Commit)) or message.view == MAX_VIEW or opened.sender == self.index:
            return found
        if opened.raw not in self._answered and len(self._answered) < _KEPT:
            self._answered.add(opened.raw)
            later = self.seal(msgspec.structs.replace(message, view=message.view + 1))
            self.world.brokers.carry(self.index, opened.sender, later)
        return found


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


class Amnesiac(Accomplice):
    """Knows of no lock: not in its Timeouts, not in its proposals; it passes none on, and backs every report."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._free: dict[tuple[int, int], dict[int, tuple[int, bytes]]] = {}

    def react(self, opened: Opened) -> list[bytes]:
        """It collects the Timeouts that name no lock."""
        message = opened.message
        if isinstance(message, Timeout) and message.locked_view == NO_LOCK:
            self._free.setdefault((message.feed, message.checkpoint), {})[opened.sender] = (message.view, opened.raw)
        return super().react(opened)

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Timeouts without locks; no locks; observations instead of them, with a certificate that bears it out."""
        if isinstance(message, Lock):
            return []
        if isinstance(message, Timeout):
            return [self.seal(msgspec.structs.replace(message, locked_view=NO_LOCK, locked_digest=NO_DIGEST))]
        if isinstance(message, Proposal) and message.lock is not None:
            heard = self._free.get((message.feed, message.checkpoint), {})
            free = tuple(timeout for _, (view, timeout) in sorted(heard.items()) if view >= message.view - 1)
            timeouts = free if len(free) >= self.world.keys.committee.quorum else message.timeouts
            observations = message.lock.observations
            changed = msgspec.structs.replace(message, lock=None, observations=observations, timeouts=timeouts)
            return [self.seal(changed)]
        return [raw]


class Scribbler(Byzantine):
    """Signs with noise."""

    def signature(self, digest: bytes) -> bytes:
        """Sixty-four bytes of nothing."""
        return self.world.rng.randbytes(64)
