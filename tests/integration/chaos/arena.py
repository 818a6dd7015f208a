"""Where chaos happens: a chain, brokers, endpoints and four nodes as real processes, and the hands that drive them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from node.devnet.anvil import find_anvil
from node.devnet.history import History, Row
from node.devnet.replay.network import Member, Network, create_members
from node.devnet.replay.process import NodeProcess
from node.devnet.replay.runner import opening
from node.devnet.replay.stage import Stage, StagedFeed, open_stage
from node.devnet.replay.track import Track
from tests.integration.chaos.faults.broker import Broker
from tests.integration.chaos.faults.disk import Disk
from tests.integration.chaos.faults.endpoint import Endpoint, serve_endpoints

WAD = 10**18
PERCENT = WAD // 100
BANDS = 6
TICK = 0.3
"""Seconds between blocks: what is sent waits for one, as on any chain."""
PATIENCE = 120.0
"""Seconds within which a crossing must land once nothing is broken that could keep it from landing."""
VOTE_AFTER = 12.0
"""Seconds that every broker has to be away before nodes vote on chain."""
TIMING: Mapping[str, Mapping[str, Any]] = {
    "agreement": {"grace_ms": 200, "view_ms": 3_000, "max_view_ms": 12_000, "render_ms": 60_000, "repeat_ms": 400},
    "transmit": {
        "stage_ms": 1_500,
        "resend_after_ms": 3_000,
        "priority_fee_gwei": 1,
        "vote_after_ms": int(VOTE_AFTER * 1000),
    },
    "log": {"format": "json"},
    "render": {"nice": 15},
}


@dataclass(frozen=True)
class Layout:
    """What an arena is made of; ten blocks before finality can be reorganised away, and there is room for more."""

    nodes: int = 4
    endpoints: int = 3
    brokers: int = 2
    finality_depth: int = 12
    cadence: int = 32
    window: int = 1
    painted: bool = False
    anvil: bool = field(default_factory=lambda: find_anvil() is not None)
    embedded_brokers: bool = False
    disk: Disk | None = None
    """Where the first node keeps its state, if not beside the others'."""


