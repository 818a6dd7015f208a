"""A driver at a desk of paper: real journal, keys and envelopes, a wire that goes nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.effects import Effect, RoundKey, Timing, Transmit, Trigger
from node.agreement.machine import Machine
from node.agreement.report import Report
from node.gossip.envelope import sealer
from node.gossip.queues import Lanes
from node.gossip.verifier import Verifier
from node.journal import Journal
from node.keys.signing import LocalSigner
from node.rounds.driver import RoundDriver

KEYS = [keccak(b"signer %d" % index) for index in range(4)]
TRANSPORT = [Ed25519PrivateKey.from_private_bytes(keccak(b"transport %d" % index)) for index in range(4)]
TIMING = Timing(view_ms=200, view_max_ms=400, render_ms=60_000, grace_ms=0, repeat_ms=100)
KEY = RoundKey(1, 10)
ROOT, OTHER_ROOT = b"\x11" * 32, b"\x22" * 32


def make_committee(n: int) -> Committee:
    addresses = [LocalSigner(key).address for key in KEYS[:n]]
    return Committee(31337, "0x" + "ab" * 20, addresses, [key.public_key().public_bytes_raw() for key in TRANSPORT[:n]])


def trigger(checkpoint: int = 10, answer: int = 100) -> Trigger:
    return Trigger(1, checkpoint, b"\x0b" * 32, answer, (1, 2, 3))


@dataclass
class PaperWire:
    """Takes what is published; nobody else is there unless a test puts something in."""

    published: list[tuple[str, bytes]] = field(default_factory=list)
    incoming: Lanes[bytes] = field(default_factory=lambda: Lanes(1, 4_096))
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, kind: str, raw: bytes) -> None:
        await self.open.wait()
        self.published.append((kind, raw))

    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.published}


@dataclass
class PaperTransmitter:
    sent: list[Transmit] = field(default_factory=list)

    async def transmit(self, effect: Transmit) -> None:
        self.sent.append(effect)


class WatchedSigner(LocalSigner):
    """A real key; `before` is called just before every signature."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.signed: list[bytes] = []
        self.before: Callable[[bytes], None] = lambda _: None

    def sign_digest(self, digest: bytes) -> bytes:
        self.before(digest)
        self.signed.append(digest)
        return super().sign_digest(digest)


@dataclass
class ScriptedMachine:
    """Asks for what a test wants; what the driver tells it is noted."""

    effects: list[Effect] = field(default_factory=list)
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    def begin(self, trigger: Trigger, now: int, held: Any, memory: Any) -> list[Effect]:
        return self.effects

    def tick(self, now: int) -> list[Effect]:
        return []

    def rendered(self, key: RoundKey, view: int, root: bytes, now: int) -> list[Effect]:
        self.heard.append(("rendered", key, view, root))
        return []

    def render_failed(self, key: RoundKey, view: int, now: int) -> list[Effect]:
        self.heard.append(("failed", key, view))
        return []

    def attested(self, key: RoundKey, view: int, digest: bytes, signature: bytes, now: int) -> list[Effect]:
        self.heard.append(("attested", key, view, digest))
        return []


class Desk:
    """A driver with real journal, keys, envelopes and, unless scripted, a real machine."""

    def __init__(self, journal: Journal, n: int = 1, scripted: ScriptedMachine | None = None) -> None:
        self.journal, self.committee = journal, make_committee(n)
        self.wire, self.transmitter = PaperWire(), PaperTransmitter()
        self.wire.open.set()
        self.signer, self.verifier = WatchedSigner(KEYS[0]), Verifier(self.committee)
        seal = sealer(TRANSPORT[0], self.committee, 0)
        machine = scripted or Machine(self.committee, 0, self.verifier, TIMING, seal)
        self.driver = RoundDriver(
            cast(Machine, machine),
            self.committee,
            journal,
            self.signer,
            cast(Any, self.wire),
            self.verifier.open,
            cast(Any, self.transmitter),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.driver.run())
        try:
            yield
            assert not task.done(), "the driver must go on whatever happens"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def rows(self, checkpoint: int = 10) -> dict[int, bytes]:
        return self.journal.attestations.digests(self.committee.config_digest, 1, checkpoint)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def paints(root: bytes) -> Callable[[int, Sequence[int]], Any]:
    async def paint(answer: int, signals: Sequence[int]) -> bytes:
        return root

    return paint


def report_of(view: int, root: bytes) -> Report:
    return Report(1, 10, b"\x0b" * 32, view, 1, (100,), (1, 2, 3), root)
