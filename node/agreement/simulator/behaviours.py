"""What Byzantine nodes do. Each runs the honest protocol and bends it in one way."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

from typing import Final

import msgspec

from node.agreement.effects import Trigger
from node.agreement.messages import (
    MAX_VIEW,
    Artwork,
    Attestation,
    Message,
    Observation,
    Opened,
    Proposal,
    Timeout,
)
from node.agreement.simulator.world import ABSENT, EDGE, World

_MEMORY = 200


class Honest:
    """The protocol as it is: the hooks that others override."""

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

    def react(self, opened: Opened) -> list[bytes]:
        """What it sends to everyone upon a message."""
        return []


class Byzantine(Honest):
    """At most f of these."""

    byzantine = True


class Silent(Byzantine):
    """Listens, and says nothing."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Nothing."""
        return []


class SilentLeader(Byzantine):
    """Does its work, but never proposes."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """No proposals."""
        return [] if isinstance(message, Proposal) else [raw]


class Liar(Byzantine):
    """Tells every peer another, absurd observation."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Observations of its own invention."""
        if not isinstance(message, Observation):
            return [raw]
        absurd = self.world.rng.choice((-1, 1)) * (10**20 + peer)
        signals = tuple(absurd for _ in message.signals)
        return [self.seal(msgspec.structs.replace(message, answer=absurd, signals=signals))]


class Equivocator(Byzantine):
    """Proposes to odd and even peers different observations, and signs whatever anyone signed, once."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._signed: set[bytes] = set()

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Another own observation in the proposals for odd peers."""
        if not isinstance(message, Proposal) or peer % 2 == 0:
            return [raw]
        others = []
        for envelope in message.observations:
            opened = self.world.keys.verify(envelope)
            if opened is not None and opened.sender == self.index and isinstance(opened.message, Observation):
                lie = msgspec.structs.replace(opened.message, answer=-(10**20), signals=(7, 7, 7))
                others.append(self.seal(lie))
            else:
                others.append(envelope)
        return [self.seal(msgspec.structs.replace(message, observations=tuple(others)))]

    def react(self, opened: Opened) -> list[bytes]:
        """Its signature under everybody's report."""
        message = opened.message
        if not isinstance(message, Attestation) or message.digest in self._signed:
            return []
        self._signed.add(message.digest)
        signed = self.world.keys.sign(self.index, message.digest)
        return [self.seal(msgspec.structs.replace(message, signature=signed))]


class Forger(Byzantine):
    """Proposes observations that their supposed authors never made, or too few of them."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Broken proposals."""
        if not isinstance(message, Proposal):
            return [raw]
        way = self.world.rng.randrange(5)
        envelopes = list(message.observations)
        if way == 4:
            envelopes = [self.world.keys.counterfeit(envelope, 10**20) for envelope in envelopes]
        elif way == 0:
            envelopes[0] = envelopes[0][:-1] + bytes([envelopes[0][-1] ^ 1])
        elif way == 1:
            envelopes = envelopes[: self.world.keys.committee.quorum - 1]
        elif way == 2:
            envelopes = [envelopes[0]] * len(envelopes)
        else:
            envelopes.reverse()
        return [self.seal(msgspec.structs.replace(message, observations=tuple(envelopes)))]


class Painter(Byzantine):
    """Renders another picture: all of its kind the same one."""

    def root(self, root: bytes) -> bytes:
        """A false root."""
        return bytes(reversed(root))


class Withholder(Byzantine):
    """Leads, renders, and shows its artwork to nobody."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """No artworks."""
        return [] if isinstance(message, Artwork) else [raw]


class Hider(Byzantine):
    """Names an artwork that is to be had nowhere."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """A root without blocks."""
        if not isinstance(message, Artwork):
            return [raw]
        return [self.seal(msgspec.structs.replace(message, root=ABSENT.ljust(32, b"\0")))]


class TwoFaced(Equivocator):
    """Shows odd and even peers different artworks, both of them true, and signs whatever anyone signed."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """The artwork that some other node might have rendered; then its own, too late."""
        if not isinstance(message, Artwork):
            return [raw]
        other = message.root[:-1] + bytes([100 + peer % 2])
        return [self.seal(msgspec.structs.replace(message, root=other)), raw]


class Brink(Byzantine):
    """Renders what half of the others find like enough to their own, and half do not."""

    def root(self, root: bytes) -> bytes:
        """A root at the edge of the tolerance."""
        return EDGE + root[len(EDGE) :]


class Scribbler(Byzantine):
    """Signs with noise."""

    def signature(self, digest: bytes) -> bytes:
        """Sixty-four bytes of nothing."""
        return self.world.rng.randbytes(64)


class Misled(Byzantine):
    """Believes an endpoint that shows it another block."""

    def measure(self, trigger: Trigger) -> Trigger:
        """Another block with another answer."""
        return Trigger(trigger.feed, trigger.checkpoint, bytes(32), trigger.answer * 2, trigger.signals)


class Hasty(Byzantine):
    """Wants out of every view, and proposes in far ones that nobody entered."""

    def react(self, opened: Opened) -> list[bytes]:
        """A Timeout for the last view, and an uncertified proposal, upon every observation."""
        message = opened.message
        if not isinstance(message, Observation):
            return []
        view = self.world.rng.randint(1, MAX_VIEW)
        committee = self.world.keys.committee
        while committee.leader(message.feed, message.checkpoint, view) != self.index and view > 0:
            view -= 1
        return [
            self.seal(Timeout(message.feed, message.checkpoint, MAX_VIEW)),
            self.seal(Proposal(message.feed, message.checkpoint, view, (opened.raw,) * committee.quorum)),
        ]


class Replayer(Byzantine):
    """Sends again what it heard from others, whenever it hears something."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(world, index)
        self._heard: list[bytes] = []

    def react(self, opened: Opened) -> list[bytes]:
        """Something from the past."""
        if opened.sender == self.index:
            return []
        if len(self._heard) < _MEMORY:
            self._heard.append(opened.raw)
        else:
            self._heard[self.world.rng.randrange(_MEMORY)] = opened.raw
        return [self.world.rng.choice(self._heard)] if self.world.rng.random() < 0.2 else []


BEHAVIOURS: Final[dict[str, type[Byzantine]]] = {
    behaviour.__name__.lower(): behaviour
    for behaviour in (
        Silent,
        SilentLeader,
        Liar,
        Equivocator,
        Forger,
        Painter,
        Withholder,
        Hider,
        TwoFaced,
        Brink,
        Scribbler,
        Misled,
        Hasty,
        Replayer,
    )
}
