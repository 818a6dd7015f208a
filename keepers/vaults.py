"""The keeper of vault feeds: sample at final checkpoints, decide triggers, hand rounds to agreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from keepers import policy, signals
from node.chain.failures import state_gone
from node.errors import ChainError, RenderError

if TYPE_CHECKING:
    from node.agreement.effects import Trigger
    from node.artworks.paint import Likeness
    from node.artworks.studio import Studio
    from node.chain.types import Block, Edition, Feed, Sample
    from node.keeper import NodeContext

UNCHANGED = bytes(32)
"""The content root of a report that leaves artworks as they are."""
ALIGNMENT = 4
"""Every so many checkpoints a needed round begins even beside one in flight, so that nodes whose rounds
started at different checkpoints meet in one again."""
GIVE_UP = 5
"""Polls in which no endpoint had an old checkpoint's state, after which it counts as gone."""
THINNED = 16
"""Feeds whose old samples are looked through with each head."""
INT128, INT256 = 1 << 127, 1 << 255

log = structlog.get_logger("keeper.vaults")


class VaultKeeper:
    """Samples every served feed at each of its final checkpoints, exactly once, in order."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._polls = 0
        self._turn = 0
        self._painted: set[int] = set()

    async def resume(self, feeds: Sequence[Feed]) -> None:
        """Enter again every round that the journal holds open, as far as the state that it judged can be read.

        Raises:
            ChainError: the chain cannot be read now; the next call goes on with what is left.
        """
        known = {feed.id: feed for feed in feeds}
        for row in self._context.journal.rounds.unfinished():
            feed = known.get(row.feed)
            sample = self._context.journal.samples.get(row.feed, row.checkpoint)
            if feed is None or sample is None or not fits(row.answer, row.signals):
                self._context.journal.rounds.finish(row.feed, row.checkpoint, "abandoned")
                continue
            try:
                block = await self._context.chain.block(row.checkpoint)
                [edition] = await self._context.chain.editions([(feed.collection, feed.edition)], block)
            except ChainError as error:
                if not state_gone(error):
                    raise
                log.warning("round given up, its state is gone", feed=row.feed, checkpoint=row.checkpoint)
                self._context.journal.rounds.finish(row.feed, row.checkpoint, "abandoned")
                continue
            await self._begin(feed, sample, edition, row.answer, row.signals, row.reason)

    def answers(self, feed: Feed, samples: Sequence[Sample]) -> list[int | None]:
        """Return the answer (wad) at each sample, oldest first; None where the history before it is too short."""
        rule = feed.policy
        needed = policy.samples_needed(rule.window, rule.lookback)
        found = []
        for end in range(1, len(samples) + 1):
            run = consecutive(samples[max(0, end - needed) : end], rule.cadence)
            prices = [one.share_price for one in run]
            found.append(policy.answer(prices, rule.window, rule.lookback, feed.basis))
        return found

    async def final_head(self, head: Block, feeds: Sequence[Feed]) -> None:
        """Handle every checkpoint up to `head` that is not handled yet.

        Raises:
            ChainError: a checkpoint could not be read; nothing of it is stored, and the next call tries it again.
        """
        await self._catch_up(head, feeds)
        self._thin(feeds)

    def _thin(self, feeds: Sequence[Feed]) -> None:
        """Let the journal go of old samples, some feeds a head in turns: it is not due at any moment."""
        if not feeds:
            return
        self._turn %= len(feeds)
        some = feeds[self._turn : self._turn + THINNED]
        self._turn += THINNED
        with self._context.journal.transaction():
            for feed in some:
                self._context.journal.retention.thin(feed.id, feed.policy.cadence, _needed(feed))

    async def _catch_up(self, head: Block, feeds: Sequence[Feed]) -> None:
        pruned = False  # endpoints prune from the past on: patience is needed once, what is gone next is gone too
        while due := self._due(head, feeds):
            checkpoint, group = due
            try:
                await self._handle(checkpoint, group, head)
            except ChainError as error:
                newest = all(checkpoint + feed.policy.cadence > head.number for feed in group)
                self._polls += 1
                if newest or not state_gone(error) or (self._polls < GIVE_UP and not pruned):
                    raise
                pruned = True
                log.warning("checkpoint left out, its state is gone", checkpoint=checkpoint, why=str(error))
                for feed in group:
                    self._advance(max(checkpoint, self._history(feed, head) - feed.policy.cadence), [feed])
            else:
                pruned = False
            self._polls = 0

    def _history(self, feed: Feed, head: Block) -> int:
        """Return the earliest checkpoint that judging the feed at `head` looks back on."""
        rule, needed = feed.policy, _needed(feed)
        earliest = max(feed.opened_at, head.number - rule.cadence * needed)
        return -(-earliest // rule.cadence) * rule.cadence

    def _due(self, head: Block, feeds: Sequence[Feed]) -> tuple[int, list[Feed]] | None:
        """Return the earliest checkpoint that some feed still has to handle, with all feeds it is due for."""
        nexts: dict[int, list[Feed]] = {}
        for feed in feeds:
            cadence = feed.policy.cadence
            done = self._context.journal.cursors.get(cursor(feed.id))
            if done is None:
                done = self._history(feed, head) - 1
            checkpoint = (done // cadence + 1) * cadence
            if checkpoint <= head.number:
                nexts.setdefault(checkpoint, []).append(feed)
        return min(nexts.items(), default=None)

    async def _handle(self, checkpoint: int, feeds: Sequence[Feed], head: Block) -> None:
        chain, journal = self._context.chain, self._context.journal
        block = head if checkpoint == head.number else await chain.block(checkpoint)
        samples = {sample.feed: sample for sample in await chain.sample(feeds, block)}
        measures: list[tuple[Feed, Sample, int, tuple[int, ...]]] = []
        for feed in feeds:
            sample = samples.get(feed.id)
            if sample is None:
                log.warning("abstains: the vault does not answer", feed=feed.id, checkpoint=checkpoint)
            elif (measured := self._measure(feed, sample)) is not None:
                measures.append((feed, sample, *measured))
        editions = await self._editions(measures, block)
        reasons = {
            feed.id: self._reason(feed, sample, editions.get(feed.id), answer) for feed, sample, answer, _ in measures
        }
        resting = [feed for feed, reason in reasons.items() if reason is policy.Trigger.HEARTBEAT]
        beating = policy.heartbeats(resting, checkpoint, feeds[0].policy.cadence)
        rounds = []
        for feed, sample, answer, style in measures:
            reason = reasons[feed.id]
            if reason is policy.Trigger.HEARTBEAT and feed.id not in beating:
                continue
            if reason is not None and self._wanted(feed, checkpoint):
                rounds.append((feed, sample, editions.get(feed.id), answer, style, reason.value))
        unpaid = await self._context.unpaid([feed.id for feed, *_ in rounds])
        rounds = [one for one in rounds if one[0].id not in unpaid]
        with journal.transaction():
            journal.samples.add(samples.values())
            for feed, sample, _, answer, style, why in rounds:
                journal.rounds.open(feed.id, checkpoint, sample.block_hash, answer, style, why)
            self._advance(checkpoint, feeds)
        for feed, sample, edition, answer, style, why in rounds:
            log.info("round begins", feed=feed.id, checkpoint=checkpoint, answer=answer, reason=why)
            await self._begin(feed, sample, edition, answer, style, why)

    async def _editions(
        self, measures: Sequence[tuple[Feed, Sample, int, tuple[int, ...]]], block: Block
    ) -> dict[int, Edition]:
        """Return the editions whose state at `block` matters, in one request: unpainted ones, and those to change."""
        wanted = [
            feed
            for feed, sample, answer, _ in measures
            if feed.id not in self._painted or self._reason(feed, sample, None, answer) is not None
        ]
        found = await self._context.chain.editions([(feed.collection, feed.edition) for feed in wanted], block)
        editions = {feed.id: edition for feed, edition in zip(wanted, found, strict=True) if edition is not None}
        self._painted |= {feed for feed, edition in editions.items() if edition.content_root != UNCHANGED}
        return editions

    def _advance(self, checkpoint: int, feeds: Sequence[Feed]) -> None:
        for feed in feeds:
            self._context.journal.cursors.set(cursor(feed.id), checkpoint)

    def _measure(self, feed: Feed, sample: Sample) -> tuple[int, tuple[int, ...]] | None:
        """Return (answer, signals), or None where the node abstains, having said why."""
        rule = feed.policy
        until = sample.checkpoint - rule.cadence
        known = [*self._context.journal.samples.last(feed.id, _needed(feed) - 1, until), sample]
        run = consecutive(known, rule.cadence)
        answer = policy.answer([one.share_price for one in run], rule.window, rule.lookback, feed.basis)
        since = sample.checkpoint - (signals.HORIZON - 1) * rule.cadence
        opening = -(-feed.opened_at // rule.cadence) * rule.cadence
        why = ""
        if answer is None:
            needed = policy.samples_needed(rule.window, rule.lookback)
            why = f"{len(run)} samples without a gap, {needed} are needed"
        elif known[0].checkpoint > max(since, opening) and self._context.journal.samples.first(feed.id) == known[0]:
            # Others look back further: signals from less history than theirs would be other signals.
            why = "this node's history does not reach back as far as signals look"
        recent = [one for one in known if one.checkpoint >= since]
        style = signals.measure([one.share_price for one in recent], [one.total_supply for one in recent])
        if answer is not None and not fits(answer, style):
            why = "the vault's figures are beyond what the oracle reckons with"
        if answer is None or why:
            log.info("abstains", feed=feed.id, checkpoint=sample.checkpoint, why=why)
            return None
        return answer, style

    def _reason(self, feed: Feed, sample: Sample, edition: Edition | None, answer: int) -> policy.Trigger | None:
        rule = feed.policy
        return policy.trigger(
            checkpoint=sample.checkpoint,
            band=sample.band,
            new_band=policy.next_band(answer, sample.band, rule.thresholds, rule.hysteresis),
            reported_checkpoint=sample.reported_checkpoint,
            opened_at=feed.opened_at,
            heartbeat=policy.heartbeat_after(feed.id, rule.heartbeat, rule.cadence),
            painted=edition is None or not paintable(feed, edition) or self._shown(feed, edition),
        )

    def _shown(self, feed: Feed, edition: Edition) -> bool:
        """Say whether the edition has its first painting.

        One that landed counts even if the collection refused it, or it would be paid for at every checkpoint.
        """
        landed = self._context.landings.last(feed.id)
        return edition.content_root != UNCHANGED or (landed is not None and landed.content_root != UNCHANGED)

    def _wanted(self, feed: Feed, checkpoint: int) -> bool:
        """Say whether a triggered checkpoint deserves a round of its own beside what is under way."""
        if not self._context.takes_part(checkpoint):
            return False
        landed = self._context.landings.block_of_last(feed.id)
        if landed is not None and landed > checkpoint:
            return False  # what the oracle said at this checkpoint is outdated by a report that landed since
        aligned = checkpoint // feed.policy.cadence % ALIGNMENT == 0
        return aligned or self._context.rounds.in_flight(feed.id) is None

    async def _begin(
        self, feed: Feed, sample: Sample, edition: Edition | None, answer: int, style: tuple[int, ...], why: str
    ) -> None:
        from node.agreement.effects import Trigger as RoundTrigger

        trigger: Trigger = RoundTrigger(feed.id, sample.checkpoint, sample.block_hash, answer, style)
        await self._context.rounds.begin(trigger, Painting(self._context.studio, feed, sample, edition, why))


class Painting:
    """What a round paints: a `Paint` that can also be made alone."""

    def __init__(self, studio: Studio, feed: Feed, sample: Sample, edition: Edition | None, why: str) -> None:
        """`why`: the value of the trigger."""
        self._why = why
        self._studio = studio
        self._feed = feed
        self._sample = sample
        self._edition = edition

    async def __call__(self, answer: int, style: Sequence[int]) -> bytes | Likeness:
        """Paint the edition in the band that the answer leads to; zeros where it stays as it is."""
        feed, sample, edition = self._feed, self._sample, self._edition
        rule = feed.policy
        band = policy.next_band(answer, sample.band, rule.thresholds, rule.hysteresis)
        if edition is None or not paintable(feed, edition):
            return UNCHANGED
        if band == sample.band and edition.content_root != UNCHANGED:
            return UNCHANGED
        named = tuple(zip(signals.NAMES, style, strict=True))
        return await self._studio.paint(feed, edition, sample.checkpoint, sample.block_hash, band, named)

    async def alone(self, answer: int, style: Sequence[int]) -> bytes | None:
        """The same without anybody to agree with: zeros for a recipe whose pictures differ from node to node.

        None where the round is for nothing but such a picture: reporting what has not changed would cost gas at
        every checkpoint and end nothing.
        """
        edition = self._edition
        if edition is None or not paintable(self._feed, edition):
            return UNCHANGED
        if not await self._studio.exact(edition):
            return None if self._why == policy.Trigger.FIRST_PAINT.value else UNCHANGED
        painted = await self(answer, style)
        if not isinstance(painted, bytes):
            raise RenderError(f"edition {edition.id}: an exact recipe gave a likeness")
        return painted


def cursor(feed: int) -> str:
    """Return the journal's name for how far a feed's checkpoints are handled."""
    return f"feed {feed}"


def _needed(feed: Feed) -> int:
    """Return how many samples judging the feed looks back on, for its answer and for its signals."""
    return max(signals.HORIZON, policy.samples_needed(feed.policy.window, feed.policy.lookback))


def fits(answer: int, style: Sequence[int]) -> bool:
    """Say whether an answer is an int128 and all signals are int256, as the oracle stores and takes them."""
    return -INT128 <= answer < INT128 and all(-INT256 <= signal < INT256 for signal in style)


def consecutive(samples: Sequence[Sample], cadence: int) -> list[Sample]:
    """Return the longest run of neighbouring checkpoints that ends with the last sample."""
    start = len(samples) - 1
    while start > 0 and samples[start].checkpoint - samples[start - 1].checkpoint == cadence:
        start -= 1
    return list(samples[start:])


def paintable(feed: Feed, edition: Edition) -> bool:
    """Say whether the edition can be painted: revealed, not empty, and bound to this very feed."""
    return edition.revealed and edition.minted > 0 and edition.feed == feed.id
