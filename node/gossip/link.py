"""One broker: connected again and again, each time by a new client."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import aiomqtt
import structlog

from node.gossip.envelope import MAX_BYTES
from node.gossip.queues import Lanes
from node.gossip.settings import BrokerSettings

QOS: Final = 0
"""The protocol announces its messages until the round ends, so a broker's word that it took one adds nothing but
an in-flight window that a bad broker can fill."""
MAX_PACKET: Final = MAX_BYTES + 1024
"""An envelope with its topic; a longer packet of a broker ends the connection before it is read."""
KEEPALIVE_S: Final = 15
CONNECT_S: Final = 5.0
STEADY_S: Final = 20.0
"""A connection that lasted this long starts over with the shortest delay."""

log = structlog.get_logger("gossip")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before connecting again: doubled each time up to the cap, then a random half of it taken off."""

    first: float = 0.5
    cap: float = 30.0

    def delay(self, failures: int) -> float:
        """The delay after so many failures in a row; jitter keeps a network from returning all at once."""
        longest = min(self.cap, self.first * 2.0 ** min(failures, 16))
        return longest * (0.5 + random.SystemRandom().random() / 2)


class _Client(aiomqtt.Client):
    """A client that hands on what arrives at once, and refuses packets above the limit."""

    def __init__(self, settings: BrokerSettings, deliver: Callable[[bytes], None]) -> None:
        class Handover(asyncio.Queue[aiomqtt.Message]):
            def put_nowait(self, item: aiomqtt.Message) -> None:
                if isinstance(item.payload, bytes):
                    deliver(item.payload)

        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            queue_type=Handover,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            timeout=CONNECT_S,
            keepalive=KEEPALIVE_S,
            tls_context=settings.tls(),
        )
        for future in (self._connected, self._disconnected):
            # Whichever side ends a connection first, the other's reason is old news, not an unheard error.
            future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        paho: Any = self._client
        paho.connect_timeout = CONNECT_S
        receive = paho._sock_recv

        def receive_bounded(size: int) -> bytes:
            # paho asks for the whole rest of a packet at once; MQTT 3.1.1 has no other place for a limit.
            if size > MAX_PACKET:
                raise OSError("packet above the limit")
            return bytes(receive(size))

        paho._sock_recv = receive_bounded

    def hang_up(self) -> None:
        """Close the socket whatever state the connection is in: aiomqtt leaves it open after some failures."""
        self._client.disconnect()


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
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


class Link:
    """Keeps one broker connected, sends what is published, hands on what arrives."""

    def __init__(
        self,
        settings: BrokerSettings,
        topics: str,
        deliver: Callable[[bytes], None],
        counters: Counter[str],
        backoff: Backoff,
        outgoing: int,
        changed: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.connected = False
        self.last_error: str | None = None
        self._topics = topics
        self._deliver = deliver
        self._counters = counters
        self._backoff = backoff
        self._changed = changed
        self._outgoing: Lanes[tuple[str, bytes]] = Lanes(1, outgoing)

    def send(self, topic: str, raw: bytes) -> None:
        """Queue a message; while the broker is away the newest are kept."""
        if not self._outgoing.put(0, (topic, raw)):
            self._counters["outgoing_overflow"] += 1

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            try:
                await self._session()
            except (aiomqtt.MqttError, OSError) as error:
                self.last_error = str(error) or type(error).__name__
            finally:
                self._set(False)
            _heed_cancellation()
            failures = 0 if loop.time() - started >= STEADY_S else failures + 1
            self._counters["reconnects"] += 1
            delay = self._backoff.delay(failures - 1 if failures else 0)
            log.warning("broker lost", broker=self.settings.name, error=self.last_error, again_in_s=round(delay, 2))
            await asyncio.sleep(delay)

    def _set(self, connected: bool) -> None:
        if self.connected != connected:
            self.connected = connected
            self._changed()

    async def _session(self) -> None:
        client = _Client(self.settings, self._deliver)
        entering = asyncio.ensure_future(client.__aenter__())
        try:
            # paho connects in a thread: it is let finish, else its socket would stay open behind our back.
            await asyncio.shield(entering)
            await client.subscribe(f"{self._topics}/+", qos=QOS)
            _heed_cancellation()
            self._set(True)
            log.info("broker connected", broker=self.settings.name)
            await _first_of(self._send_all(client), self._until_lost(client))
        finally:
            with contextlib.suppress(aiomqtt.MqttError, OSError, asyncio.CancelledError):
                await entering
            client.hang_up()

    async def _send_all(self, client: aiomqtt.Client) -> None:
        while True:
            topic, raw = await self._outgoing.get()
            await client.publish(topic, raw, qos=QOS)
            _heed_cancellation()
            self._counters["sent"] += 1

    async def _until_lost(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:  # empty: messages were handed over on arrival; it ends by an MqttError
            pass
