"""What the tests of the transport share: gossip that runs for the length of a block, and waiting for what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from node.backoff import Backoff
from node.gossip.link import Probing
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip, topic_prefix

PREFIX = topic_prefix(b"\x07" * 32)
QUICK = Backoff(first=0.02, cap=0.1)
IMPATIENT = Probing(every=0.1, lost=2, first=0.5)


def gossip_over(*brokers: str | BrokerSettings, incoming: int = 512, probing: Probing = Probing()) -> Gossip:  # noqa: B008
    settings = [BrokerSettings(broker) if isinstance(broker, str) else broker for broker in brokers]
    return Gossip(settings, PREFIX, backoff=QUICK, incoming=incoming, probing=probing)


@asynccontextmanager
async def running(*gossips: Gossip) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(gossip.run()) for gossip in gossips]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError)


async def receive(gossip: Gossip) -> bytes:
    async with asyncio.timeout(20):
        return await gossip.incoming.get()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def refused(gossip: Gossip) -> str:
    """The reason why no connection comes about."""
    async with running(gossip), asyncio.timeout(20):
        await until(lambda: gossip.counters["reconnects"] >= 1)
        assert gossip.connected == 0
        return str(gossip.links[0].last_error)
