"""Drives the agreement machine: feeds it messages and time, and carries out the effects it asks for."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import structlog

from node.agreement.effects import (
    Attest,
    Broadcast,
    CancelCompare,
    CancelRender,
    Compare,
    Dropped,
    Effect,
    Remember,
    Render,
    RoundDone,
    RoundKey,
    RoundStarted,
    RoundStatus,
    Transmit,
    Trigger,
    ViewChanged,
)
from node.agreement.machine import MAX_ROUNDS_PER_FEED
from node.agreement.memory import Memory
from node.agreement.messages import kind_of
from node.agreement.report import typed_data
from node.artworks.paint import Likeness
from node.clock import milliseconds
from node.durations import ROUND_S, Durations
from node.errors import (
    AgreementError,
    ContentError,
    EquivocationError,
    GossipError,
    JournalError,
    JournalUnwritableError,
    PatinaError,
)
from node.gossip.queues import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from node.agreement.committee import Committee
    from node.agreement.machine import Machine
    from node.agreement.messages import Opened
    from node.artworks.paint import Paint
    from node.chain.types import Landed
    from node.gossip.transport import Gossip
    from node.journal import Journal
    from node.keys.signing import Signer
    from node.rounds.transmit import Transmitter

OUTBOX = 8_192
OUTBOX_BYTES = 32 * 1024 * 1024
"""What waits to be published, by turns; the machine announces its messages again, so some may go."""
TICK_MS = 50
FETCH_AGAIN = 1.0
"""Seconds between attempts at a leader's artwork that nobody had yet."""
BEGIN_AGAIN_MS = 5_000
"""Between attempts at a round that the journal could not keep."""

log = structlog.get_logger("rounds")


