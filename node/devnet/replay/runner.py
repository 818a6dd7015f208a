"""Replays histories into vaults, one row a checkpoint, and gathers what the network made of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.artworks.studio import describe
from node.content.edition import build_placeholder
from node.content.store import BlockStore
from node.devnet.replay.artworks import export
from node.devnet.replay.moods import recipe_for
from node.devnet.replay.network import Member, Network, create_members
from node.devnet.replay.outcome import LandedRow, Outcome, compare
from node.devnet.replay.scene import Scene
from node.devnet.replay.stage import Opening, open_stage
from node.devnet.replay.track import Track, expected_crossings
from node.errors import ReplayError

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.chain.client import Chain
    from node.chain.types import Landed
    from node.devnet.replay.stage import Stage, StagedFeed


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
    scene: Scene | None = None
    first_checkpoint: int = 0
    collected: int = 0
    leads: dict[int, int] = field(default_factory=dict)
    """Checkpoints between a feed's opening and the first row, at the first row's price."""
    landed: list[LandedRow] = field(default_factory=list)
    before_row: Callable[[Replay, int], Awaitable[None]] | None = None
    """Called before each row (from 0) is set: tests kill and restart nodes there."""
    committees: dict[bytes, Committee] = field(default_factory=dict)
    """Every committee that has been in force, by its config digest."""

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
        keeper = next(member.process for member in self.network.members if member.process.wanted)
        export(keeper.folder / "state" / "blocks", self.landed, self.folder / "artworks")
        faults, nodes, punishment = self._faults(), [], None
        if self.scene is not None:
            nodes, punishment = await self.scene.rows(self.chain), self.scene.punishment
            config = "0x" + (await self.chain.committee()).config_digest.hex()
            faults += self.scene.faults(nodes, sum(row.crossing and row.config == config for row in self.landed))
        seconds = time.monotonic() - started
        return Outcome(tuple(self.landed), tuple(faults), self.rows, seconds, tuple(nodes), punishment)

    async def _row(self, row: int) -> None:
        """Set every vault to its price of this row, make the checkpoint, and wait until the network is done with it."""
        for track, feed in zip(self.tracks, self.feeds, strict=True):
            if row < len(track.history.rows):
                await self.stage.set_price(feed, track.history.rows[row].price)
        checkpoint, cadence = await self.stage.next_checkpoint(), self.stage.cadence
        if self.first_checkpoint and checkpoint != self.first_checkpoint + row * cadence:
            raise ReplayError(f"row {row + 1} took more than the {cadence} blocks between two checkpoints")
        if not self.first_checkpoint:
            self.first_checkpoint = checkpoint
            for opened in await self.chain.feeds():
                first = -(-opened.opened_at // cadence) * cadence
                self.leads[opened.id] = len(range(first, checkpoint, cadence))
        self.watch(Progress("replaying", row + 1, self.rows))
        await self.network.settled([feed.id for feed in self.feeds], checkpoint)
        head = (await self.chain.head()).number
        fresh, self.collected = await self.chain.landed(self.collected + 1, head), head
        for report in fresh:
            described = await self._describe(report)
            self.landed.append(described)
            self.watch(Progress("landed", row + 1, self.rows, described))
        if self.scene is not None:
            await self.scene.after_row(self.chain, sum(row.crossing for row in self.landed))

    async def _describe(self, report: Landed) -> LandedRow:
        position = next(index for index, feed in enumerate(self.feeds) if feed.id == report.feed)
        track, feed = self.tracks[position], self.feeds[position]
        full = await self.chain.report(report.feed, report.checkpoint, report)
        before = await self.chain.block(report.block_number - 1)
        after = await self.chain.block(report.block_number)
        rows = track.history.rows
        number = max(0, (report.checkpoint - self.first_checkpoint) // self.stage.cadence)
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
            config="0x" + report.config_digest.hex(),
            signers=await self._signers(report),
            gas=full.gas_used,
            transaction="0x" + report.tx_hash.hex(),
            token_uri_before=await self.chain.token_uri(feed.collection, feed.first_token, before),
            token_uri_after=await self.chain.token_uri(feed.collection, feed.first_token, after),
        )

    async def _signers(self, report: Landed) -> tuple[int, ...]:
        """Return which nodes signed, by their place in the replay."""
        if report.config_digest not in self.committees:
            committee = await self.chain.committee()
            self.committees[committee.config_digest] = committee
        committee = self.committees[report.config_digest]
        places = [member.address for member in self.network.members]
        return tuple(
            sorted(
                places.index(signer) for index, signer in enumerate(committee.signers) if report.signers >> index & 1
            )
        )

    def _faults(self) -> list[str]:
        found = []
        for track, feed in zip(self.tracks, self.feeds, strict=True):
            mine = [row for row in self.landed if row.feed == feed.id]
            found += compare(track, expected_crossings(track, self.leads[feed.id]), mine)
        return found


def opening(track: Track, edition: int, tokens: int, members: Sequence[Member], steps: int | None = None) -> Opening:
    """Publish a track's recipe and placeholder to every node, as an artist does, and return their digests.

    `steps` of the sampler stand in for the recipe's own: fewer are drawn sooner.
    """
    recipe = recipe_for(track.title, track.thresholds)
    if steps is not None:
        recipe = replace(recipe, steps=steps)
    placeholder = b""
    for member in members:
        home = member.process.folder
        (home / "recipes" / f"{recipe.digest.hex()[:16]}.json").write_bytes(recipe.canonical)
        store = BlockStore(home / "state" / "blocks")
        store.put(recipe.canonical)
        placeholder = build_placeholder(store, recipe.name, describe(recipe), edition, tokens)
    return Opening(track, recipe.digest, placeholder, tokens)


def _accusing(_: int, settings: dict[str, Any]) -> None:
    settings["staking"] = {"submit_evidence": True}


@asynccontextmanager
async def set_up(
    tracks: Sequence[Track],
    folder: Path,
    *,
    nodes: int = 4,
    tokens: int = 6,
    watch: Callable[[Progress], None] = lambda _: None,
    command: Callable[[int], tuple[str, ...]] | None = None,
    anvil: bool = False,
    staked: bool = False,
) -> AsyncIterator[Replay]:
    """Start chain, broker and nodes, deploy everything and open an edition for each track.

    `command` gives the program of a node by its number from 1, where it is not the ordinary one. With
    `anvil` the chain is Foundry's. With `staked` seats are held by bonds, one node more waits for one, and one of the
    others signs twice.

    Raises:
        ReplayError: a node does not start.
    """
    import aiohttp

    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool

    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, before anything runs
    watch(Progress(f"starting {'anvil' if anvil else 'an embedded chain'} and an embedded broker"))
    async with open_stage(folder / "devnet.log", anvil=anvil) as stage, aiohttp.ClientSession() as session:
        watch(Progress(f"making {nodes} nodes: folders, keys, configurations"))
        members = await asyncio.to_thread(
            create_members,
            nodes + staked,
            folder,
            chain_id=stage.chain_id,
            oracle=stage.oracle,
            rpc=stage.rpc,
            broker=stage.broker,
            adapt=_accusing if staked else lambda _, __: None,
        )
        scene = None
        if staked:
            watch(Progress(f"bonding stake for {nodes} seats, and for one node that waits for a seat"))
            scene = await Scene.open(stage, stage.account, members, lambda text: watch(Progress(f"  {text}")))
        else:
            await stage.seat([(member.address, member.transport_key) for member in members])
        watch(Progress("opening, selling and revealing the editions"))
        openings = [opening(track, number, tokens, members) for number, track in enumerate(tracks, 1)]
        feeds = await stage.open(openings)
        if scene is not None:
            await scene.fund(feeds)
        pool = RpcPool([stage.rpc])
        network = Network(members, session)
        for number, member in enumerate(members, 1):
            if command is not None:
                member.process.command = command(number)
        watch(Progress(f"starting {len(members)} nodes as processes of their own"))
        try:
            await network.start()
            replay = Replay(tracks, folder, stage, feeds, network, Chain(pool, stage.oracle), watch, scene)
            committee = await replay.chain.committee()
            replay.committees[committee.config_digest] = committee
            yield replay
        finally:
            if scene is not None:
                await scene.close()
            await network.stop()
            await pool.aclose()
