"""All brokers at once: published to every one, accepted from any."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import structlog

from node.backoff import Backoff
from node.errors import ConfigError
from node.gossip.envelope import MAX_BYTES, EnvelopeError
from node.gossip.limits import Limits
from node.gossip.link import Link, Probing
from node.gossip.queues import Lanes
from node.gossip.settings import BrokerSettings
from node.keys.certificates import EXPIRY_WARNING_DAYS

INCOMING_PER_BROKER: Final = 512
OUTGOING_PER_BROKER: Final = 4_096
INCOMING_BYTES: Final = 4 * 1024 * 1024
"""Per broker, like the numbers above."""
CERTIFICATES_EVERY_S: Final = 6 * 3600

log = structlog.get_logger("gossip")

Result = TypeVar("Result")


def topic_prefix(config_digest: bytes) -> str:
    """`patina/<config digest in hexadecimal>`: committees that share a broker stay apart."""
    return f"patina/{config_digest.hex()}"


def check_brokers(brokers: Sequence[BrokerSettings]) -> None:
    """Return where brokers can be used; said while a fault in a file can still be told to whoever starts the node.

    Raises:
        ConfigError: there is none, or a file of one does not load.
    """
    if not brokers:
        raise ConfigError("brokers: at least one is needed")
    for broker in brokers:
        broker.tls()


class Gossip:
    """Signed envelopes over MQTT. No broker is trusted: what comes out of `incoming` is raw, to be verified.

    A message of a kind is published under `<prefix>/<kind>/<name at the broker>`, and heard under every kind and name:
    a broker's access rules can so keep each node to its own name, and new kinds need no new rules.

    `counters`, and `by_broker` for each broker apart: received, sent, reconnects, paused (reading was, for the limit),
    oversized, incoming_overflow, outgoing_overflow; with `counting` also accepted, and the refused by reason.
    """

    def __init__(
        self,
        brokers: Sequence[BrokerSettings],
        prefix: str,
        *,
        backoff: Backoff = Backoff(),  # noqa: B008 - immutable
        limits: Limits = Limits(),  # noqa: B008 - immutable
        probing: Probing = Probing(),  # noqa: B008 - immutable
        incoming: int = INCOMING_PER_BROKER,
        outgoing: int = OUTGOING_PER_BROKER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_brokers(brokers)
        self._clock = clock
        self._silent_since: float | None = clock()
        self._changes = asyncio.Event()
        self.counters: Counter[str] = Counter()
        self.by_broker: list[Counter[str]] = [Counter() for _ in brokers]
        self.incoming: Lanes[bytes] = Lanes(len(brokers), incoming, weigh=len, heaviest=INCOMING_BYTES)
        self.links = [
            Link(
                settings,
                prefix,
                partial(self._deliver, lane),
                partial(self._count, lane),
                self._changed,
                backoff=backoff,
                limits=limits,
                outgoing=outgoing,
                probing=probing,
            )
            for lane, settings in enumerate(brokers)
        ]

    def _count(self, lane: int, what: str) -> None:
        self.counters[what] += 1
        self.by_broker[lane][what] += 1

    def _deliver(self, lane: int, raw: bytes) -> None:
        if len(raw) > MAX_BYTES:
            self._count(lane, "oversized")
            self.links[lane].penalise()
            return
        self._count(lane, "received")
        if not self.incoming.put(lane, raw):
            self._count(lane, "incoming_overflow")

    def _changed(self) -> None:
        if self.connected:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = self._clock()
        self._changes.set()

    async def run(self) -> None:
        """Keep all brokers connected until cancelled."""
        for link in self.links:
            if link.settings.exposed:
                log.warning("password travels in clear", broker=link.settings.name, remedy="an mqtts:// url")
        async with asyncio.TaskGroup() as tasks:
            for link in self.links:
                tasks.create_task(link.run())
            tasks.create_task(self._watch_certificates())

    async def _watch_certificates(self) -> None:
        while True:
            self.warn_of_certificates()
            await asyncio.sleep(CERTIFICATES_EVERY_S)

    def warn_of_certificates(self) -> None:
        """Log a warning for each of this node's certificates that has ended or soon will."""
        for link in self.links:
            facts = link.settings.certificate()
            left = None if facts is None else facts.days_left(datetime.now(UTC))
            if left is not None and left <= EXPIRY_WARNING_DAYS:
                log.warning(
                    "certificate expired" if left < 0 else "certificate expires soon",
                    broker=link.settings.name,
                    file=str(link.settings.cert),
                    days_left=left,
                    remedy="patina certs renew",
                )

    async def publish(self, kind: str, raw: bytes) -> None:
        """Hand an envelope to every broker; those that are away get the newest once they are back.

        Where a broker takes less than is said, what is said again and again goes out in turns.
        """
        for link in self.links:
            link.send(kind, raw)

    def counting(self, open_envelope: Callable[[bytes], Result]) -> Callable[[bytes], Result]:
        """`open_envelope` for what was just taken from `incoming`: whatever it refuses is held against the broker."""

        def open_counted(raw: bytes) -> Result:
            lane = self.incoming.last
            try:
                opened = open_envelope(raw)
            except EnvelopeError as error:
                self.by_broker[lane][error.reason] += 1
                if error.forged:
                    self.links[lane].penalise()
                raise
            self.by_broker[lane]["accepted"] += 1
            return opened

        return open_counted

    @property
    def connected(self) -> int:
        """How many brokers are connected and hand on what is published."""
        return sum(link.connected for link in self.links)

    def silent_for(self) -> float:
        """Seconds since a broker was connected last, or since the start; 0.0 while one is."""
        return 0.0 if self._silent_since is None else max(0.0, self._clock() - self._silent_since)

    async def wait_connected(self, count: int = 1) -> None:
        """Until so many brokers are connected."""
        while self.connected < count:
            await self.wait_changed()

    async def wait_changed(self) -> None:
        """Until a broker is connected or lost."""
        self._changes.clear()
        await self._changes.wait()

    def status(self) -> list[dict[str, object]]:
        """Every broker with its counters, for status pages; no secrets among them."""
        return [
            {
                "broker": link.settings.name,
                "connected": link.connected,
                "error": None if link.connected else link.last_error,
                "messages": dict(counters),
            }
            for link, counters in zip(self.links, self.by_broker, strict=True)
        ]
