"""Gathers the facts of an edition's explanation from the chain, and what a journal and content save asking for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from node.chain import logs
from node.chain.interface import interface
from node.chain.types import TOKENS_PER_EDITION
from node.errors import ChainError, PatinaError, RevertError
from node.explain.measure import measure, measured
from node.explain.views import NOTHING, Measured, Subject, Told, check_feed, painted_by, refused
from node.verify import artwork, landing
from node.verify.committees import committee_of
from node.verify.facts import Facts, read_feed

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.chain.client import Chain
    from node.chain.types import Block, Edition, Feed, FullReport, Landed, Sample
    from node.explain.views import Road
    from node.render.reading import AnyRecipe
    from node.verify.blocks import Blocks

DATED: Final = 64
"""Reports of a history whose dates are asked for, the newest ones."""
SEARCHED: Final = 2_000_000
"""Blocks that a whole history is searched for, backwards: most of a year of 12-second blocks."""


Proof = Callable[["Landed"], Awaitable["FullReport"]]


class Memory(Protocol):
    """What a node knows already, so that nobody has to be asked."""

    def reports(self, feed: int) -> Sequence[Landed]:
        """A feed's landed reports, oldest first; empty where none is known."""

    def committee(self, config: bytes) -> Committee | None:
        """The committee of a configuration."""

    def samples(self, feed: int, count: int) -> Sequence[Sample]:
        """A feed's newest samples, oldest first."""

    def time(self, block: int) -> int | None:
        """When a block was, in Unix seconds, where that is known."""


