"""An MQTT client that a bad broker can neither hold up nor fill."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

import aiomqtt

from node.clock import milliseconds
from node.errors import GossipError
from node.gossip.bucket import TokenBucket
from node.gossip.dial import dial
from node.gossip.envelope import MAX_BYTES
from node.gossip.limits import tokens
from node.gossip.settings import BrokerSettings

MAX_PACKET: Final = MAX_BYTES + 1024
"""An envelope with its topic; a longer packet of a broker ends the connection before it is read."""
MAX_UNSENT: Final = 64
"""Packets that wait for the broker to take them; one message is sent at a time, so more are answers it asked for."""
KEEPALIVE_S: Final = 15
CONNECT_S: Final = 5.0
READ_IN_A_ROW: Final = 16
"""Packets read before everything else on the event loop gets its turn."""
PAUSE: Final = 64
"""Tokens that a pause waits for: reading on for one packet at a time would only cost more."""

_quiet = logging.getLogger(__name__)
# A line per packet that a broker should not have sent is one more way to be flooded.
_quiet.setLevel(logging.CRITICAL + 1)


class Client(aiomqtt.Client):
    """Hands on what arrives at once, reads no faster than its limit, and hangs up on packets above the limit."""

    def __init__(
        self,
        settings: BrokerSettings,
        deliver: Callable[[str, bytes], None],
        bucket: TokenBucket,
        paused: Callable[[], None],
    ) -> None:
        class Handover(asyncio.Queue[aiomqtt.Message]):
            def put_nowait(self, item: aiomqtt.Message) -> None:
                if isinstance(item.payload, bytes):
                    deliver(str(item.topic), item.payload)

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
            logger=_quiet,
        )
        for future in (self._connected, self._disconnected):
            # Whichever side ends a connection first, the other's reason is old news, not an unheard error.
            future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._settings = settings
        self._paused = paused
        self._bucket = bucket
        self._bytes = 0
        self._descriptor = -1
        self._resuming: asyncio.Handle | None = None
        self._paho: Any = cast(Any, self._client)
        receive = self._paho._sock_recv

        def receive_bounded(size: int) -> bytes:
            # paho asks for the whole rest of a packet at once; MQTT 3.1.1 has no other place for a limit.
            if size > MAX_PACKET:
                raise OSError("packet above the limit")
            try:
                chunk = bytes(receive(size))
            except ssl.SSLError as error:
                self.why = str(error)  # paho tells nobody
                raise
            self._bytes += len(chunk)
            return chunk

        self._paho._sock_recv = receive_bounded
        self.why = ""
        """What TLS said when it ended the connection, if it did."""

    async def open(self) -> None:
        """Connect and be let in. Raises OSError, GossipError or aiomqtt.MqttError; ConfigError for the TLS files."""
        # In a thread: reading the system's authorities takes a while.
        tls = await asyncio.to_thread(self._settings.tls)
        try:
            async with asyncio.timeout(CONNECT_S):
                connection = await dial(self._settings.host, self._settings.port, tls)
        except TimeoutError:
            raise GossipError("no connection within 5 s") from None
        # paho would connect in a thread, where a hanging server is waited for whatever happens here.
        self._paho._create_socket = lambda: connection
        entering = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except BaseException:
            # The thread that hands the socket to paho is let finish, else the socket stays open behind our back.
            self._connected.cancel()
            await asyncio.gather(entering, return_exceptions=True)
            if self._paho.socket() is None:
                connection.close()
            raise

    def hang_up(self) -> None:
        """Close the socket whatever state the connection is in: aiomqtt leaves it open after some failures."""
        self._stop_reading()
        self._paho.disconnect()
        self._paho._sock_close()

    def _on_socket_open(self, _client: Any, _userdata: Any, sock: Any) -> None:
        def watch() -> None:
            if self._paho.socket() is sock:
                self._descriptor = sock.fileno()
                self._loop.add_reader(self._descriptor, self._read)
                self._misc_task = self._loop.create_task(self._misc_loop())

        # Called from the thread that connects.
        self._loop.call_soon_threadsafe(watch)

    def _on_socket_close(self, client: Any, userdata: Any, sock: Any) -> None:
        self._stop_reading()
        super()._on_socket_close(client, userdata, sock)
        self._loop.call_soon_threadsafe(self._note_closed)

    def _note_closed(self) -> None:
        # aiomqtt would wait out its time: a refused certificate shows only when the first answer is read (TLS 1.3).
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("the broker closed the connection"))

    def _on_socket_register_write(self, _client: Any, _userdata: Any, sock: Any) -> None:
        def watch() -> None:
            if self._paho.socket() is sock:
                self._loop.add_writer(sock.fileno(), self._write)

        self._loop.call_soon_threadsafe(watch)

    def _write(self) -> None:
        try:
            self._paho.loop_write()
        except Exception as error:
            self._fail(error)

    def _stop_reading(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._descriptor = -1

    def _read(self) -> None:
        """Read what there is, up to the limits."""
        try:
            for _ in range(READ_IN_A_ROW):
                if self._bucket.wait(1, milliseconds()):
                    self._pause()
                    return
                before = self._bytes
                self._paho.loop_read()
                self._bucket.charge(tokens(self._bytes - before), milliseconds())
                self._refuse_what_fills_memory()
                connection = self._paho.socket()
                if connection is None or not getattr(connection, "pending", int)():
                    return
            # Bytes that TLS has decrypted already do not make the socket readable.
            self._resuming = self._loop.call_soon(self._resume, self._descriptor)
        except Exception as error:
            # Anything at all: it is a foreign broker's doing, and ends its own connection alone.
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._disconnected.done():
            self._disconnected.set_exception(error)

    def _pause(self) -> None:
        if self._descriptor < 0 or self._resuming is not None:
            return
        self._paused()
        self._loop.remove_reader(self._descriptor)
        wait = self._bucket.wait(PAUSE, milliseconds())
        self._resuming = self._loop.call_later(wait / 1000, self._resume, self._descriptor)

    def _resume(self, descriptor: int) -> None:
        self._resuming = None
        if descriptor == self._descriptor >= 0:
            self._loop.add_reader(descriptor, self._read)
            self._read()

    def _refuse_what_fills_memory(self) -> None:
        # Nothing was subscribed to with QoS 2 (MQTT 3.1.1, section 3.8.4), whose messages paho keeps until they
        # are released; and who does not read must not make us answer.
        if self._paho._in_messages:
            raise GossipError("the broker sends QoS 2, which nobody asked for")
        if len(self._paho._out_packet) > MAX_UNSENT:
            raise GossipError("the broker asks for answers and takes none")
