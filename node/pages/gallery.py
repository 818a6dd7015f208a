"""What the gallery page shows, put together from the chain, the journal and the node's own figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import structlog

from node.artworks.studio import describe
from node.chain.types import NOBODY, TOKENS_PER_EDITION
from node.content.cid import directory_cid, raw_cid
from node.content.edition import token_path
from node.errors import PatinaError
from node.explain.story import scenes
from node.pages.proofs import proof_view
from node.revision import Revision
from node.web.source import EditionView, FeedView, PricePoint, ProofView, Readiness, RepaintView, TokenView, Wad

if TYPE_CHECKING:
    from node.artworks.recipes import Recipes
    from node.chain.client import Chain
    from node.chain.types import Edition, Feed, FullReport, Landed, Sample
    from node.journal import Journal

POINTS = 2_000
"""Samples of a feed that the plot shows, at the most."""
HEADERS = 24
"""Headers that are asked for in one refresh, for their dates alone."""

log = structlog.get_logger("gallery")


@dataclass(frozen=True, slots=True)
class _Painted:
    """One repaint as pages show it, and all that it was made of: it is made anew only when that is another."""

    made_of: tuple[object, ...]
    view: RepaintView
    proof: ProofView


class Gallery:
    """Holds the views that the web page asks for; `refresh` brings them up to date."""

    def __init__(
        self,
        chain: Chain,
        chain_id: int,
        journal: Journal,
        recipes: Recipes,
        answers: Callable[[Feed, Sequence[Sample]], Sequence[int | None]],
        status: Callable[[], dict[str, object]],
        readiness: Callable[[], Readiness],
    ) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._journal = journal
        self._recipes = recipes
        self._answers = answers
        self._status = status
        self._readiness = readiness
        self._views: list[EditionView] = []
        self._reports: dict[tuple[int, int, bytes], FullReport] = {}
        # By edition and checkpoint. Hundreds of repaints of a thousand tokens are not put together at every block,
        # in the event loop of a node that signs.
        self._painted: dict[tuple[str, int], dict[int, _Painted]] = {}
        self._revision = Revision()

    @property
    def revision(self) -> int:
        """Grows with every change that a page should show."""
        return self._revision.number

    async def changed(self, since: int) -> int:
        """Wait until `revision` is above `since`, then return it."""
        return await self._revision.changed(since)

    def editions(self) -> Sequence[EditionView]:
        """All editions with a served feed, in the order of collection and number."""
        return self._views

    def proof(self, collection: str, edition: int, checkpoint: int) -> ProofView | None:
        """The report that repainted an edition at a checkpoint, to be checked by others."""
        found = self._painted.get((collection.lower(), edition), {}).get(checkpoint)
        return None if found is None else found.proof

    def readiness(self) -> Readiness:
        """Whether the node is ready, and if not, why."""
        return self._readiness()

    def status(self) -> dict[str, object]:
        """The node's own figures."""
        return self._status()

    async def refresh(self, feeds: Sequence[Feed], landed: Callable[[int], Sequence[Landed]]) -> None:
        """Build every view again and tell waiting pages if anything differs.

        `landed` gives a feed's reports, oldest first. An edition that cannot be read keeps its last view.
        """
        old = {(view.collection, view.edition): view for view in self._views}
        views = []
        await self._date(feeds, landed)
        for feed in feeds:
            if feed.collection == NOBODY:
                continue  # it paints nothing
            try:
                views.append(await self._edition(feed, landed(feed.id)))
            except PatinaError as error:
                log.warning("edition not shown anew", feed=feed.id, error=str(error))
                if (feed.collection, feed.edition) in old:
                    views.append(old[feed.collection, feed.edition])
        views.sort(key=lambda view: (view.collection, view.edition))
        if views != self._views:
            self._views = views
            self._revision.move()

    async def _date(self, feeds: Sequence[Feed], landed: Callable[[int], Sequence[Landed]]) -> None:
        """Learn when repaints landed and samples were taken; a few headers at a time, the rest at the next refresh."""
        dates, left = self._chain.dates, HEADERS
        for feed in feeds:
            blocks = [report.block_number for report in reversed(landed(feed.id)) if any(report.content_root)]
            left -= await dates.ask(blocks, self._chain.block, left)
        for feed in feeds:
            checkpoints = [sample.checkpoint for sample in self._journal.samples.last(feed.id, POINTS)]
            left -= await dates.ask(dates.gaps(checkpoints), self._chain.block, left)

    async def _edition(self, feed: Feed, landed: Sequence[Landed]) -> EditionView:
        edition = await self._chain.edition(feed.collection, feed.edition)
        recipe = await self._recipes.find(edition.recipe)
        repaints = await self._repaints(edition, feed, landed)
        bands = len(feed.policy.thresholds) + 1
        return EditionView(
            collection=feed.collection,
            edition=edition.id,
            name=recipe.name,
            artist=feed.opener,
            state=("selling", "closed", "revealed")[edition.state - 1],
            band=landed[-1].band if landed else feed.band,
            bands=bands,
            root=directory_cid(_shown_root(edition)),
            token_uri_prefix=_prefix(_shown_root(edition)),
            tokens=[self._token(edition, token, recipe.name) for token in edition.token_ids()],
            feed=self._feed(feed),
            history=repaints,
            chain_id=self._chain_id,
            description=describe(recipe),
            recipe=raw_cid(edition.recipe),
            moods=list(recipe.classes),
            scenes=scenes(recipe),
        )

    def _token(self, edition: Edition, token: int, title: str) -> TokenView:
        painted = any(edition.content_root)
        return TokenView(
            id=str(token),
            name=f"{title} #{token % TOKENS_PER_EDITION}",
            image=_path(edition, _shown_root(edition), token, "png" if painted else "svg"),
            metadata=_path(edition, _shown_root(edition), token, "json"),
        )

    def _feed(self, feed: Feed) -> FeedView:
        samples = self._journal.samples.last(feed.id, POINTS)
        answers = self._answers(feed, samples)
        points = [
            PricePoint(
                sample.checkpoint, str(sample.share_price), _wad(answer), "", *self._chain.dates.of(sample.checkpoint)
            )
            for sample, answer in zip(samples, answers, strict=True)
        ]
        return FeedView(
            id=feed.id,
            vault=feed.vault,
            basis=str(feed.basis),
            thresholds=[str(threshold) for threshold in feed.policy.thresholds],
            hysteresis=str(feed.policy.hysteresis),
            window=feed.policy.window,
            answer=_wad(answers[-1]) if answers else None,
            prices=points,
        )

    async def _repaints(self, edition: Edition, feed: Feed, landed: Sequence[Landed]) -> list[RepaintView]:
        painting = [report for report in landed if any(report.content_root)]
        roots = [edition.placeholder, *(report.content_root for report in painting)]
        home = edition.collection.lower(), edition.id
        known, held = self._painted.get(home, {}), {}
        for report, (before, after) in zip(painting, pairwise(roots), strict=True):
            full = await self.full(report)
            time = self._chain.dates.of(report.block_number)[0]
            made_of = (report, before, after, edition.supply, edition.minted, time)
            one = known.get(report.checkpoint)
            if one is None or one.made_of != made_of or not one.proof.members:
                proof = proof_view(self._journal.configurations, edition, feed.policy, full)
                one = _Painted(made_of, _repaint(edition, full, before, after, time), proof)
            held[report.checkpoint] = one
        self._painted[home] = held
        return [one.view for one in held.values()]

    async def full(self, report: Landed) -> FullReport:
        """A report that repainted something, with its proof, read once. Raises ChainError."""
        key = (report.feed, report.checkpoint, report.block_hash)
        if key not in self._reports:
            self._reports[key] = await self._chain.report(report.feed, report.checkpoint, report)
        return self._reports[key]


