"""One round of the protocol on one node: from its own measurement to a quorum's signatures."""

from __future__ import annotations

from collections.abc import Mapping

from node.agreement import reasons
from node.agreement.effects import (
    Attest,
    Broadcast,
    CancelCompare,
    CancelRender,
    Compare,
    Dropped,
    Effect,
    Render,
    RoundDone,
    RoundStarted,
    RoundStatus,
    Transmit,
    Trigger,
    ViewChanged,
)
from node.agreement.likeness import Comparison, Likeness
from node.agreement.messages import (
    MAX_VIEW,
    Artwork,
    Attestation,
    Message,
    Observation,
    Opened,
    Proposal,
    Timeout,
)
from node.agreement.pacemaker import Pacemaker
from node.agreement.proposal import Accepted, Inputs, check_certificate, check_proposal, matches
from node.agreement.report import Report, report_digest
from node.agreement.seat import Seat
from node.agreement.tally import Tally


class Round:
    """State of one (feed, checkpoint). Every step returns the effects that the driver has to carry out, in order.

    `attested` holds the digests that this node made durable in earlier lives, by view: in those views it may only
    attest the same again. The node resumes in the highest of them, since it had entered it.
    """

    def __init__(self, seat: Seat, trigger: Trigger, now: int, attested: Mapping[int, bytes]) -> None:
        self._seat = seat
        self._trigger = trigger
        self._key = trigger.key
        self._first_leader = seat.committee.leader(*trigger.key, 0)
        self._attested = dict(attested)
        self._pace = Pacemaker(seat.committee, seat.timing, max(self._attested, default=0), now)
        self._tally = Tally(seat.committee.signers, seat.committee.quorum, seat.recover)
        self._observations: dict[int, Opened] = {}
        self._quorum_at: int | None = None
        self._accepted: Accepted | None = None
        self._latest: Accepted | None = None
        self._spoilt = False
        self._roots: dict[Inputs, bytes] = {}
        self._rendering: tuple[int, Inputs] | None = None
        self._likeness = Likeness()
        self._rendering_since = now
        self._reports: dict[int, tuple[Report, bytes]] = {}
        self._transmitted: set[int] = set()
        self._own: dict[str, Broadcast] = {}
        self._started_at = now
        self._repeat_at = now + seat.timing.repeat_ms

    # -- steps -------------------------------------------------------------------------------------------------

    def start(self, now: int) -> list[Effect]:
        """Announce this node's observation."""
        effects: list[Effect] = [RoundStarted(self._key)]
        if self._pace.view:
            effects += self._ask_to_leave(self._pace.view - 1)
        trigger = self._trigger
        observation = Observation(trigger.feed, trigger.checkpoint, trigger.block_hash, trigger.answer, trigger.signals)
        effects.append(self._announce("observation", observation))
        opened = Opened(self._seat.index, observation, self._own["observation"].raw)
        return effects + self._observe(opened, observation, now)

    def receive(self, opened: Opened, now: int) -> list[Effect]:
        """Take a verified message of this round."""
        message = opened.message
        if isinstance(message, Observation):
            return self._observe(opened, message, now)
        if isinstance(message, Proposal):
            return self._consider(opened, message, now)
        if isinstance(message, Artwork):
            return self._take(opened, message, now)
        if isinstance(message, Attestation):
            return self._count(opened.sender, message)
        return self._hear_timeout(opened, message, now)

    def rendered(self, view: int, content_root: bytes, now: int, tolerant: bool) -> list[Effect]:
        """The render asked for in `view` is done; it serves whichever view has the same inputs by now.

        A `tolerant` one is this node's own and no one else's: reports carry the root of their view's leader.
        """
        if self._rendering is None or self._rendering[0] != view:
            return []
        inputs = self._rendering[1]
        self._roots[inputs] = content_root
        self._rendering = None
        if tolerant:
            self._likeness.rendered(inputs)
            self._pace.allow_leader(now, now - self._rendering_since)
        self._pace.allow_signatures(now)
        return self._report(now)

    def progressed(self, view: int, now: int) -> None:
        """The render or the comparison asked for in `view` got further: so may the leader's."""
        asked = self._rendering or self._likeness.running
        if asked is not None and asked[0] == view:
            self._pace.allow_render(now)

    def compared(self, view: int, root: bytes, alike: bool, now: int) -> list[Effect]:
        """Whether the leader's artwork is what this node rendered, and nothing else."""
        return self._report(now) if self._likeness.judge(view, root, alike) else []

    def render_failed(self, view: int) -> list[Effect]:
        """The render asked for in `view` came to nothing; a later view's proposal asks again."""
        if self._rendering is not None and self._rendering[0] == view:
            self._rendering = None
        return []

    def attested(self, view: int, digest: bytes, signature: bytes) -> list[Effect]:
        """The digest is durable in the journal, and signed: release the signature."""
        if self._reports.get(view, (None, b""))[1] != digest:
            return []
        attestation = Attestation(self._key.feed, self._key.checkpoint, view, digest, signature)
        effects: list[Effect] = [*self._offer(view), self._announce("attestation", attestation)]
        return effects + self._count(self._seat.index, attestation)

    def tick(self, now: int) -> list[Effect]:
        """Whatever is due: proposing, leaving the view, announcing again."""
        effects = self._propose(now)
        if self._pace.expired(now) and not self._transmitted:
            effects += self._ask_to_leave(self._pace.view) + self._follow_timeouts(now)
        if now >= self._repeat_at:
            self._repeat_at = now + self._seat.timing.repeat_ms
            effects += self._own.values()
        return effects

    def due(self) -> int:
        """When `tick` has something to do, if nothing else happens."""
        due = self._repeat_at
        if self._pace.wanted < self._pace.view < MAX_VIEW and not self._transmitted:
            due = min(due, self._pace.deadline)
        if self._quorum_at is not None and self._may_propose():
            due = min(due, self._quorum_at + self._seat.timing.grace_ms)
        return due

    def close(self, landed: bool) -> list[Effect]:
        """Nothing more comes of this round here."""
        effects: list[Effect] = []
        if self._rendering is not None:
            effects.append(CancelRender(self._key, self._rendering[0]))
        return [*effects, *self._stop_comparing(), RoundDone(self._key, landed)]

    def status(self) -> RoundStatus:
        """The round as status pages show it."""
        view = self._pace.view
        digest = self._reports[view][1] if view in self._reports else None
        if self._transmitted:
            phase = "transmitting"
        elif digest is not None:
            phase = "attesting"
        elif self._accepted is not None:
            phase = "comparing" if self._accepted.inputs in self._roots else "rendering"
        else:
            phase = "observing" if self._quorum_at is None else "proposing"
        return RoundStatus(
            self._key,
            view,
            self._leader(view),
            phase,
            len(self._observations),
            0 if digest is None else self._tally.count(view, digest),
            self._pace.count(),
            self._started_at,
        )

    @property
    def trigger(self) -> Trigger:
        """The measurement that started the round."""
        return self._trigger

    # -- observing and proposing ---------------------------------------------------------------------------------

    def _leader(self, view: int) -> int:
        # The committee's own rule, without its hash each time.
        return (self._first_leader + view) % self._seat.committee.n

    def _announce(self, slot: str, message: Message) -> Broadcast:
        if slot == "attestation" and slot in self._own:
            # A quorum of the view before may still be coming together.
            self._own["earlier attestation"] = self._own[slot]
        broadcast = Broadcast(message, self._seat.seal(message))
        self._own[slot] = broadcast
        return broadcast

    def _drop(self, sender: int, reason: str) -> list[Effect]:
        # A broker hands a node its own publications too: those are no news.
        return [] if sender == self._seat.index and reason == reasons.REPEATED else [Dropped(sender, reason)]

    def _observe(self, opened: Opened, observation: Observation, now: int) -> list[Effect]:
        known = self._observations.get(opened.sender)
        if known is not None:
            same = known.message == observation
            return self._drop(opened.sender, reasons.REPEATED if same else reasons.CONFLICTING)
        if not matches(observation, self._trigger):
            return self._drop(opened.sender, reasons.OTHER_BLOCK)
        self._observations[opened.sender] = opened
        if self._quorum_at is None and len(self._observations) >= self._seat.committee.quorum:
            self._quorum_at = now
        return self._propose(now)

    def _may_propose(self) -> bool:
        view = self._pace.view
        return (
            self._accepted is None
            and view not in self._attested
            and not self._spoilt
            and self._leader(view) == self._seat.index
            and self._pace.certificate(view) is not None
        )

    def _propose(self, now: int) -> list[Effect]:
        if not self._may_propose():
            return []
        chosen = self._choose(now)
        certificate = self._pace.certificate(self._pace.view)
        if chosen is None or certificate is None:
            return []
        proposal = Proposal(self._key.feed, self._key.checkpoint, self._pace.view, chosen, certificate)
        broadcast = self._announce("proposal", proposal)
        return [broadcast, *self._consider(Opened(self._seat.index, proposal, broadcast.raw), proposal, now)]

    def _choose(self, now: int) -> tuple[bytes, ...] | None:
        """The observations to propose: those of an earlier view again, for their render serves again."""
        if self._latest is not None:
            return self._latest.proposal.observations
        if self._quorum_at is None:
            return None
        everyone = len(self._observations) == self._seat.committee.n
        if not everyone and now < self._quorum_at + self._seat.timing.grace_ms:
            return None
        return tuple(opened.raw for _, opened in sorted(self._observations.items()))

    def _consider(self, opened: Opened, proposal: Proposal, now: int) -> list[Effect]:
        view = proposal.view
        if opened.sender != self._leader(view):
            return self._drop(opened.sender, reasons.NOT_LEADER)
        if view < self._pace.view:
            return self._drop(opened.sender, reasons.STALE)
        if view == self._pace.view and self._accepted is not None:
            same = self._accepted.proposal.observations == proposal.observations
            return self._drop(opened.sender, reasons.REPEATED if same else reasons.CONFLICTING)
        if view == self._pace.view and self._spoilt:
            return self._drop(opened.sender, reasons.BAD_PROPOSAL)
        certificate = check_certificate(proposal, self._seat.committee, self._seat.verify)
        if certificate is None:
            return self._drop(opened.sender, reasons.UNCERTIFIED)
        effects: list[Effect] = []
        if view > self._pace.view:
            self._pace.learn(certificate)
            effects += self._enter(view, now)
        accepted = check_proposal(opened, self._trigger, self._seat.committee, self._seat.verify)
        if accepted is None:
            # Its leader cannot mend it: whatever else it sends in this view is not worth the checking.
            self._spoilt = True
            return effects + self._drop(opened.sender, reasons.BAD_PROPOSAL)
        self._accepted = self._latest = accepted
        self._pace.allow_render(now)
        return effects + self._render(now)

    # -- rendering and attesting ---------------------------------------------------------------------------------

    def _render(self, now: int) -> list[Effect]:
        if self._accepted is None:
            return []
        inputs, effects = self._accepted.inputs, list[Effect]()
        if self._rendering is not None:
            if self._rendering[1] == inputs:
                return []
            effects.append(CancelRender(self._key, self._rendering[0]))
            self._rendering = None
        if inputs in self._roots:
            return effects + self._report(now)
        self._rendering, self._rendering_since = (self._pace.view, inputs), now
        render = Render(self._key, self._pace.view, self._trigger.block_hash, inputs.answer, inputs.signals)
        return [*effects, render]

    def _report(self, now: int) -> list[Effect]:
        accepted, view = self._accepted, self._pace.view
        if accepted is None or accepted.inputs not in self._roots:
            return []
        root = self._roots[accepted.inputs]
        if self._likeness.concerns(accepted.inputs) and self._leader(view) != self._seat.index:
            offered = self._likeness.offered(view)
            if offered is None:
                return []
            own, root = root, offered[0].root
            alike = self._likeness.verdict(accepted.inputs, root, own)
            if alike is None:
                return self._compare(Comparison(view, accepted.inputs, root), own, now)
            if not alike:
                return self._refuse(view, now)
        report = Report(
            feed=self._key.feed,
            checkpoint=self._key.checkpoint,
            block_hash=self._trigger.block_hash,
            view=view,
            observers=accepted.observers,
            observations=accepted.observations,
            signals=accepted.inputs.signals,
            content_root=root,
        )
        digest = report_digest(self._seat.committee.domain, report)
        self._reports[view] = (report, digest)
        if self._attested.setdefault(view, digest) != digest:
            return [Dropped(self._seat.index, reasons.ALREADY_ATTESTED), *self._transmit(view)]
        return [Attest(self._key, view, report, digest), *self._transmit(view)]

    # -- agreeing by tolerance -----------------------------------------------------------------------------------

    def _offer(self, view: int) -> list[Effect]:
        """This node leads and has bound itself to its own render: only then it is shown, so never two in one view."""
        accepted = self._accepted
        if accepted is None or view != self._pace.view or self._leader(view) != self._seat.index:
            return []
        if not self._likeness.concerns(accepted.inputs):
            return []
        root = self._roots[accepted.inputs]
        return [self._announce("artwork", Artwork(self._key.feed, self._key.checkpoint, view, root))]

    def _take(self, opened: Opened, artwork: Artwork, now: int) -> list[Effect]:
        """What a view's leader offers; it may come before its proposal, and before this node's own render is done."""
        if opened.sender != self._leader(artwork.view):
            return self._drop(opened.sender, reasons.NOT_LEADER)
        if artwork.view < self._pace.view:
            return self._drop(opened.sender, reasons.STALE)
        reason = self._likeness.offer(artwork, opened)
        if reason is not None:
            return self._drop(opened.sender, reason)
        if artwork.view != self._pace.view or artwork.view in self._reports:
            return []
        return self._report(now)

    def _compare(self, comparison: Comparison, own: bytes, now: int) -> list[Effect]:
        if not self._likeness.begin(comparison):
            return []
        # Fetching and comparing an edition takes its time, as rendering it does.
        self._pace.allow_render(now)
        return [Compare(self._key, comparison.view, own, comparison.root)]

    def _refuse(self, view: int, now: int) -> list[Effect]:
        """The leader's artwork is not what this node rendered: nothing will be signed here in this view.

        It is no proof against the leader: floats differ, and this node may be the odd one.
        """
        effects: list[Effect] = [Dropped(self._leader(view), reasons.UNLIKE)]
        if self._pace.wanted < view < MAX_VIEW and not self._transmitted:
            effects += self._ask_to_leave(view) + self._follow_timeouts(now)
        return effects

    def _stop_comparing(self) -> list[Effect]:
        running, self._likeness.running = self._likeness.running, None
        return [] if running is None else [CancelCompare(self._key, running.view)]

    # -- signatures ----------------------------------------------------------------------------------------------

    def _count(self, sender: int, attestation: Attestation) -> list[Effect]:
        reason = self._tally.add(sender, attestation)
        if reason is not None:
            return self._drop(sender, reason)
        known = self._reports.get(attestation.view)
        if known is None:
            return []
        if known[1] != attestation.digest:
            return self._drop(sender, reasons.OTHER_REPORT)
        return self._transmit(attestation.view)

    def _transmit(self, view: int) -> list[Effect]:
        report, digest = self._reports[view]
        effects: list[Effect] = [Dropped(sender, reasons.BAD_SIGNATURE) for sender in self._tally.check(view, digest)]
        signed = self._tally.quorum(view, digest)
        if signed is None or view in self._transmitted:
            return effects
        self._transmitted.add(view)
        return [*effects, Transmit(self._key, view, report, digest, *signed)]

    # -- views ---------------------------------------------------------------------------------------------------

    def _ask_to_leave(self, view: int) -> list[Effect]:
        timeout = Timeout(self._key.feed, self._key.checkpoint, view)
        broadcast = self._announce("timeout", timeout)
        self._pace.wanted = max(self._pace.wanted, view)
        self._pace.note(self._seat.index, view, broadcast.raw)
        return [broadcast]

    def _hear_timeout(self, opened: Opened, timeout: Timeout, now: int) -> list[Effect]:
        if not self._pace.note(opened.sender, timeout.view, opened.raw):
            return self._drop(opened.sender, reasons.REPEATED)
        if timeout.view >= self._pace.view and self._accepted is not None:
            # Whoever wants to leave may have missed the proposal: from now on this node announces it as well.
            self._own.setdefault("proposal", Broadcast(self._accepted.proposal, self._accepted.raw))
            offered = self._likeness.offered(self._pace.view)
            if offered is not None:
                self._own.setdefault("artwork", Broadcast(*offered))
        return self._follow_timeouts(now)

    def _follow_timeouts(self, now: int) -> list[Effect]:
        effects: list[Effect] = []
        joinable = self._pace.joinable()
        if joinable >= self._pace.view and joinable > self._pace.wanted:
            effects += self._ask_to_leave(joinable)
        view = min(self._pace.certified() + 1, MAX_VIEW)
        if view > self._pace.view:
            effects += self._enter(view, now) + self._propose(now)
        return effects

    def _enter(self, view: int, now: int) -> list[Effect]:
        self._pace.enter(view, now)
        self._accepted = None
        self._spoilt = False
        self._own.pop("proposal", None)
        self._own.pop("artwork", None)
        self._likeness.enter(view)
        return [*self._stop_comparing(), ViewChanged(self._key, view, self._leader(view))]
