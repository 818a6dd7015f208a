"""Votes on chain for due rounds while gossip brings nothing, and leaves them to gossip when it does."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from node.artworks.paint import Alone, Likeness
from node.chain.failures import UnpaidError
from node.chain.sending.accounts import Accounts
from node.errors import ChainError, EquivocationError, PatinaError, RevertError
from node.keeper import Rounds
from node.rounds.transmit import turn
from node.voting.ballot import ballot, vote_key
from node.voting.patience import Patience
from node.voting.seen import voters

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.agreement.effects import RoundKey, RoundStatus, Trigger
    from node.artworks.paint import Paint
    from node.chain.client import Chain
    from node.chain.sending.sender import Sender
    from node.chain.types import Landed
    from node.gossip.hearing import Hearing
    from node.journal import Journal
    from node.rounds.landings import Landings

UNCHANGED: Final = bytes(32)
MAX_ROUNDS_PER_FEED: Final = 4
GAS: Final = 1_000_000
"""The least gas of a vote: the one that completes a quorum counts the median and calls back, which an estimate made
before the others' votes were mined knows nothing of."""
RETRY: Final = 10.0
"""Seconds between attempts at a vote that could not be made ready or sent."""

AT_WORK: Final = frozenset({"rendering", "comparing", "transmitting"})
"""Phases in which a round waits for this node or the chain, not for what others say."""

log = structlog.get_logger("voting")


@dataclass(frozen=True, slots=True)
class Due:
    """A round that this node's own measurement has triggered, and since when (seconds)."""

    trigger: Trigger
    paint: Paint
    since: float


class Driven(Rounds, Protocol):
    """Agreement, as far as it has to be known where a round stands."""

    def status(self) -> Sequence[RoundStatus]:
        """Return every open round."""


