"""All brokers at once: published to every one, accepted from any."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from node.errors import ConfigError
from node.gossip.envelope import MAX_BYTES
from node.gossip.link import Backoff, Link
from node.gossip.queues import Lanes
from node.gossip.settings import BrokerSettings

INCOMING_PER_BROKER: Final = 512
OUTGOING_PER_BROKER: Final = 512


def topic_prefix(config_digest: bytes) -> str:
    """`patina/<config digest in hexadecimal>`: committees that share a broker stay apart."""
    return f"patina/{config_digest.hex()}"


class Gossip:
    """Signed envelopes over MQTT. No broker is trusted: what comes out of `incoming` is raw, to be verified.

    `counters`: received, sent, oversized, incoming_overflow, outgoing_overflow, reconnects.
    """

    def __init__(
        self,
        brokers: Sequence[BrokerSettings],
        prefix: str,
        *,
        backoff: Backoff = Backoff(),  # noqa: B008 - immutable
        incoming: int = INCOMING_PER_BROKER,
        outgoing: int = OUTGOING_PER_BROKER,
    ) -> None:
        if not brokers:
            raise ConfigError("brokers: at least one is needed")
        self._prefix = prefix
        self.counters: Counter[str] = Counter()
        self.incoming: Lanes[bytes] = Lanes(len(brokers), incoming)
        self._changed = asyncio.Event()
        self.links = [
            Link(
                settings,
                prefix,
                partial(self._deliver, lane),
                self.counters,
                backoff,
                outgoing,
                self._changed.set,
            )
            for lane, settings in enumerate(brokers)
        ]

    def _deliver(self, lane: int, raw: bytes) -> None:
        if len(raw) > MAX_BYTES:
            self.counters["oversized"] += 1
            return
        self.counters["received"] += 1
        if not self.incoming.put(lane, raw):
            self.counters["incoming_overflow"] += 1

    async def run(self) -> None:
        """Keep all brokers connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for link in self.links:
                tasks.create_task(link.run())

    async def publish(self, kind: str, raw: bytes) -> None:
        """Hand an envelope to every broker; those that are away get the newest once they are back."""
        for link in self.links:
            link.send(f"{self._prefix}/{kind}", raw)

    @property
    def connected(self) -> int:
        """How many brokers are connected."""
        return sum(link.connected for link in self.links)

    async def wait_connected(self, count: int = 1) -> None:
        """Until so many brokers are connected."""
        while self.connected < count:
            self._changed.clear()
            await self._changed.wait()
