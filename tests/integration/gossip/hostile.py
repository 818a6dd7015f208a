"""Servers that only look like brokers, and one that is a broker and a bad one."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def impostor(talk: Conversation, tls: ssl.SSLContext | None = None, reads: bool = True) -> AsyncIterator[str]:
    """A server that says what `talk` says to each client, and then nothing; it reads on if it `reads`."""
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)
            await writer.drain()
            while reads and await reader.read(4096):
                pass
            if not reads:
                await gone.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT packet (3.1.1, section 2.2)."""
    length, head = len(body), bytearray([kind])
    while True:
        head.append(length % 128 | (128 if length >= 128 else 0))
        length //= 128
        if not length:
            return bytes(head) + body


def publication(topic: bytes, payload: bytes, qos: int = 0, number: int = 0) -> bytes:
    identifier = struct.pack(">H", number) if qos else b""
    return packet(0x30 | qos << 1, struct.pack(">H", len(topic)) + topic + identifier + payload)


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, await reader.readexactly(length)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a client in, and grant its subscription."""
    while True:
        kind, body = await read_packet(reader)
        if kind == 0x10:
            writer.write(packet(0x20, b"\0\0"))
        if kind == 0x82:
            writer.write(packet(0x90, body[:2] + b"\0"))
            return


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and never answer."""


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let everybody in, answer what keeps a connection alive, and hand nothing on."""
    await greet(reader, writer)
    while True:
        kind, _ = await read_packet(reader)
        if kind == 0xC0:
            writer.write(packet(0xD0, b""))


Twist = Callable[["Hostile", bytes, bytes], list[tuple[bytes, bytes]]]


class Hostile:
    """A working broker that hands on whatever `twist` makes of each message: (topic, payload) in, any number out.

    Probes are handed on as they are: it wants to be taken for a good broker.
    """

    def __init__(self, twist: Twist) -> None:
        self.heard: list[tuple[bytes, bytes]] = []
        self.deaf = False
        """From now on it hands on nothing at all, but answers what keeps a connection alive."""
        self.url = ""
        self._twist = twist
        self._clients: set[asyncio.StreamWriter] = set()

    def say(self, topic: bytes, payload: bytes) -> None:
        """Hand a message to every client."""
        for client in self._clients:
            client.write(publication(topic, payload))

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Hostile]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            self._clients.add(writer)
            try:
                while True:
                    kind, body = await read_packet(reader)
                    if kind == 0xC0:
                        writer.write(packet(0xD0, b""))
                    if kind & 0xF0 == 0x30:
                        (length,) = struct.unpack(">H", body[:2])
                        self._heard(body[2 : 2 + length], body[2 + length :])
                    await writer.drain()
            finally:
                self._clients.discard(writer)

        async with impostor(talk) as self.url:
            yield self

    def _heard(self, topic: bytes, payload: bytes) -> None:
        if self.deaf:
            return
        if b"/probe/" in topic:
            self.say(topic, payload)
            return
        self.heard.append((topic, payload))
        for out in self._twist(self, topic, payload):
            self.say(*out)
