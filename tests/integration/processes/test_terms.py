"""Real processes through changes of the committee: crossings go on, who loses a seat stands by, who gets one signs."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.types import Landed
from node.devnet.history import parse_history
from node.devnet.replay.network import Member, Network, create_members
from node.devnet.replay.stage import Stage, StagedFeed, open_stage
from node.devnet.replay.track import Track, percentage, percentages

HISTORY = parse_history(b"share_price\n1.00\n1.00\n", "test", "test")
TRACK = Track("Vault", HISTORY, percentages("1%,3%,5%,7%,9%,11%"), 1, percentage("0.1%"))
WAD = 10**18
KILLED, STOPPED = 1, 2
DEPTH = 3  # how far final blocks lie behind the head


@dataclass
class World:
    """A chain, a feed that paints nothing, and five nodes for four seats."""

    stage: Stage
    feed: StagedFeed
    network: Network
    chain: Chain
    percent: int = 0

    def member(self, number: int) -> Member:
        return self.network.members[number]

    async def seat(self, numbers: Sequence[int]) -> None:
        """Make these members the committee; it is not final yet."""
        chosen = [self.member(number) for number in numbers]
        await self.stage.seat([(one.address, one.transport_key) for one in chosen])

    async def move(self) -> None:
        """Bring the price into the next band."""
        self.percent += 2
        await self.stage.set_price(self.feed, WAD + self.percent * WAD // 100)

    async def checkpoint(self) -> int:
        """Make the blocks up to the next checkpoint, and until it is final."""
        return await self.stage.next_checkpoint()

    async def cross(self) -> Landed:
        """Cross a threshold, and return the report that lands."""
        await self.move()
        return await self.landed(await self.checkpoint())

    async def landed(self, checkpoint: int) -> Landed:
        """Wait for the report of a checkpoint."""
        async with asyncio.timeout(60):
            while True:
                head = await self.chain.head()
                if found := await self.chain.landed(checkpoint, head.number):
                    return found[0]
                await asyncio.sleep(0.05)

    async def status(self, number: int) -> dict[str, Any]:
        found = await self.network.status(self.member(number).process)
        return found or {}

    async def until(self, number: int, **wanted: Any) -> dict[str, Any]:
        """Wait until a node's status has these values."""
        async with asyncio.timeout(60):
            while True:
                status = await self.status(number)
                if status and all(status[name] == value for name, value in wanted.items()):
                    return status
                await asyncio.sleep(0.05)

    async def until_open(self, number: int, checkpoint: int) -> None:
        """Wait until a node has the round of a checkpoint open."""
        async with asyncio.timeout(60):
            while not any(one["checkpoint"] == checkpoint for one in (await self.status(number)).get("rounds", ())):
                await asyncio.sleep(0.05)

    async def restart(self, *numbers: int) -> None:
        """Start nodes again, and wait until they are ready."""
        processes = [self.member(number).process for number in numbers]
        await asyncio.gather(*(process.start() for process in processes))
        await asyncio.gather(*(self.network.wait_ready(process) for process in processes))

    async def final(self) -> None:
        """Make what has happened until now final."""
        await self.stage.mine(DEPTH)

    def signed(self, number: int) -> list[tuple[bytes, int]]:
        """(config, checkpoint) of all that a node has signed, by its journal."""
        path = self.member(number).process.folder / "state" / "journal.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute("SELECT config, checkpoint FROM attestations ORDER BY id").fetchall()

    async def config(self) -> bytes:
        return (await self.chain.configuration()).config_digest


def quick(_: int, settings: dict[str, Any]) -> None:
    """Wait less for a leader or a sender that stands still."""
    settings["agreement"] = {**settings["agreement"], "view_ms": 2_000, "max_view_ms": 6_000, "render_ms": 5_000}
    settings["transmit"] = {**settings["transmit"], "stage_ms": 1_000}


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with (
        open_stage(folder / "devnet.log", finality_depth=DEPTH) as stage,
        aiohttp.ClientSession() as session,
    ):
        members = await asyncio.to_thread(
            create_members,
            5,
            folder,
            chain_id=stage.chain_id,
            oracle=stage.oracle,
            rpc=stage.rpc,
            broker=stage.broker,
            adapt=quick,
            poll_ms=300,  # five nodes and the chain share a machine
        )
        await stage.seat([(member.address, member.transport_key) for member in members[:4]])
        feed = await stage.open_unpainted(TRACK)
        await stage.mine(DEPTH)
        pool, network = RpcPool([stage.rpc]), Network(members, session)
        here = World(stage, feed, network, Chain(pool, stage.oracle))
        try:
            await asyncio.gather(*(member.process.start() for member in members))
            await asyncio.gather(*(network.wait_ready(member.process) for member in members[:4]))
            await here.until(4, state="standby")
            yield here
        finally:
            with suppress(ProcessLookupError):
                os.kill(members[STOPPED].process.pid, signal.SIGCONT)  # what stands still cannot end in order
            await network.stop()
            await pool.aclose()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_committee_changes__crossings_go_on__each_lands_once_and_seats_move(tmp_path: Path) -> None:
    """One of four is replaced in the middle of a round, with nodes killed on both sides of the change."""
    async with world(tmp_path) as here:
        first = await here.config()

        # Reorganised away before it is final: nobody moves.
        await here.seat([0, 1, 2, 4])
        assert await here.config() != first
        await here.stage.reorganise(1)
        assert await here.config() == first
        landed = [await here.cross()]
        assert (await here.status(4))["state"] == "standby"

        # The committee changes while a round is open for want of a quorum, and one more is killed while both overlap.
        await here.member(KILLED).process.kill()
        os.kill(here.member(STOPPED).process.pid, signal.SIGSTOP)
        await here.move()
        checkpoint = await here.checkpoint()
        for number in (0, 3):
            await here.until_open(number, checkpoint)
        await here.seat([0, 1, 2, 4])
        second = await here.config()
        await here.final()
        lost = await here.until(3, state="standby")
        assert "lost its seat" in lost["standby"]
        assert [one["rounds"] for one in lost["previous_terms"]] == [1]
        await here.until(4, state="seated", member=3)
        await here.until(0, state="seated", config_digest="0x" + second.hex())
        await here.member(0).process.kill()
        await here.restart(0, KILLED)
        landed.append(await here.landed(checkpoint))  # one still stands still: whoever lost its seat has signed
        assert await here.config() == second
        await here.final()
        for number in (0, 1, 3, 4):
            await here.until(number, previous_terms=[], rounds=[])

        landed.append(await here.cross())  # and whoever got one
        os.kill(here.member(STOPPED).process.pid, signal.SIGCONT)

        # Twice in quick succession, the second before the first is final; back to a configuration of before.
        await here.seat([4, 3, 2, 1])
        await here.seat([0, 1, 2, 3])
        await here.final()
        await here.until(4, state="standby")
        await here.until(3, state="seated", member=3)
        landed.append(await here.cross())

        everything = await here.chain.landed(0, (await here.chain.head()).number)
        assert [one.checkpoint for one in everything] == [one.checkpoint for one in landed]
        assert [one.config_digest for one in everything] == [first, first, second, first]
        assert [(one.previous_band, one.band) for one in everything] == [(0, 1), (1, 2), (2, 3), (3, 4)]
        for number in range(5):
            assert max(Counter(here.signed(number)).values(), default=0) <= 1
        assert (landed[1].signers, landed[2].signers) == (0b1011, 0b1011)
        assert here.signed(4) == [(second, landed[2].checkpoint)]
