"""Byzantine leaders: they propose nothing, two things, or what nobody should accept, and show false artworks."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

import msgspec

from node.agreement.messages import (
    MAX_VIEW,
    Artwork,
    Attestation,
    Commit,
    Message,
    Observation,
    Opened,
    Proposal,
    Timeout,
)
from node.agreement.simulator.byzantine.accomplice import Accomplice
from node.agreement.simulator.byzantine.honest import Byzantine
from node.agreement.simulator.world.truth import ABSENT, EDGE


class SilentLeader(Byzantine):
    """Does its work, but never proposes."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """No proposals."""
        return [] if isinstance(message, Proposal) else [raw]


class Equivocator(Accomplice):
    """Proposes to odd and even peers different observations, and backs whatever anyone backs."""

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
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


class Forger(Accomplice):
    """Proposes observations that their supposed authors never made, or too few of them."""

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Broken proposals."""
        if not isinstance(message, Proposal) or not message.observations:
            return [raw]
        # One way for each proposal: everyone is to fall for the same.
        keys, way = self.world.keys, raw[1] % 6
        envelopes = list(message.observations)
        if way == 0:
            envelopes[0] = envelopes[0][:-1] + bytes([envelopes[0][-1] ^ 1])
        elif way == 1:
            envelopes = envelopes[: keys.committee.quorum - 1]
        elif way == 2:
            envelopes = [envelopes[0]] * len(envelopes)
        elif way == 3:
            envelopes.reverse()
        elif way == 4:
            envelopes = [keys.counterfeit(envelope, 10**20) for envelope in envelopes]
        else:
            # Its own lie, as often as it takes to decide a median.
            first = keys.verify(envelopes[0])
            if first is not None and isinstance(first.message, Observation):
                lie = self.seal(msgspec.structs.replace(first.message, answer=10**20, signals=(9, 9, 9)))
                envelopes = [lie] * len(envelopes)
        return [self.seal(msgspec.structs.replace(message, observations=tuple(envelopes)))]


class Dropper(Accomplice):
    """Leaves as many observations out of its proposals as it may, others for odd than for even peers."""

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Exactly a quorum of observations, its own choice."""
        if not isinstance(message, Proposal) or not message.observations:
            return [raw]
        quorum = self.world.keys.committee.quorum
        observations = message.observations[:quorum] if peer % 2 else message.observations[-quorum:]
        return [self.seal(msgspec.structs.replace(message, observations=observations))]


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


class TwoFaced(Accomplice):
    """Shows odd and even peers different artworks, both of them true, and backs whatever anyone backs."""

    def says(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
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


class Teaser(Brink):
    """Prepares what half of the others find like enough, so that it may be locked, and then commits to nothing."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """No Commits, no signatures."""
        return [] if isinstance(message, (Commit, Attestation)) else [raw]


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
