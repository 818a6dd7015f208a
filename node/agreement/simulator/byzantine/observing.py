"""Byzantine observers: they measure wrong, or tell every peer another thing."""

# ruff: noqa: ARG002 - hooks share their signatures, and most need a part of what they are given

from __future__ import annotations

import msgspec

from node.agreement.effects import Trigger
from node.agreement.messages import Message, Observation
from node.agreement.simulator.byzantine.honest import Byzantine


class Liar(Byzantine):
    """Tells every peer another, absurd observation."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Observations of its own invention."""
        if not isinstance(message, Observation):
            return [raw]
        absurd = self.world.rng.choice((-1, 1)) * (10**20 + peer)
        signals = tuple(absurd for _ in message.signals)
        return [self.seal(msgspec.structs.replace(message, answer=absurd, signals=signals))]


class Misled(Byzantine):
    """Believes an endpoint that shows it another block."""

    def measure(self, trigger: Trigger) -> Trigger:
        """Another block with another answer."""
        return Trigger(trigger.feed, trigger.checkpoint, bytes(32), trigger.answer * 2, trigger.signals)


class Misshapen(Byzantine):
    """Observes with too many signals, with none, or with numbers at the ends of their range."""

    def outgoing(self, message: Message, raw: bytes, peer: int) -> list[bytes]:
        """Observations that are valid messages and of no use."""
        if not isinstance(message, Observation):
            return [raw]
        edge = (1 << 255) - 1
        return [
            self.seal(
                self.world.rng.choice(
                    (
                        msgspec.structs.replace(message, signals=()),
                        msgspec.structs.replace(message, signals=(0,) * 16),
                        msgspec.structs.replace(message, answer=edge, signals=(-edge,) * len(message.signals)),
                    )
                )
            )
        ]
