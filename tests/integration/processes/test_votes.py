"""Real processes that lose their brokers: crossings land by votes alone, and by reports again when brokers are back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.types import FullReport
from node.devnet.broker import EmbeddedBroker
from node.devnet.history import parse_history
from node.devnet.replay.network import Network, create_members
from node.devnet.replay.runner import opening
from node.devnet.replay.stage import Stage, StagedFeed, open_stage
from node.devnet.replay.track import Track, percentage, percentages

TRACK = Track(
    "Vault", parse_history(b"share_price\n1.00\n1.00\n", "test", "test"), percentages("1%,3%,5%"), 1, percentage("0.1%")
)
WAD = 10**18
NODES, SHARED = 4, 2  # the second broker is known to the last two nodes alone


@dataclass
class World:
    """A chain, two brokers, and nodes that all know the first broker and half of which know the second."""

    stage: Stage
    feed: StagedFeed
    network: Network
    chain: Chain
    brokers: list[EmbeddedBroker]

    async def cross(self, price: float) -> int:
        """Bring a share to a price and make the checkpoint that shows it."""
        await self.stage.set_price(self.feed, int(price * 100) * WAD // 100)
        return await self.stage.next_checkpoint()

    async def landed(self, checkpoint: int) -> FullReport:
        """Wait until the checkpoint's report has taken effect and every node is done with it."""
        await self.network.settled([self.feed.id], checkpoint)
        return await self.chain.report(self.feed.id, checkpoint)

    def journal(self, number: int, sql: str) -> list[Any]:
        """Look into a node's journal beside it."""
        path = self.network.members[number].process.folder / "state" / "journal.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()

    async def kill_the_first_that_votes(self) -> None:
        """kill -9 a node as soon as its journal holds a vote, and start it again."""
        while True:
            for number, member in enumerate(self.network.members):
                if self.journal(number, "SELECT * FROM votes"):
                    await member.process.kill()
                    await member.process.start()
                    return
            await asyncio.sleep(0.002)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    brokers = [EmbeddedBroker(), EmbeddedBroker()]
    for broker in brokers:
        await broker.start()

    def adapt(number: int, settings: dict[str, Any]) -> None:
        known = brokers if number > SHARED else brokers[:1]
        settings["gossip"] = {"brokers": [{"url": broker.url} for broker in known]}
        settings["transmit"] = {**settings["transmit"], "vote_after_ms": 3_000}

    try:
        async with open_stage(folder / "devnet.log") as stage, aiohttp.ClientSession() as session:
            members = await asyncio.to_thread(
                create_members,
                NODES,
                folder,
                chain_id=stage.chain_id,
                oracle=stage.oracle,
                rpc=stage.rpc,
                broker="",
                adapt=adapt,
            )
            await stage.seat([(member.address, member.transport_key) for member in members])
            [feed] = await stage.open([opening(TRACK, 1, 1, members)])
            pool, network = RpcPool([stage.rpc]), Network(members, session)
            try:
                await network.start()
                yield World(stage, feed, network, Chain(pool, stage.oracle), brokers)
            finally:
                await network.stop()
                await pool.aclose()
    finally:
        for broker in brokers:
            await broker.aclose()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_every_broker_stopped__crossing_lands_by_votes_and_the_next_by_a_report(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.network.settled([here.feed.id], await here.cross(1.00))  # the first painting is done
        for broker in here.brokers:
            await broker.aclose()
        checkpoint = await here.cross(1.02)
        killed = asyncio.create_task(here.kill_the_first_that_votes())
        voted = await here.landed(checkpoint)
        await killed
        assert voted.by_vote
        assert len(voted.ballots) == 3
        assert (voted.landed.previous_band, voted.landed.band) == (0, 1)
        assert any(voted.landed.content_root)  # painted alone, by each of them, to the same bytes

        for broker in here.brokers:
            await broker.start()
        for member in here.network.members:
            await here.network.wait_ready(member.process)
        by_report = await here.landed(await here.cross(1.04))
        assert by_report.report is not None
        assert (by_report.landed.previous_band, by_report.landed.band) == (1, 2)

        # Two nodes without a broker are too many for the rest to find a quorum: these hear them on chain.
        await here.brokers[0].aclose()
        joined = await here.landed(await here.cross(1.06))
        assert joined.by_vote
        assert (joined.landed.previous_band, joined.landed.band) == (2, 3)

        assert len(await here.chain.landed(0, (await here.chain.head()).number)) == 3 + 1  # and the first painting
        for number in range(NODES):
            votes = here.journal(number, "SELECT checkpoint FROM votes")
            sent = here.journal(number, "SELECT key FROM transactions WHERE key LIKE 'vote %'")
            assert max(Counter(votes).values(), default=0) <= 1
            assert len(sent) <= len(votes)