class RoundDriver:
    """One node's part in agreement: the machine is pure, everything around it happens here."""

    def __init__(
        self,
        machine: Machine,
        committee: Committee,
        journal: Journal,
        signer: Signer,
        gossip: Gossip,
        open_envelope: Callable[[bytes], Opened],
        transmitter: Transmitter,
    ) -> None:
        self._machine = machine
        self._committee = committee
        self._journal = journal
        self._signer = signer
        self._gossip = gossip
        self._open = open_envelope
        self._transmitter = transmitter
        self._paints: dict[RoundKey, Paint] = {}
        self._rendering: dict[tuple[RoundKey, int], asyncio.Task[None]] = {}
        self._comparing: dict[tuple[RoundKey, int], asyncio.Task[None]] = {}
        self._likenesses: dict[RoundKey, dict[bytes, Likeness]] = {}
        self._sending: dict[RoundKey, set[asyncio.Task[None]]] = {}
        self._triggers: dict[RoundKey, Trigger] = {}
        self._stalled: dict[RoundKey, tuple[Trigger, Paint]] = {}
        self._begin_again_at = 0
        self._outbox: Turns[tuple[str, bytes]] = Turns(
            OUTBOX, weigh=lambda message: len(message[1]), heaviest=OUTBOX_BYTES
        )
        self._group: asyncio.TaskGroup | None = None
        self._waiting: list[Effect] = []
        self.counters: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        """Steps of rounds and messages by kind, for metrics: `round started`, `view entered`, `heard observation`."""
        self.took = Durations(ROUND_S)
        """How long rounds took that landed, in seconds from their beginning here."""
        self._began: dict[RoundKey, int] = {}

    async def run(self) -> None:
        """Take messages, keep time and publish until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            waiting, self._waiting = self._waiting, []
            self._apply(waiting)
            group.create_task(self._receive())
            group.create_task(self._tick())
            group.create_task(self._publish())

    async def begin(self, trigger: Trigger, paint: Paint) -> None:
        """Enter the round of this node's own measurement; what the journal holds of it binds the node."""
        if self._journal.protection.given_up(self._committee.config_digest, trigger.feed, trigger.checkpoint):
            log.warning("takes no part in a round, for good", feed=trigger.feed, checkpoint=trigger.checkpoint)
            return
        self._begin(trigger, paint)

    def _begin(self, trigger: Trigger, paint: Paint) -> None:
        place = (self._committee.config_digest, trigger.feed, trigger.checkpoint)
        held = self._journal.attestations.digests(*place)
        memory = self._journal.promises.of(*place) or Memory()
        try:
            effects = self._machine.begin(trigger, milliseconds(), held, memory)
        except AgreementError as error:
            log.error("takes no part in a round", feed=trigger.feed, checkpoint=trigger.checkpoint, error=str(error))
            return
        if effects:  # none: it is open already and goes on as it was, or its feed has moved on
            self._paints[trigger.key] = paint
            self._triggers[trigger.key] = trigger
        self._apply(effects)

    def in_flight(self, feed: int) -> int | None:
        """Return the newest checkpoint of the feed's open rounds, or None."""
        keys = [*(status.key for status in self._machine.rounds()), *self._stalled]
        return max((key.checkpoint for key in keys if key.feed == feed), default=None)

    @property
    def stalled(self) -> bool:
        """Whether a round waits for the journal to be written."""
        return bool(self._stalled)

    def status(self) -> Sequence[RoundStatus]:
        """Return every open round."""
        return self._machine.rounds()

    def landed(self, report: Landed) -> None:
        """End the rounds that a landed report has overtaken.

        Those for checkpoints before the block in which it landed judged a state of the oracle that is gone: a later
        checkpoint judges anew.
        """
        self._stalled = {
            key: held
            for key, held in self._stalled.items()
            if key.feed != report.feed or key.checkpoint >= report.block_number
        }
        self._apply(self._machine.landed(report.feed, report.block_number - 1, milliseconds()))

    def undone(self, report: Landed) -> None:
        """A landed report was taken back: the rounds that it ended, which the journal holds open, may begin again."""
        self._machine.undone(report.feed, report.checkpoint)

    def progressed(self, feed: int) -> None:
        """A picture of the feed's was drawn or compared: its rounds get further, and are given the time."""
        now = milliseconds()
        for key, view in [*self._rendering, *self._comparing]:
            if key.feed == feed:
                self._apply(self._machine.progressed(key, view, now))

    async def _receive(self) -> None:
        while True:
            raw = await self._gossip.incoming.get()
            try:
                opened = self._open(raw)
            except GossipError as error:
                self.counters[f"dropped {error}"] += 1
                continue
            self.counters["accepted"] += 1
            self.happened[f"heard {kind_of(opened.message)}"] += 1
            self._apply(self._machine.receive(opened, milliseconds()))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_MS / 1000)
            now = milliseconds()
            self._apply(self._machine.tick(now))
            if self._stalled and now >= self._begin_again_at:
                self._begin_again_at = now + BEGIN_AGAIN_MS
                self._take_up()

    async def _publish(self) -> None:
        while True:
            kind, raw = await self._outbox.get()
            await self._gossip.publish(kind, raw)
            self.counters["published"] += 1
            self.happened[f"said {kind}"] += 1

    def _apply(self, effects: list[Effect]) -> None:
        """Carry out effects in order; attesting at once brings further effects."""
        if self._group is None:
            self._waiting += effects
            return
        for effect in effects:
            if isinstance(effect, Dropped) or effect.key not in self._stalled:
                self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Remember(key, memory):
                try:
                    self._journal.promises.remember(self._committee.config_digest, *key, memory)
                except JournalError as error:
                    self._stall(key, error)
            case Broadcast():
                if not self._outbox.put((effect.kind, effect.raw)):
                    self.counters["outbox overflow"] += 1
            case Render():
                self._render(effect)
            case CancelRender(key, view):
                task = self._rendering.pop((key, view), None)
                if task is not None:
                    task.cancel()
            case Compare(key, view):
                self._comparing[key, view] = self._spawn(self._compare(effect))
            case CancelCompare(key, view):
                task = self._comparing.pop((key, view), None)
                if task is not None:
                    task.cancel()
            case Attest():
                self._apply(self._attest(effect))
            case Transmit(key):
                sending = self._spawn(self._transmitter.transmit(effect))
                self._sending.setdefault(key, set()).add(sending)
            case Dropped(_, reason):
                self.counters[f"dropped {reason}"] += 1
            case RoundStarted(key):
                self.happened["round started"] += 1
                self._began[key] = milliseconds()
                log.info("round started", feed=key.feed, checkpoint=key.checkpoint)
            case ViewChanged(key, view, leader):
                self.happened["view entered"] += 1
                log.info("view changed", feed=key.feed, checkpoint=key.checkpoint, view=view, leader=leader)
            case RoundDone(key, landed):
                self.happened["round landed" if landed else "round abandoned"] += 1
                began = self._began.pop(key, None)
                if landed and began is not None:
                    self.took.observe((milliseconds() - began) / 1000)
                self._paints.pop(key, None)
                self._triggers.pop(key, None)
                self._likenesses.pop(key, None)
                for sending in self._sending.pop(key, ()):
                    sending.cancel()
                if not landed:
                    self._abandon(key)
                log.info("round over", feed=key.feed, checkpoint=key.checkpoint, landed=landed)

    def _abandon(self, key: RoundKey) -> None:
        try:
            self._journal.rounds.finish(key.feed, key.checkpoint, "abandoned")
            self._journal.pictures.forget(key.feed, key.checkpoint)
        except JournalUnwritableError as error:
            # It stays open in the journal: the next start enters it again, and finds it overtaken.
            log.error("not noted as over", feed=key.feed, checkpoint=key.checkpoint, error=str(error))

    def _stall(self, key: RoundKey, error: JournalError) -> None:
        """Stop a round that the journal could not keep: nothing of it leaves until it can."""
        log.error("a round stands still", feed=key.feed, checkpoint=key.checkpoint, error=str(error))
        self.counters["rounds stalled"] += 1
        effects = self._machine.forget(key)
        trigger, paint = self._triggers.pop(key, None), self._paints.pop(key, None)
        self._began.pop(key, None)
        self._likenesses.pop(key, None)  # pictures; what is painted again is found again
        self._apply(effects)
        if trigger is not None and paint is not None:
            self._stalled[key] = (trigger, paint)
            self._begin_again_at = milliseconds() + BEGIN_AGAIN_MS
            of_feed = sorted(other for other in self._stalled if other.feed == key.feed)
            if len(of_feed) > MAX_ROUNDS_PER_FEED:
                del self._stalled[of_feed[0]]

    def _take_up(self) -> None:
        """Begin stalled rounds again, from what the journal holds of them."""
        stalled, self._stalled = self._stalled, {}
        for key, (trigger, paint) in stalled.items():
            try:
                self._begin(trigger, paint)
            except JournalUnwritableError as error:
                # A disk that takes nothing may give nothing either.
                log.error("a round stands still", feed=key.feed, checkpoint=key.checkpoint, error=str(error))
                self._stalled[key] = (trigger, paint)

    def _attest(self, effect: Attest) -> list[Effect]:
        """Write the attestation, then sign: a crash between the two leaves a promise that was never given away."""
        feed, checkpoint = effect.key
        content = msgspec.json.encode(typed_data(self._committee.domain, effect.report))
        try:
            self._journal.attest(self._committee.config_digest, feed, checkpoint, effect.view, effect.digest, content)
        except EquivocationError as error:
            self.happened["refused to sign"] += 1
            log.error("refused to sign", feed=feed, checkpoint=checkpoint, error=str(error))
            return []
        except JournalError as error:
            self._stall(effect.key, error)
            return []
        signature = self._signer.sign_digest(effect.digest)
        self.happened["attested"] += 1
        log.info("attested", feed=feed, checkpoint=checkpoint, view=effect.view, digest="0x" + effect.digest.hex())
        return self._machine.attested(effect.key, effect.view, effect.digest, signature, milliseconds())

    def _render(self, effect: Render) -> None:
        task = self._spawn(self._paint(effect))
        self._rendering[effect.key, effect.view] = task
        task.add_done_callback(lambda done: self._forget(effect, done))

    def _forget(self, effect: Render, task: asyncio.Task[None]) -> None:
        # The same round may have begun anew while a cancelled render came to its end.
        if self._rendering.get((effect.key, effect.view)) is task:
            del self._rendering[effect.key, effect.view]

    async def _paint(self, effect: Render) -> None:
        try:
            painted = await self._paints[effect.key](effect.answer, effect.signals)
        except Exception as error:
            # Whatever a recipe or a renderer does must not stop the node: other feeds and rounds go on.
            feed, checkpoint = effect.key
            known = isinstance(error, PatinaError)
            self.happened["render failed"] += 1
            log.error("not rendered", feed=feed, checkpoint=checkpoint, error=str(error), exc_info=not known)
            self._apply(self._machine.render_failed(effect.key, effect.view, milliseconds()))
        else:
            now = milliseconds()
            if isinstance(painted, Likeness):
                self._likenesses.setdefault(effect.key, {})[painted.root] = painted
                effects = self._machine.rendered(effect.key, effect.view, painted.root, now, tolerant=True)
            else:
                effects = self._machine.rendered(effect.key, effect.view, painted, now)
            self._apply(effects)

    async def _compare(self, effect: Compare) -> None:
        """Hold the leader's artwork against this node's own, as often as it takes until it can be fetched."""
        feed, checkpoint = effect.key
        own, alike = self._likenesses[effect.key][effect.own], None
        try:
            while alike is None:
                try:
                    alike = await own.alike(effect.root)
                except ContentError as error:
                    log.debug("leader's artwork not there yet", feed=feed, checkpoint=checkpoint, error=str(error))
                    await asyncio.sleep(FETCH_AGAIN)
        except Exception as error:
            # Whatever foreign bytes lead to must not stop the node: the view ends, and the next leader's turn comes.
            known = isinstance(error, PatinaError)
            log.error("not compared", feed=feed, checkpoint=checkpoint, error=str(error), exc_info=not known)
            return
        finally:
            if self._comparing.get((effect.key, effect.view)) is asyncio.current_task():
                del self._comparing[effect.key, effect.view]
        self._apply(self._machine.compared(effect.key, effect.view, effect.root, alike, milliseconds()))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        if self._group is None:
            raise RuntimeError("effects are carried out inside run() only")
        return self._group.create_task(work)