class Voter:
    """Stands between keepers and agreement: every round goes on to gossip, and is voted for when gossip is silent.

    A node votes for a feed's newest due round that is called for (`Patience`), a stage after it began. A vote and a
    signature for the same round do not contradict each other: the oracle takes whichever has its quorum first, and
    nothing for that checkpoint afterwards.
    """

    def __init__(
        self,
        rounds: Driven,
        chain: Chain,
        committee: Committee,
        index: int,
        journal: Journal,
        sender: Sender,
        landings: Landings,
        brokers_gone_for: Callable[[], float],
        hearing: Hearing,
        *,
        after: float,
        stage: float,
        pause: float,
        enabled: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`after`, `stage` (before a round is voted for, and between those beyond a quorum) and `pause` are seconds.

        Without `enabled` it only hands rounds on.
        """
        self._rounds = rounds
        self._chain = chain
        self._committee = committee
        self._index = index
        self._own = committee.signers[index]
        self._journal = journal
        self._sender = sender
        self._landings = landings
        self._patience = Patience(brokers_gone_for, hearing, f=committee.f, after=after, clock=clock)
        self._after = after
        self._stage = stage
        self._pause = pause
        self._enabled = enabled
        self._clock = clock
        self._accounts = Accounts(chain.pool)
        self._due: dict[RoundKey, Due] = {}
        self._done: set[RoundKey] = set()
        self._looked: float | None = None
        self._voting: dict[RoundKey, asyncio.Task[None]] = {}
        self.counters: Counter[str] = Counter()
        self.retired = False
        """Whether the committee is in force no more: the oracle takes its reports for a while, but no votes."""

    async def begin(self, trigger: Trigger, paint: Paint) -> None:
        """Enter a round, on gossip first."""
        if not self._overtaken(trigger.feed, trigger.checkpoint):
            self._due.setdefault(trigger.key, Due(trigger, paint, self._clock()))
            self._done.discard(trigger.key)  # begun again: what was sent may have been reorganised away
            of_feed = sorted(key for key in self._due if key.feed == trigger.feed)
            for key in of_feed[:-MAX_ROUNDS_PER_FEED]:
                self._drop(key)
        await self._rounds.begin(trigger, paint)

    def in_flight(self, feed: int) -> int | None:
        """Return the newest checkpoint of the feed's open rounds, or None."""
        return self._rounds.in_flight(feed)

    def landed(self, report: Landed) -> None:
        """Give up the rounds that a landed report has overtaken."""
        self._patience.landed(report.feed)
        for key in [key for key in self._due if key.feed == report.feed and key.checkpoint < report.block_number]:
            self._drop(key)

    def silent_for(self) -> float:
        """Seconds with something to say in which too few members were heard."""
        return self._patience.silent_for()

    def status(self) -> dict[str, object]:
        """Return figures for status pages."""
        return {
            "silent_s": round(self._patience.silent_for(), 1),
            "after_s": self._after,
            "due": [{"feed": key.feed, "checkpoint": key.checkpoint} for key in sorted(self._due)],
            "preparing": [{"feed": key.feed, "checkpoint": key.checkpoint} for key in sorted(self._voting)],
            "sent": self.counters["votes sent"],
        }

    async def run(self) -> None:
        """Vote where it is called for, until cancelled."""
        if not self._enabled:
            return
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    await self.step(group)
                except ChainError as error:
                    log.warning("votes not looked up, trying again", error=str(error))
                await asyncio.sleep(self._pause)

    async def step(self, group: asyncio.TaskGroup) -> None:
        """Look once whether a vote is called for, or is not any more.

        Raises:
            ChainError: the others' votes cannot be read.
        """
        at_work = [status.key for status in self._rounds.status() if status.phase in AT_WORK]
        self._patience.keep_time({key: due.since for key, due in self._due.items()}, at_work)
        for key, task in list(self._voting.items()):
            if not self._called_for(key):
                log.info("vote left to gossip", feed=key.feed, checkpoint=key.checkpoint)
                task.cancel()
        busy = {key.feed for key in self._voting}
        newest = {key.feed: key for key in sorted(self._due)}
        for feed, key in newest.items():
            # One at a time: a round whose artworks are being painted is voted for before a newer one.
            # And not at once: to the others gossip may be there, and their report on its way.
            if feed in busy or key in self._done or self._clock() - self._due[key].since < self._stage:
                continue
            if self._called_for(key) and self._patience.rested(key):
                task = self._voting[key] = group.create_task(self._vote(self._due[key]))
                task.add_done_callback(partial(self._voted, key))
        await self._look()

    def _voted(self, key: RoundKey, _: object) -> None:
        self._voting.pop(key, None)

    def _called_for(self, key: RoundKey) -> bool:
        return not self.retired and self._patience.called_for(key)

    async def _look(self) -> None:
        """Look up who voted for rounds that gossip has not brought to an end in good time."""
        now = self._clock()
        old = [key.checkpoint for key, due in self._due.items() if now - due.since >= self._after]
        if self.retired or not old or (self._looked is not None and now - self._looked < self._after / 10):
            return
        head = await self._chain.head()
        found = await voters(self._chain, min(old), head.number, self._committee.signers)
        self._patience.voted = {place: who - {self._own} for place, who in found.items()}
        self._looked = now

    async def _vote(self, due: Due) -> None:
        feed, checkpoint = due.trigger.key
        while True:
            try:
                if self._overtaken(feed, checkpoint):
                    return
                await self._cast(due)
            except EquivocationError as error:
                log.error("does not vote", feed=feed, checkpoint=checkpoint, error=str(error))
            except RevertError as error:
                if "already voted" not in str(error):
                    # Most often the report has landed, which the next look shows; an endpoint that lags refuses too.
                    log.info("vote not sent", feed=feed, checkpoint=checkpoint, why=str(error))
                    if await self._pause_or_yield(due.trigger.key):
                        return
                    continue
            except UnpaidError as error:
                log.error("vote waits for funds", feed=feed, checkpoint=checkpoint, error=str(error))
            except PatinaError as error:
                log.warning("vote not ready", feed=feed, checkpoint=checkpoint, error=str(error))
                if await self._pause_or_yield(due.trigger.key):
                    return
                continue
            except Exception:
                # Whatever a recipe or a renderer does must not stop the node: other feeds and rounds go on.
                log.exception("vote not ready", feed=feed, checkpoint=checkpoint)
                if await self._pause_or_yield(due.trigger.key):
                    return
                continue
            self._done.add(due.trigger.key)
            return

    async def _pause_or_yield(self, key: RoundKey) -> bool:
        """Wait before another attempt; say whether a newer round of the feed is to be voted for in its place."""
        await asyncio.sleep(RETRY)
        return any(other.feed == key.feed and other.checkpoint > key.checkpoint for other in self._due)

    async def _cast(self, due: Due) -> None:
        """Make the vote ready and hand it to the sender, which sees it through from then on.

        Raises:
            PatinaError: it is not to be sent, or not yet.
        """
        trigger, config = due.trigger, self._committee.config_digest
        feed, checkpoint = trigger.key
        name = vote_key(config, feed, checkpoint)
        sent = self._journal.transactions.get(name)
        if sent is None:
            self._journal.protection.check(config, feed, checkpoint)
            # What the oracle refuses whatever the artworks are is not painted for.
            trial = self._calldata(due, UNCHANGED)
            refusal = await self._accounts.reverts(self._sender.address, self._committee.oracle, trial)
            if refusal is not None:
                raise RevertError(refusal)
            root = await paint_alone(due)
            if root is None:
                log.info("nothing to vote for alone", feed=feed, checkpoint=checkpoint)
                return
            await asyncio.sleep(self._late(trigger.key) * self._stage)
            if self._overtaken(feed, checkpoint) or not self._called_for(trigger.key):
                return
            named = ballot(config, feed, checkpoint, trigger.block_hash, trigger.signals, root)
            self._journal.votes.cast(config, feed, checkpoint, named)
            calldata = self._calldata(due, root)
        else:
            calldata = sent.calldata
        tx = await self._sender.send(name, self._committee.oracle, calldata, least_gas=GAS)
        if sent is None:
            self.counters["votes sent"] += 1
            self._patience.cast(trigger.key)
        silent = round(self._patience.silent_for())
        log.warning("voted on chain", feed=feed, checkpoint=checkpoint, tx="0x" + tx.hex(), silent_s=silent)

    def _late(self, key: RoundKey) -> int:
        """Return how many stages this node waits: a quorum votes at once, the others in case it was not enough."""
        place = f"vote {key.feed} {key.checkpoint}".encode()
        mine = turn(self._committee.config_digest + place, self._index, self._committee.n)
        return max(0, mine - self._committee.quorum + 1)

    def _calldata(self, due: Due, root: bytes) -> bytes:
        found = due.trigger
        return self._chain.vote_calldata(
            found.feed, found.checkpoint, found.block_hash, found.answer, found.signals, root
        )

    def _overtaken(self, feed: int, checkpoint: int) -> bool:
        """Say whether a report landed after this checkpoint: the oracle takes none for it any more."""
        newest = self._landings.block_of_last(feed)
        return newest is not None and newest > checkpoint

    def _drop(self, key: RoundKey) -> None:
        self._due.pop(key, None)
        self._done.discard(key)
        task = self._voting.get(key)
        if task is not None:
            task.cancel()


async def paint_alone(due: Due) -> bytes | None:
    """Return the content root that this node can vouch for by itself; zeros where artworks stay as they are.

    None where it has nothing to report by itself.

    A recipe that agrees by tolerance gives every node another root, so that no votes would add up: those leave the
    artworks to the next report.
    """
    answer, signals = due.trigger.answer, due.trigger.signals
    painter: object = due.paint
    if isinstance(painter, Alone):
        return await painter.alone(answer, signals)
    painted = await due.paint(answer, signals)
    return UNCHANGED if isinstance(painted, Likeness) else painted
