"""A committee of node processes with two feeds, one of them painted, on a chain that makes blocks when told to."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.latency.broker import find_mosquitto, serve_mosquitto
from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.devnet.anvil import find_anvil
from node.devnet.history import History, Row
from node.devnet.replay.network import Network, create_members
from node.devnet.replay.runner import opening
from node.devnet.replay.stage import Stage, StagedFeed, open_stage
from node.devnet.replay.track import Track

WAD = 10**18
CADENCE = 25
"""Blocks between checkpoints: five minutes of a chain with a block every 12 seconds."""
LOW, HIGH = WAD, WAD * 103 // 100
TOKENS = 2
STEPS = 4
"""Steps of the sampler: pictures are drawn in a process of their own, which is not what is watched."""
PAGES = ("/", "/api/editions", "/api/status", "/readyz", "/metrics")


@dataclass
class Scene:
    """Everything that a soak touches."""

    stage: Stage
    feeds: list[StagedFeed]
    network: Network
    chain: Chain

    async def cross(self, high: bool) -> None:
        """Move both vaults over their threshold, or back."""
        for feed in self.feeds:
            await self.stage.set_price(feed, HIGH if high else LOW)

    async def reports(self) -> int:
        """How many reports have landed."""
        return len(await self.chain.landed(0, await self.stage.height()))

    async def visit(self) -> None:
        """Ask every node for what visitors and Prometheus ask for."""
        for member in self.network.members:
            for page in PAGES:
                await asyncio.to_thread(_fetch, member.process.url + page)


def _fetch(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - http, on this machine
            answer.read()
    except OSError:
        return  # not ready for a moment: 503 is an answer too, and a busy machine is no finding


def _track(title: str) -> Track:
    rows = tuple(Row(line, "", None, LOW) for line in range(3))
    return Track(title, History(title, rows), (WAD // 100,), 1, 0)


def _settings(rpc: str | None, _: int, settings: dict[str, Any]) -> None:
    if rpc is not None:
        # Anvil announces its blocks, on the port that it serves everything else on.
        settings["chain"]["websockets"] = [rpc.replace("http", "ws", 1)]
    settings["log"] = {"format": "json", "level": "warning"}


@asynccontextmanager
async def open_scene(folder: Path, nodes: int) -> AsyncIterator[Scene]:
    """Start everything: anvil and Mosquitto where they are installed, else the embedded chain and broker."""
    async with AsyncExitStack() as stack:
        anvil, mosquitto = find_anvil(), find_mosquitto()
        stage = await stack.enter_async_context(
            open_stage(folder / "devnet.log", anvil=anvil is not None, cadence=CADENCE)
        )
        broker = stage.broker
        if mosquitto is not None:
            broker = await stack.enter_async_context(serve_mosquitto(mosquitto, folder))
        members = await asyncio.to_thread(
            create_members,
            nodes,
            folder,
            chain_id=stage.chain_id,
            oracle=stage.oracle,
            rpc=stage.rpc,
            broker=broker,
            poll_ms=4_000 if anvil else 100,
            adapt=partial(_settings, stage.rpc if anvil else None),
        )
        await stage.seat([(member.address, member.transport_key) for member in members])
        painted = await stage.open([opening(_track("Painted"), 1, TOKENS, members, STEPS)])
        feeds = [*painted, await stage.open_unpainted(_track("Unpainted"))]
        network = Network(members, await stack.enter_async_context(aiohttp.ClientSession()))
        stack.push_async_callback(network.stop)
        await network.start()
        pool = RpcPool([stage.rpc])
        stack.push_async_callback(pool.aclose)
        yield Scene(stage, feeds, network, Chain(pool, stage.oracle))
