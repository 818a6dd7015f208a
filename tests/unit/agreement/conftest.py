"""A committee with real keys, and nodes wired to each other without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_account import Account

from node.agreement.committee import Committee
from node.agreement.effects import Attest, Broadcast, Effect, Remember, Render, RoundKey, Timing, Trigger
from node.agreement.machine import Machine
from node.agreement.messages import Message, Opened, Prepare
from node.agreement.signature import pack
from node.gossip.envelope import sealer
from node.gossip.verifier import Verifier

BLOCK = b"\x0b" * 32
ROOT = b"\x0c" * 32
TIMING = Timing(view_ms=1_000, view_max_ms=8_000, render_ms=5_000, grace_ms=100, repeat_ms=500)


class Members:
    """n members: their keys, and what they say or sign."""

    def __init__(self, n: int) -> None:
        self.report_keys = [coincurve.PrivateKey(bytes([index + 1]) * 32) for index in range(n)]
        self.transport_keys = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(n)]
        self.committee = Committee(
            31337,
            "0x" + "ab" * 20,
            [Account.from_key(key.secret).address for key in self.report_keys],
            [key.public_key().public_bytes_raw() for key in self.transport_keys],
        )

    def seal(self, index: int, message: Message) -> bytes:
        return sealer(self.transport_keys[index], self.committee, index)(message)

    def opened(self, index: int, message: Message) -> Opened:
        return Opened(index, message, self.seal(index, message))

    def sign(self, index: int, digest: bytes) -> bytes:
        return pack(self.report_keys[index].sign_recoverable(digest, hasher=None))

    @staticmethod
    def prepared(effects: Iterable[Effect]) -> Prepare:
        """What a machine prepared in these effects, made durable before it was said."""
        effects = list(effects)
        at = next(
            index
            for index, effect in enumerate(effects)
            if isinstance(effect, Broadcast) and isinstance(effect.message, Prepare)
        )
        prepare = effects[at].message
        bound = [effect.memory for effect in effects[:at] if isinstance(effect, Remember)]
        assert (bound[-1].prepared_view, bound[-1].prepared_digest) == (prepare.view, prepare.digest)
        return prepare

    def machine(self, index: int, timing: Timing = TIMING) -> Machine:
        return Machine(
            self.committee,
            index,
            Verifier(self.committee),
            timing,
            sealer(self.transport_keys[index], self.committee, index),
        )


def trigger(answer: int = 100, checkpoint: int = 10, feed: int = 1, block: bytes = BLOCK) -> Trigger:
    return Trigger(feed, checkpoint, block, answer, (answer * 2, -answer))


@dataclass
class Net:
    """Machines whose broadcasts reach each other at once; every effect is kept."""

    members: Members
    machines: dict[int, Machine]
    root: Callable[[int], bytes] = lambda index: ROOT
    signature: Callable[[int, bytes], bytes] | None = None
    carries: Callable[[int, int, Message], bool] = lambda sender, peer, message: True
    now: int = 0
    seen: list[tuple[int, Effect]] = field(default_factory=list)

    def of(self, kind: type, index: int | None = None) -> list:
        return [effect for at, effect in self.seen if isinstance(effect, kind) and index in (None, at)]

    def run(self, index: int, effects: Iterable[Effect]) -> None:
        queue = [(index, effect) for effect in effects]
        while queue:
            at, effect = queue.pop(0)
            self.seen.append((at, effect))
            machine = self.machines[at]
            if isinstance(effect, Broadcast):
                for peer, other in self.machines.items():
                    if self.carries(at, peer, effect.message):
                        opened = Verifier(self.members.committee).open(effect.raw)
                        queue += [(peer, step) for step in other.receive(opened, self.now)]
            elif isinstance(effect, Render):
                steps = machine.rendered(effect.key, effect.view, self.root(at), self.now)
                queue += [(at, step) for step in steps]
            elif isinstance(effect, Attest):
                sign = self.signature or self.members.sign
                steps = machine.attested(effect.key, effect.view, effect.digest, sign(at, effect.digest), self.now)
                queue += [(at, step) for step in steps]

    def begin(self, checkpoint: int = 10) -> RoundKey:
        for index, machine in self.machines.items():
            self.run(index, machine.begin(trigger(100 + index, checkpoint), self.now))
        return RoundKey(1, checkpoint)

    def tick(self, milliseconds: int, step: int = 100) -> None:
        for _ in range(0, milliseconds, step):
            self.now += step
            for index, machine in self.machines.items():
                self.run(index, machine.tick(self.now))


@pytest.fixture(scope="session")
def members_of() -> Callable[[int], Members]:
    made: dict[int, Members] = {}
    return lambda n: made.setdefault(n, Members(n))


@pytest.fixture
def net_of(members_of: Callable[[int], Members]) -> Callable[..., Net]:
    def make(n: int, alive: Iterable[int] | None = None) -> Net:
        members = members_of(n)
        indices = range(n) if alive is None else alive
        return Net(members, {index: members.machine(index) for index in indices})

    return make


@pytest.fixture
def measured() -> Callable[..., Trigger]:
    return trigger
