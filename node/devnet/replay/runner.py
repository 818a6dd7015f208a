"""Replays histories into vaults, one row a checkpoint, and gathers what the network made of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from node.content.edition import build_placeholder
from node.content.store import BlockStore
from node.devnet.replay.artworks import export
from node.devnet.replay.network import Network, create_members
from node.devnet.replay.outcome import LandedRow, Outcome, compare
from node.devnet.replay.track import Track, expected_crossings

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.types import Landed
    from node.devnet.replay.stage import Stage, StagedFeed

CADENCE = 10
"""Blocks between checkpoints: room for every transaction of a round before the next row."""


@dataclass(frozen=True)
class Progress:
    """Where a replay stands, for whoever watches."""

    text: str
    row: int = 0
    rows: int = 0
    landed: LandedRow | None = None


@dataclass
class Replay:
    """A replay that was set up: its stage, its nodes, and what has landed so far."""

    tracks: Sequence[Track]
    folder: Path
    stage: Stage
    feeds: Sequence[StagedFeed]
    network: Network
    chain: Chain
    watch: Callable[[Progress], None]
    first_checkpoint: int = 0
    landed: list[LandedRow] = field(default_factory=list)
    before_row: Callable[[Replay, int], Awaitable[None]] | None = None
    """Called before each row (from 0) is set: tests kill and restart nodes there."""

    @property
    def rows(self) -> int:
        """How many checkpoints the longest history takes."""
        return max(len(track.history.rows) for track in self.tracks)

    async def play(self) -> Outcome:
        """Replay every row; each checkpoint is waited for before the next one begins.

        Raises:
            ReplayError: a node ended or a checkpoint was never done with.
        """
        started = time.monotonic()
        for row in range(self.rows):
            if self.before_row is not None:
                await self.before_row(self, row)
            await self._row(row)
        export(self.folder / "node-1" / "state" / "blocks", self.landed, self.folder / "artworks")
        return Outcome(tuple(self.landed), tuple(self._faults()), self.rows, time.monotonic() - started)

    async def _row(self, row: int) -> None:
        for track, feed in zip(self.tracks, self.feeds, strict=True):
            if row < len(track.history.rows):
                await self.stage.set_price(feed, track.history.rows[row].price)
        checkpoint = await self.stage.next_checkpoint(CADENCE)
        self.first_checkpoint = self.first_checkpoint or checkpoint
        self.watch(Progress("replaying", row + 1, self.rows))
        await self.network.settled([feed.id for feed in self.feeds], checkpoint)
        head = (await self.chain.head()).number
        for report in await self.chain.landed(checkpoint, head):
            described = await self._describe(report, row)
            self.landed.append(described)
            self.watch(Progress("landed", row + 1, self.rows, described))

    async def _describe(self, report: Landed, row: int) -> LandedRow:
        position = next(index for index, feed in enumerate(self.feeds) if feed.id == report.feed)
        track, feed = self.tracks[position], self.feeds[position]
        full = await self.chain.report(report.feed, report.checkpoint, report)
        before = await self.chain.block(report.block_number - 1)
        after = await self.chain.block(report.block_number)
        rows = track.history.rows
        number = (report.checkpoint - self.first_checkpoint) // CADENCE
        return LandedRow(
            feed=feed.id,
            title=track.title,
            row=number,
            label=rows[min(number, len(rows) - 1)].label,
            checkpoint=report.checkpoint,
            block=report.block_number,
            answer=report.answer,
            previous_band=report.previous_band,
            band=report.band,
            signers=tuple(index for index in range(len(self.network.members)) if report.signers >> index & 1),
            gas=full.gas_used,
            transaction="0x" + report.tx_hash.hex(),
            token_uri_before=await self.chain.token_uri(feed.collection, feed.first_token, before),
            token_uri_after=await self.chain.token_uri(feed.collection, feed.first_token, after),
        )

    def _faults(self) -> list[str]:
        found = []
        for track, feed in zip(self.tracks, self.feeds, strict=True):
            mine = [row for row in self.landed if row.feed == feed.id]
            found += compare(track, expected_crossings(track), mine)
        return found


@asynccontextmanager
async def set_up(
    tracks: Sequence[Track],
    folder: Path,
    *,
    nodes: int = 4,
    tokens: int = 6,
    watch: Callable[[Progress], None] = lambda _: None,
    command: Callable[[int], tuple[str, ...]] | None = None,
) -> AsyncIterator[Replay]:
    """Start chain, broker and nodes, deploy everything and open an edition for each track.

    `command` gives the program of a node by its number from 1, where it is not the ordinary one.

    Raises:
        ReplayError: a node does not start.
    """
    import aiohttp

    from node.chain.client import Chain
    from node.chain.pool import RpcPool
    from node.devnet.replay.stage import open_stage
    from node.render.recipe import Recipe

    folder.mkdir(parents=True, exist_ok=True)
    watch(Progress("starting an embedded chain and an embedded broker"))
    async with open_stage() as stage, aiohttp.ClientSession() as session:
        watch(Progress(f"making {nodes} nodes: folders, keys, configurations"))
        members = await asyncio.to_thread(
            create_members,
            nodes,
            folder,
            chain_id=stage.chain_id,
            oracle=stage.oracle,
            rpc=stage.rpc,
            broker=stage.broker,
        )
        watch(Progress("deploying contracts, opening and revealing editions"))
        await stage.seat([(member.address, member.transport_key) for member in members])
        feeds = []
        for track in tracks:
            recipe = Recipe.for_bands(len(track.thresholds) + 1, track.title)
            for member in members:
                home = member.process.folder
                (home / "recipes" / f"{recipe.digest.hex()[:16]}.json").write_bytes(recipe.canonical)
            feeds.append(await stage.prepare(track, recipe, tokens, _placeholder(members, stage, recipe, tokens)))
        for track, feed in zip(tracks, feeds, strict=True):
            feed.id = await stage.open_feed(feed, track, CADENCE)
        pool = RpcPool([stage.rpc])
        network = Network(members, session)
        for number, member in enumerate(members, 1):
            if command is not None:
                member.process.command = command(number)
        watch(Progress(f"starting {nodes} nodes as processes of their own"))
        try:
            await network.start()
            yield Replay(tracks, folder, stage, feeds, network, Chain(pool, stage.oracle), watch)
        finally:
            await network.stop()
            await pool.aclose()