def _repaint(edition: Edition, full: FullReport, before: bytes, after: bytes, time: int) -> RepaintView:
    """What a report showed: the roots (32 bytes) before and after it, its block's `time` (Unix, s; 0 if unknown)."""
    report, tokens = full.landed, edition.token_ids()
    first = tokens[0] if edition.minted else edition.id * TOKENS_PER_EDITION + 1
    return RepaintView(
        checkpoint=report.checkpoint,
        block=report.block_number,
        answer=str(report.answer),
        previous_band=report.previous_band,
        band=report.band,
        signers=list(full.signers),
        gas=full.gas_used,
        tx="0x" + report.tx_hash.hex(),
        root=directory_cid(after),
        token_uri_before=f"ipfs:/{_path(edition, before, first, 'json').removeprefix('/ipfs')}",
        token_uri_after=f"ipfs:/{_path(edition, after, first, 'json').removeprefix('/ipfs')}",
        images=[_path(edition, after, token, "png") for token in tokens],
        metadata=[_path(edition, after, token, "json") for token in tokens],
        time=time,
        transmitter=report.transmitter,
    )


def _wad(value: int | None) -> Wad | None:
    return None if value is None else str(value)


def _shown_root(edition: Edition) -> bytes:
    return edition.content_root if any(edition.content_root) else edition.placeholder


def _prefix(root: bytes) -> str:
    return f"ipfs://{directory_cid(root)}/"


def _path(edition: Edition, root: bytes, token: int, suffix: str) -> str:
    if suffix == "svg":
        return f"/ipfs/{_cid(root)}/placeholder.svg"
    name = token_path(edition.id, token % TOKENS_PER_EDITION, edition.supply, suffix)
    return f"/ipfs/{_cid(root)}/{name}"


# An edition of a thousand names each of its roots a few thousand times.
_cid = lru_cache(maxsize=256)(directory_cid)