class Gathering:
    """Gathers one edition's facts. What cannot be had is left out, and the story says so or does without."""

    def __init__(self, chain: Chain, blocks: Blocks, memory: Memory | None = None, proof: Proof | None = None) -> None:
        """`proof`: reads a landed report with its proof, where somebody keeps those anyway; else the chain is asked."""
        self._chain = chain
        self._blocks = blocks
        self._memory = memory
        self._proof: Proof = proof or (lambda landed: chain.report(landed.feed, landed.checkpoint, landed))
        self._committees: dict[bytes, Committee | None] = {}

    async def edition(self, collection: str, number: int, *, whole: bool = False, token: int | None = None) -> Subject:
        """Return the facts of an edition, told of its first token, or of `token`; `whole`: with its whole history.

        Raises:
            ChainError: the chain cannot be read, or there is no such edition or token.
        """
        chain = self._chain
        head = await chain.head()
        try:
            edition = await chain.edition(collection, number, head)
        except RevertError:
            raise ChainError(f"{collection} has no edition {number}: is the token's id right?") from None
        token = number * TOKENS_PER_EDITION + 1 if token is None else token
        feed = check_feed(await read_feed(chain, edition.feed, head))
        found = await self._reports(edition, feed, head, whole=whole)
        complete = bool(found) and (whole or self._memory is not None)
        full: FullReport | None = None
        reports = [Told(one) for one in found]
        painting = painted_by(edition, reports)
        if painting is not None:
            with suppress(ChainError):
                full = await self._proof(painting.landed)
        told = [await self._told(one.landed, head, full) for one in reports]
        told = [*told[:-DATED], *[await self._dated(one) for one in told[-DATED:]]]
        marked = refused(edition, told)
        return Subject(
            chain_id=await chain.chain_id(),
            token=token,
            edition=edition,
            feed=feed,
            recipe=await self._recipe(edition.recipe),
            painting=painted_by(edition, marked),
            signals=await self._signals(edition, full),
            reports=marked,
            whole=complete,
            now=await self._now(feed),
            opened_time=await self._time(feed.opened_at),
            head=head.number,
        )

    async def _reports(self, edition: Edition, feed: Feed, head: Block, *, whole: bool) -> list[Landed]:
        """The feed's reports: those that the memory holds, else those from the one on that painted the edition."""
        known = [] if self._memory is None else list(self._memory.reports(feed.id))
        if known and any(one.checkpoint == feed.checkpoint for one in known):
            return known
        if known:
            newer = await self._scan(feed, known[-1].block_number + 1, head.number)
            return known + [one for one in newer if one.checkpoint > known[-1].checkpoint]
        if not feed.checkpoint:
            return []
        last = min(feed.updated_block, head.number)
        if whole:
            return await self._scan(feed, max(feed.opened_at, last - SEARCHED), last)
        if edition.content_root == NOTHING:
            return await self._scan(feed, last, last)
        facts = Facts(await self._chain.chain_id(), head, edition.collection, 0, 0, edition, feed, "")
        try:
            setter = await landing.root_setter(self._chain.pool, self._chain.oracle, facts)
        except PatinaError:
            return await self._scan(feed, last, last)
        return await self._scan(feed, setter.block_number, last)

    async def _scan(self, feed: Feed, first: int, last: int) -> list[Landed]:
        topics = [interface("StrategyOracle").topic("Reported"), feed.id.to_bytes(32, "big")]
        found: list[Landed] = []
        pool, oracle = self._chain.pool, self._chain.oracle
        async for some in logs.scan(pool, oracle, topics, (first, last), landing.CHUNK, logs.landed):
            found += some
        return found

    async def _told(self, landed: Landed, head: Block, full: FullReport | None) -> Told:
        ours = full is not None and full.landed == landed
        committee = await self._committee(landed, head)
        names = () if committee is None else tuple(committee.signers[one] for one in committee.members(landed.signers))
        road: Road = "unknown"
        if ours and full is not None:
            names = full.signers or names
            road = "votes" if full.by_vote else "relayed" if full.relayed else "report"
        return Told(landed, committee=None if committee is None else committee.n, signers=names, road=road)

    async def _committee(self, landed: Landed, head: Block) -> Committee | None:
        """The committee under which a report landed, asked for once; None where it is not to be had."""
        config = landed.config_digest
        if config not in self._committees:
            self._committees[config] = None if self._memory is None else self._memory.committee(config)
            if self._committees[config] is None:
                with suppress(PatinaError):
                    self._committees[config] = await committee_of(self._chain, head, landed)
        return self._committees[config]

    async def _dated(self, told: Told) -> Told:
        landed = told.landed
        return replace(
            told, time=await self._time(landed.block_number), checkpoint_time=await self._time(landed.checkpoint)
        )

    async def _time(self, number: int) -> int | None:
        known = None if self._memory is None else self._memory.time(number)
        if known is not None:
            return known
        with suppress(ChainError):
            return (await self._chain.block(number)).timestamp
        return None

    async def _recipe(self, digest: bytes) -> AnyRecipe | None:
        from node.render.reading import read_recipe

        with suppress(PatinaError):
            recipe = read_recipe(await self._blocks.block(digest))
            return recipe if recipe.digest == digest else None
        return None

    async def _signals(self, edition: Edition, full: FullReport | None) -> tuple[int, ...] | None:
        """What the report agreed on, from its calldata or its votes; else from the artworks' own metadata."""
        if full is not None and full.report is not None:
            return full.report.signals
        if full is not None and full.ballots:
            return full.ballots[0].signals
        if edition.content_root == NOTHING:
            return None
        from node.content.edition import token_path

        with suppress(PatinaError):
            path = token_path(edition.id, 1, edition.supply)
            files = await artwork.walk(self._blocks, edition.content_root, path)
            source = (await artwork.read_metadata(self._blocks, files.metadata)).provenance
            return None if source is None else tuple(value for _, value in source.signals)
        return None

    async def _now(self, feed: Feed) -> Measured | None:
        if self._memory is not None:
            count = feed.policy.window + feed.policy.lookback
            found = measured(feed, self._memory.samples(feed.id, count))
            if found is not None:
                return found
        found = await measure(self._chain, feed, await self._chain.finalized())
        if found is None and feed.checkpoint:
            return Measured(feed.checkpoint, feed.answer)  # what was reported last is what anybody can still read
        return found
