"""Whole rounds over real brokers: machines, envelopes, signatures and MQTT together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_account import Account

from node.agreement.committee import Committee
from node.agreement.effects import Attest, Broadcast, Effect, Render, Timing, Transmit, Trigger
from node.agreement.machine import Machine
from node.agreement.signature import pack
from node.devnet.broker import serve_broker
from node.errors import GossipError
from node.gossip.envelope import sealer
from node.gossip.link import Backoff
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip, topic_prefix
from node.gossip.verifier import Verifier

TIMING = Timing(view_ms=600, view_max_ms=3_000, render_ms=3_000, grace_ms=50, repeat_ms=150)
REPORT_KEYS = [coincurve.PrivateKey(bytes([index + 1]) * 32) for index in range(4)]
TRANSPORT_KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]
COMMITTEE = Committee(
    31337,
    "0x" + "ab" * 20,
    [Account.from_key(key.secret).address for key in REPORT_KEYS],
    [key.public_key().public_bytes_raw() for key in TRANSPORT_KEYS],
)


def now() -> int:
    return time.monotonic_ns() // 1_000_000


class Driver:
    """The smallest driver of a machine over gossip."""

    def __init__(self, index: int, urls: list[str], sign: Callable[[bytes], bytes]) -> None:
        self.index = index
        self.transmitted: asyncio.Queue[Transmit] = asyncio.Queue()
        self.gossip = Gossip(
            [BrokerSettings(url) for url in urls],
            topic_prefix(COMMITTEE.config_digest),
            backoff=Backoff(first=0.05, cap=0.1),
        )
        self._verifier = Verifier(COMMITTEE)
        self._sign = sign
        seal = sealer(TRANSPORT_KEYS[index], COMMITTEE, index)
        self._machine = Machine(COMMITTEE, index, self._verifier, TIMING, seal)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gossip.run())
            tasks.create_task(self._hear())
            tasks.create_task(self._tick())

    async def begin(self, checkpoint: int) -> None:
        trigger = Trigger(1, checkpoint, bytes([checkpoint]) * 32, 100 + self.index, (1, 2, 3))
        await self._perform(self._machine.begin(trigger, now()))

    async def _hear(self) -> None:
        while True:
            raw = await self.gossip.incoming.get()
            try:
                opened = self._verifier.open(raw)
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
                await self._perform(self._machine.rendered(effect.key, effect.view, b"\x0c" * 32, now()))
            elif isinstance(effect, Attest):
                steps = self._machine.attested(effect.key, effect.view, effect.digest, self._sign(effect.digest), now())
                await self._perform(steps)
            elif isinstance(effect, Transmit):
                self.transmitted.put_nowait(effect)


def signer(index: int) -> Callable[[bytes], bytes]:
    return lambda digest: pack(REPORT_KEYS[index].sign_recoverable(digest, hasher=None))


async def certified(drivers: list[Driver], checkpoint: int) -> None:
    async with asyncio.timeout(60):
        for driver in drivers:
            while (await driver.transmitted.get()).key.checkpoint != checkpoint:
                pass


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("absent", range(4))
async def test_round__one_node_absent__the_others_certify(absent: int) -> None:
    async with serve_broker() as broker:
        drivers = [Driver(index, [broker.url], signer(index)) for index in range(4) if index != absent]
        tasks = [asyncio.create_task(driver.run()) for driver in drivers]
        try:
            for driver in drivers:
                await driver.begin(10)
            await certified(drivers, 10)
        finally:
            await stop(tasks)


async def test_incident__garbage_signatures_and_brokers_killed_mid_round__certified_all_the_same(
    spawn_broker,
) -> None:
    first, second = await spawn_broker(), await spawn_broker()
    urls = [first.url, second.url]
    drivers = [Driver(index, urls, signer(index) if index else lambda digest: b"\x01" * 64) for index in range(4)]
    tasks = [asyncio.create_task(driver.run()) for driver in drivers]
    try:
        async with asyncio.timeout(60):
            for driver in drivers:
                await driver.gossip.wait_connected(2)
            await first.kill()
            for driver in drivers[:3]:
                await driver.begin(10)
            await second.kill()
            # Two honest nodes cannot have certified: the third begins when no broker is left.
            assert all(driver.transmitted.empty() for driver in drivers)
            await drivers[3].begin(10)
            await spawn_broker(first.port)
            await certified(drivers, 10)
    finally:
        await stop(tasks)
