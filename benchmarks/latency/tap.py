"""Listens at the broker as one more client, and notes when each node's messages came by for the first time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiomqtt

from node.agreement.committee import Committee
from node.agreement.messages import kind_of
from node.errors import GossipError
from node.gossip.envelope import open_envelope
from node.gossip.transport import topic_prefix


@dataclass(frozen=True)
class Heard:
    """A message of a member about a checkpoint; `at` is this machine's clock in seconds."""

    at: float
    kind: str
    sender: int
    checkpoint: int


@dataclass
class Tap:
    """What came by: the first of every message, whoever announced it again."""

    heard: list[Heard] = field(default_factory=list)
    _known: set[bytes] = field(default_factory=set)

    def take(self, raw: bytes, committee: Committee) -> None:
        """Note an envelope; what is none (nodes probe their brokers) goes by."""
        at = time.time()
        if raw in self._known:
            return
        self._known.add(raw)
        try:
            opened = open_envelope(raw, committee)
        except GossipError:
            return
        self.heard.append(Heard(at, kind_of(opened.message), opened.sender, opened.message.checkpoint))


@asynccontextmanager
async def tapped(broker: str, committee: Committee) -> AsyncIterator[Tap]:
    """A tap at the broker for as long as the context lasts."""
    tap, parts = Tap(), urlsplit(broker)

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                tap.take(message.payload, committee)

    async with aiomqtt.Client(parts.hostname or "", parts.port or 1883) as client:
        await client.subscribe(f"{topic_prefix(committee.config_digest)}/#")
        listening = asyncio.create_task(listen(client))
        try:
            yield tap
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
