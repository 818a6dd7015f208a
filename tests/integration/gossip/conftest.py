"""Brokers as processes of their own, so that they can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

_PROGRAM = """
import asyncio, sys
from node.devnet.broker import serve_broker
from node.devnet.settings import EmbeddedBrokerSettings

async def main():
    async with serve_broker(EmbeddedBrokerSettings(port=int(sys.argv[1]))) as broker:
        print(broker.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class BrokerProcess:
    """A running broker; `kill` is kill -9."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.url = f"mqtt://127.0.0.1:{port}"

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


Spawn = Callable[..., Awaitable[BrokerProcess]]


@pytest.fixture
async def spawn_broker() -> AsyncIterator[Spawn]:
    """Starts brokers, on any free port or a given one, and kills them in the end."""
    started: list[BrokerProcess] = []

    async def spawn(port: int = 0) -> BrokerProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM, str(port), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        broker = BrokerProcess(process, int(await process.stdout.readline() or b"0"))
        started.append(broker)
        assert broker.port
        return broker

    yield spawn
    for broker in started:
        await broker.kill()
