"""The embedded MQTT broker: amqtt behind a socket of our own, on localhost, quiet, gone without a trace when closed."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter  # type: ignore[import-untyped]
from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType  # type: ignore[import-untyped]
from amqtt.plugins.base import BaseAuthPlugin  # type: ignore[import-untyped]
from amqtt.session import Session  # type: ignore[import-untyped]

from node.devnet.settings import EmbeddedBrokerSettings
from node.errors import GossipError

_LISTENER = "default"
_CLOSE_TIMEOUT = 5.0


class LoginPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt carries no types
    """Lets everyone in, or, with a username, only those who know it and its password."""

    @dataclass
    class Config:
        """What a client must present; a username of None admits anyone."""

        username: str | None = None
        password: str | None = None

        def __repr__(self) -> str:
            return "LoginPlugin.Config(...)"

    async def authenticate(self, *, session: Session) -> bool | None:
        """Whether this client may connect."""
        if self.config.username is None:
            return True
        return _same(session.username, self.config.username) and _same(session.password, self.config.password)


class EmbeddedBroker:
    """One MQTT 3.1.1 broker in this process; it retains nothing over a close."""

    def __init__(self, settings: EmbeddedBrokerSettings | None = None) -> None:
        self._settings = settings or EmbeddedBrokerSettings()
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._port = self._settings.port

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._settings.host

    @property
    def port(self) -> int:
        """The port in use; the settings' port before the start."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://{self.host}:{self.port}"

    async def start(self) -> None:
        """Bind and serve; :class:`GossipError` if the port cannot be had."""
        _quiet()
        login = {"username": self._settings.username, "password": self._settings.password}
        config = BrokerConfig(
            # The socket is ours, so that any free port can be taken and every connection's task is known.
            listeners={_LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
            plugins={f"{LoginPlugin.__module__}.{LoginPlugin.__qualname__}": login},
        )
        self._broker = Broker(config)
        await self._broker.start()
        try:
            self._server = await asyncio.start_server(self._accepted, self.host, self._port)
        except OSError as error:
            await self._broker.shutdown()
            self._broker = None
            raise GossipError(f"the broker cannot listen on {self.host}:{self._port}: {error.strerror}") from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Close every connection and stop; the port is free afterwards."""
        if self._server is not None:
            self._server.close()
        # Connections first: amqtt's own shutdown waits for clients that are in the middle of something.
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_CLOSE_TIMEOUT)
        if self._broker is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await self._broker.shutdown()
        if self._server is not None:
            await self._server.wait_closed()
        self._server = self._broker = None

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio's for a coroutine callback reports its cancellation as an error.
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broker is None:
            writer.transport.abort()
            return
        try:
            await self._broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), listener_name=_LISTENER
            )
        except Exception:
            # Whatever a client sends, only its own connection ends.
            logging.getLogger("amqtt").debug("connection failed", exc_info=True)
        finally:
            writer.close()


@asynccontextmanager
async def serve_broker(settings: EmbeddedBrokerSettings | None = None) -> AsyncIterator[EmbeddedBroker]:
    """An embedded broker for as long as the context lasts."""
    broker = EmbeddedBroker(settings)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.aclose()


def _same(given: str | None, wanted: str | None) -> bool:
    return hmac.compare_digest((given or "").encode(), (wanted or "").encode())


def _quiet() -> None:
    """Keep amqtt and its state machine from writing a line per packet and per vanished client."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
