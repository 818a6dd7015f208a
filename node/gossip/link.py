"""One broker: connected again and again, each time by a new client."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import aiomqtt
import structlog

from node.backoff import Backoff
from node.clock import milliseconds
from node.errors import ConfigError, GossipError
from node.gossip.bucket import TokenBucket
from node.gossip.client import CONNECT_S, Client
from node.gossip.limits import FORGERY, Limits
from node.gossip.queues import Turns
from node.gossip.settings import BrokerSettings

QOS: Final = 0
"""The protocol announces its messages until the round ends, so a broker's word that it took one adds nothing but
an in-flight window that a bad broker can fill."""
STEADY_S: Final = 20.0
"""A connection that lasted this long starts over with the shortest delay."""
OUTGOING_BYTES: Final = 16 * 1024 * 1024
PROBE_S: Final = 10.0
PROBES_LOST: Final = 3
"""Probes in a row without an answer before the broker counts as lost: one may fall to a full queue."""
PROBE: Final = "probe"

log = structlog.get_logger("gossip")


@dataclass(frozen=True, slots=True)
class Probing:
    """How a broker is found to work: what a node publishes must come back to it."""

    every: float = PROBE_S
    lost: int = PROBES_LOST
    first: float = CONNECT_S
    """Seconds for the first answer of a new connection."""


def _heed_cancellation() -> None:
    # Python 3.11's wait_for, which aiomqtt uses, loses a cancellation that comes at the same time as the result: the
    # task still knows that it was asked.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _first_of(*steps: Coroutine[Any, Any, None]) -> None:
    """Run until one ends, stop the others, raise what it raised.

    Not a TaskGroup: Python 3.11's forgets a cancellation from outside when a child has failed.
    """
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        running = set(tasks)
        while running:
            # Again and again: one of them may lose the first (see above).
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.2)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


class Link:
    """Keeps one broker connected, sends what is published, hands on what arrives.

    `connected` means that the broker works: what this node publishes there comes back to it. A broker that accepts
    and goes silent, or whose rules do not let this node speak, does not count.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        prefix: str,
        deliver: Callable[[bytes], None],
        count: Callable[[str], None],
        changed: Callable[[], None],
        *,
        backoff: Backoff,
        limits: Limits,
        outgoing: int,
        probing: Probing,
    ) -> None:
        self.settings = settings
        self.connected = False
        self.last_error: str | None = None
        self._prefix = prefix
        self._deliver = deliver
        self._count = count
        self._changed = changed
        self._backoff = backoff
        # Of the broker, not of a connection: ending one gives nobody a fresh burst.
        self._bucket = TokenBucket(limits.broker, milliseconds())
        self._probing = probing
        self._name = settings.identity()
        self._probe_topic = self._topic(PROBE)
        self._probes: set[bytes] = set()
        self._answered = asyncio.Event()
        self._outgoing: Turns[tuple[str, bytes]] = Turns(
            outgoing, weigh=lambda message: len(message[1]), heaviest=OUTGOING_BYTES
        )

    def _topic(self, kind: str) -> str:
        return f"{self._prefix}/{kind}/{self._name}"

    def send(self, kind: str, raw: bytes) -> None:
        """Queue a message. While the broker is away the newest are kept; where it is slow, each has its turn."""
        if not self._outgoing.put((self._topic(kind), raw)):
            self._count("outgoing_overflow")

    def penalise(self) -> None:
        """Note that something which this broker handed on was refused: it is read more slowly for it."""
        self._bucket.charge(FORGERY, milliseconds())

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            try:
                await self._session()
            except (GossipError, ConfigError) as error:
                # ConfigError too: certificates are read anew each time, and may be in the middle of being replaced.
                self.last_error = str(error)
            finally:
                self._set(False)
            _heed_cancellation()
            failures = 0 if loop.time() - started >= STEADY_S else failures + 1
            self._count("reconnects")
            delay = self._backoff.delay(failures - 1 if failures else 0)
            log.warning(
                "broker lost",
                broker=self.settings.name,
                error=self.last_error,
                again_in_s=round(delay, 2),
                remedy="patina check --only brokers",
            )
            await asyncio.sleep(delay)

    def _set(self, connected: bool) -> None:
        if self.connected != connected:
            self.connected = connected
            self._changed()

    async def _session(self) -> None:
        client = Client(self.settings, self._receive, self._bucket, lambda: self._count("paused"))
        try:
            await client.open()
            granted = await client.subscribe(f"{self._prefix}/+/+", qos=QOS)
            if any(getattr(code, "is_failure", False) for code in granted):
                raise GossipError("the broker refuses the subscription: look at its access rules")
            _heed_cancellation()
            await _first_of(self._send_all(client), self._until_lost(client), self._probe_all(client))
        except (aiomqtt.MqttError, OSError) as error:
            raise GossipError(_reason(error, client.why)) from error
        finally:
            client.hang_up()

    def _receive(self, topic: str, raw: bytes) -> None:
        if topic.startswith(f"{self._prefix}/{PROBE}/"):
            if topic == self._probe_topic and raw in self._probes:
                self._answered.set()
            return
        self._deliver(raw)

    async def _probe_all(self, client: Client) -> None:
        self._probes.clear()
        lost = 0
        while lost < self._probing.lost:
            self._answered.clear()
            if lost == 0:
                self._probes.clear()
            probe = secrets.token_bytes(16)
            self._probes.add(probe)
            await client.publish(self._probe_topic, probe, qos=QOS)
            _heed_cancellation()
            try:
                async with asyncio.timeout(self._probing.every if self.connected else self._probing.first):
                    await self._answered.wait()
            except TimeoutError:
                if not self.connected:
                    break
                lost += 1
                continue
            lost = 0
            if not self.connected:
                log.info("broker connected", broker=self.settings.name)
                self._set(True)
            await asyncio.sleep(self._probing.every)
        raise GossipError(
            f"what is published to {self._probe_topic} does not come back: the broker hangs, or its rules forbid it"
        )

    async def _send_all(self, client: Client) -> None:
        while True:
            topic, raw = await self._outgoing.get()
            await client.publish(topic, raw, qos=QOS)
            _heed_cancellation()
            self._count("sent")

    async def _until_lost(self, client: Client) -> None:
        async for _ in client.messages:  # empty: messages were handed over on arrival; it ends by an MqttError
            pass


def _reason(error: Exception, more: str) -> str:
    """What went wrong, in one line: aiomqtt puts the reason behind a sentence of its own, paho keeps TLS's."""
    told = [str(each) or type(each).__name__ for each in (error, error.__cause__) if each is not None]
    return ": ".join(dict.fromkeys([*told, more] if more else told))