@dataclass
class Arena:
    """A network under fire. `tried` counts what was really done to it, `moves` the bands it was asked to reach."""

    layout: Layout
    folder: Path
    random: Random
    stage: Stage
    feed: StagedFeed
    network: Network
    session: aiohttp.ClientSession
    endpoints: Sequence[Sequence[Endpoint]]
    brokers: Sequence[Broker]
    band: int = 0
    moves: list[tuple[int, int]] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    journals: dict[Path, int] = field(default_factory=dict)
    """Every folder with a journal in it, copies of nodes included, and the seat whose key it protects."""
    deceived: set[Path] = field(default_factory=set)
    """Folders of journals whose nodes could not know better: nobody tells them the truth."""
    mining: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def members(self) -> Sequence[Member]:
        return self.network.members

    @property
    def processes(self) -> list[NodeProcess]:
        return [member.process for member in self.members]

    def log(self, text: str) -> None:
        """Note what happens, for whoever looks for the reason afterwards."""
        with (self.folder / "chaos.log").open("a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    async def tick(self) -> None:
        """Make a block now and then, for ever."""
        while True:
            await asyncio.sleep(TICK)
            async with self.mining:
                await self.stage.mine()

    def another_band(self) -> int:
        """Choose a band other than the present one."""
        return self.random.choice([band for band in range(BANDS) if band != self.band])

    async def move(self, band: int | None = None) -> int:
        """Bring the price into another band and past a final checkpoint; the crossing has not landed yet."""
        wanted = self.another_band() if band is None else band
        await self.set_band(wanted)
        self.moves.append((self.band, wanted))
        self.band = wanted
        for _ in range(self.layout.window // 2 + 1):  # so many samples carry a median
            await self.checkpoint()
        return wanted

    async def set_band(self, band: int) -> None:
        """Set the price to the middle of a band, and to another one than ever before."""
        price = WAD + band * PERCENT + PERCENT // 2 + self.random.randrange(PERCENT // 10)
        await self.stage.set_price(self.feed, price)

    async def checkpoint(self) -> int:
        """Make blocks up to the next checkpoint and until that one is final."""
        async with self.mining:
            return await self.stage.next_checkpoint()

    async def landed(self, patience: float = PATIENCE) -> None:
        """Wait until the chain shows the band that was last asked for; AssertionError if it never does."""
        since = time.monotonic()
        while await self.stage.band(self.feed) != self.band:
            if time.monotonic() - since > patience:
                raise AssertionError(f"the crossing into band {self.band} did not land within {patience:.0f} s")
            await asyncio.sleep(0.1)
        self.tried["crossings landed"] += 1
        self.log(f"landed in band {self.band} after {time.monotonic() - since:.1f} s")

    async def cross(self, band: int | None = None, patience: float = PATIENCE) -> None:
        """Ask for a crossing and see it land."""
        await self.move(band)
        await self.landed(patience)

    async def status(self, process: NodeProcess) -> dict[str, Any] | None:
        """Return what a node says of itself, or None while it does not answer."""
        if not process.running:
            return None
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                return await self.network.status(process)
        return None

    async def ready(self, process: NodeProcess) -> bool:
        """Say whether a node says that it is ready for its work."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                answer = await process.get(self.session, "/readyz")
                return answer is not None and bool(answer.get("ready"))
        return False

    async def wait_ready(self, *processes: NodeProcess) -> None:
        """Wait until nodes say that they are ready; AssertionError if one never does."""
        since = time.monotonic()
        while waiting := [process for process in processes if not await self.ready(process)]:
            if time.monotonic() - since > PATIENCE:
                raise AssertionError(f"{waiting[0].folder.name} was not ready in time: see {waiting[0].log_path}")
            await asyncio.sleep(0.1)

    async def supervise(self) -> None:
        """Start again, for ever, what ended by itself, as an operator's supervisor does: one that meets no chain."""
        while True:
            for process in self.processes:
                if process.wanted and not process.running:
                    self.log(f"{process.folder.name} has ended by itself and is started again")
                    self.tried["nodes started again by their supervisor"] += 1
                    await process.start()
            await asyncio.sleep(0.5)

    async def start(self) -> None:
        """Start every node, and wait until it is ready."""
        for process in self.processes:
            await process.start()
        await self.wait_ready(*self.processes)

    async def restart(self) -> None:
        """Stop every node in order and start it again."""
        await self.network.stop()
        await self.start()

    async def heal(self) -> None:
        """End every fault that still stands, and start every node that is down."""
        for endpoint in self.all_endpoints():
            endpoint.fault = None
        for broker in self.brokers:
            broker.thaw()
            broker.release()
            if not await broker.listening():
                await broker.start()
        for process in self.processes:
            if not process.running:
                await process.start()
        await self.wait_ready(*self.processes)

    def all_endpoints(self) -> list[Endpoint]:
        return [endpoint for some in self.endpoints for endpoint in some]

    def harm(self) -> Counter[str]:
        """Return how often each endpoint fault was felt so far."""
        return sum((endpoint.harm for endpoint in self.all_endpoints()), Counter())

    async def settle(self, patience: float = PATIENCE) -> None:
        """Wait, with everything healed, until no node has anything left to do."""
        await self.heal()
        target = await self.stage.height() // self.layout.cadence * self.layout.cadence
        since = time.monotonic()
        while True:
            answers = await asyncio.gather(*(self.status(process) for process in self.processes))
            left = [unsettled(answer, self.feed.id, target) for answer in answers]
            if not any(left):
                return
            if time.monotonic() - since > patience:
                raise AssertionError(f"the nodes did not come to rest within {patience:.0f} s: {left}")
            await asyncio.sleep(0.2)


def unsettled(status: Mapping[str, Any] | None, feed: int, checkpoint: int) -> str:
    """Return what a node still has to do, or an empty text."""
    if status is None:
        return "does not answer"
    if status["cursors"].get(f"feed {feed}", 0) < checkpoint:
        return f"has not handled checkpoint {checkpoint}"
    if status["rounds"]:
        return "is in a round"
    open_ = [row["key"] for row in status["transactions"] if row["state"] not in ("final", "cancelled")]
    return f"has transactions under way: {open_}" if open_ else ""


def track(window: int) -> Track:
    """Return the policy of the arena's feed: six bands, one percent each."""
    rows = tuple(Row(line, f"line {line}", None, WAD) for line in range(2, 2 + window + 1))
    thresholds = tuple(band * PERCENT for band in range(1, BANDS))
    return Track("Chaos", History("chaos", rows), thresholds, window, PERCENT // 10)


@asynccontextmanager
async def arena(folder: Path, seed: int, layout: Layout | None = None) -> AsyncIterator[Arena]:
    """Start everything, in `folder`, and stop it in the end; the seed decides what is random in what is done."""
    layout = layout or Layout()
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(
            open_stage(
                folder / "devnet.log",
                anvil=layout.anvil,
                cadence=layout.cadence,
                finality_depth=layout.finality_depth,
            )
        )
        flat = await stack.enter_async_context(serve_endpoints(stage.rpc, layout.nodes * layout.endpoints))
        endpoints = [flat[at : at + layout.endpoints] for at in range(0, len(flat), layout.endpoints)]
        brokers = [Broker(folder, embedded=layout.embedded_brokers) for _ in range(layout.brokers)]
        for broker in brokers:
            stack.push_async_callback(broker.stop)
            await broker.start()

        def adapt(number: int, settings: dict[str, Any]) -> None:
            settings.update(TIMING)
            settings["chain"] |= {"endpoints": [one.url for one in endpoints[number - 1]], "timeout_ms": 3_000}
            settings["gossip"] = {"brokers": [{"url": broker.url} for broker in brokers]}

        members = await asyncio.to_thread(
            lambda: create_members(
                layout.nodes,
                folder,
                chain_id=stage.chain_id,
                oracle=stage.oracle,
                rpc=stage.rpc,
                broker=brokers[0].url,
                poll_ms=400,
                adapt=adapt,
            )
        )
        if layout.disk is not None:
            first = members[0].process
            (first.folder / "state").mkdir(exist_ok=True)
            await layout.disk.prepare(first.folder / "state")
            stack.push_async_callback(layout.disk.remove)
            first.command = layout.disk.command(first.command)
        await stage.seat([(member.address, member.transport_key) for member in members])
        policy = track(layout.window)
        if layout.painted:
            [feed] = await stage.open([opening(policy, 1, 1, members, steps=1)])
        else:
            feed = await stage.open_unpainted(policy)
        await stage.mine(2 * layout.finality_depth)  # nodes look for their committee at a final block
        session = await stack.enter_async_context(aiohttp.ClientSession())
        network = Network(members, session)
        stack.push_async_callback(network.stop)
        found = Arena(layout, folder, Random(seed), stage, feed, network, session, endpoints, brokers)
        found.journals |= {member.process.folder / "state": seat for seat, member in enumerate(members)}
        await stage.automine(False)
        running = [asyncio.create_task(work) for work in (found.tick(), found.supervise())]
        try:
            await found.start()
            for _ in range(layout.window):  # the history that a first answer needs
                await found.checkpoint()
            yield found
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
