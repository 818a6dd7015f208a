"""The smallest driver of a machine over gossip: four seats, real envelopes and signatures, nothing painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import coincurve
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_account import Account

from node.agreement.committee import Committee
from node.agreement.effects import Attest, Broadcast, Effect, Render, Timing, Transmit, Trigger
from node.agreement.machine import Machine
from node.agreement.signature import pack
from node.backoff import Backoff
from node.errors import GossipError
from node.gossip.envelope import sealer
from node.gossip.limits import Limits
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip, topic_prefix
from node.gossip.verifier import Verifier

TIMING = Timing(view_ms=2_000, view_max_ms=20_000, render_ms=10_000, grace_ms=50, repeat_ms=200)
REPORT_KEYS = [coincurve.PrivateKey(bytes([index + 1]) * 32) for index in range(4)]
TRANSPORT_KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]
COMMITTEE = Committee(
    31337,
    "0x" + "ab" * 20,
    [Account.from_key(key.secret).address for key in REPORT_KEYS],
    [key.public_key().public_bytes_raw() for key in TRANSPORT_KEYS],
)
ROOT = b"\x0c" * 32

Sign = Callable[[bytes], bytes]


def signer(index: int) -> Sign:
    """What an honest seat signs with."""
    return lambda digest: pack(REPORT_KEYS[index].sign_recoverable(digest, hasher=None))


def now() -> int:
    return time.monotonic_ns() // 1_000_000


class Driver:
    """One seat, with the limits of a real node."""

    def __init__(
        self, index: int, brokers: Sequence[str | BrokerSettings], sign: Sign | None = None, incoming: int = 512
    ) -> None:
        self.index = index
        self.transmitted: asyncio.Queue[Transmit] = asyncio.Queue()
        self.gossip = Gossip(
            [BrokerSettings(broker) if isinstance(broker, str) else broker for broker in brokers],
            topic_prefix(COMMITTEE.config_digest),
            backoff=Backoff(first=0.05, cap=0.1),
            incoming=incoming,
        )
        self.verifier = Verifier(COMMITTEE, limits=Limits())
        self._open = self.gossip.counting(self.verifier.open)
        self._sign = sign or signer(index)
        seal = sealer(TRANSPORT_KEYS[index], COMMITTEE, index)
        self._machine = Machine(COMMITTEE, index, self.verifier, TIMING, seal)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gossip.run())
            tasks.create_task(self._hear())
            tasks.create_task(self._tick())

    async def begin(self, checkpoint: int) -> None:
        trigger = Trigger(1, checkpoint, bytes([checkpoint]) * 32, 100 + self.index, (1, 2, 3))
        await self._perform(self._machine.begin(trigger, now()))

    async def land(self, checkpoint: int) -> None:
        """As if the report had landed two blocks after the checkpoint, and were final."""
        await self._perform(self._machine.landed(1, checkpoint + 1, now()))
        self.verifier.settled(1, checkpoint + 1)

    async def certified(self, checkpoint: int) -> Transmit:
        """The report of a checkpoint with a quorum of signatures, waited for."""
        while True:
            transmit = await self.transmitted.get()
            if transmit.key.checkpoint == checkpoint:
                return transmit

    async def _hear(self) -> None:
        while True:
            raw = await self.gossip.incoming.get()
            try:
                opened = self._open(raw)
            except GossipError:
                continue
            await self._perform(self._machine.receive(opened, now()))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            await self._perform(self._machine.tick(now()))

    async def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Broadcast):
                await self.gossip.publish(effect.kind, effect.raw)
            elif isinstance(effect, Render):
                await self._perform(self._machine.rendered(effect.key, effect.view, ROOT, now()))
            elif isinstance(effect, Attest):
                steps = self._machine.attested(effect.key, effect.view, effect.digest, self._sign(effect.digest), now())
                await self._perform(steps)
            elif isinstance(effect, Transmit):
                self.transmitted.put_nowait(effect)


@asynccontextmanager
async def seated(*drivers: Driver) -> AsyncIterator[None]:
    """The drivers at work for the length of a block."""
    tasks = [asyncio.create_task(driver.run()) for driver in drivers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError), result


async def round_of(drivers: Sequence[Driver], checkpoint: int) -> list[Transmit]:
    """Begin a round everywhere and wait until everybody holds a certified report; what each one holds."""
    async with asyncio.timeout(60):
        for driver in drivers:
            await driver.begin(checkpoint)
        return [await driver.certified(checkpoint) for driver in drivers]
