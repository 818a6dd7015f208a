"""One round of the protocol on one node: from its own measurement to a quorum's signatures."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from node.agreement import reasons
from node.agreement.announcements import Announcements
from node.agreement.bond import Bond
from node.agreement.decision import Decision
from node.agreement.effects import (
    CancelCompare,
    Compare,
    Dropped,
    Effect,
    RoundDone,
    RoundStarted,
    RoundStatus,
    Trigger,
    ViewChanged,
)
from node.agreement.evidence import Evidence, compose, gather
from node.agreement.likeness import Comparison, Likeness
from node.agreement.lock import Certified, check_lock
from node.agreement.memory import Memory
from node.agreement.messages import (
    MAX_VIEW,
    Artwork,
    Attestation,
    Commit,
    Lock,
    Observation,
    Opened,
    Prepare,
    Proposal,
    Timeout,
    decode,
)
from node.agreement.observations import Observations
from node.agreement.pacemaker import Pacemaker
from node.agreement.painting import Painting
from node.agreement.proposal import Accepted, check_certificate
from node.agreement.report import report_digest
from node.agreement.seat import Seat
from node.errors import AgreementError

_dropped = functools.cache(Dropped)
"""Most messages are announced again and again: one effect a sender and reason, not one a message."""


class Round:
    """State of one (feed, checkpoint). Every step returns the effects that the driver has to carry out, in order.

    `attested` holds the digests that this node made durable in earlier lives, by the reports' views, and `memory`
    what else it bound itself to: it contradicts neither. It resumes in the highest view that it had entered.
    """

    def __init__(self, seat: Seat, trigger: Trigger, now: int, attested: Mapping[int, bytes], memory: Memory) -> None:
        committee = seat.committee
        self._seat = seat
        self._trigger = trigger
        self._key = trigger.key
        self._first_leader = committee.leader(*trigger.key, 0)
        self._bond = Bond(self._key, seat.index, attested, memory, self._recall(memory.lock))
        self._pace = Pacemaker(committee, seat.timing, self._bond.view, now)
        self._pace.wanted = max(self._bond.left, self._bond.view - 1)
        self._said = Announcements(seat.seal)
        self._decision = Decision(self._key, seat, self._bond, self._said.announce)
        self._painting = Painting(trigger)
        self._likeness = Likeness()
        self._observations = Observations(trigger, committee, seat.timing.grace_ms)
        self._accepted: Accepted | None = None
        self._latest: Evidence | None = None
        self._spoilt = False
        self._distrusted: set[int] = set()
        self._unproven: set[int] = set()
        self._started_at = now
        self._repeat_at = now + seat.timing.repeat_ms

    def _recall(self, raw: bytes) -> Certified | None:
        if not raw:
            return None
        lock = decode(raw)
        found = None
        if isinstance(lock, Lock):
            found = check_lock(lock, self._trigger, self._seat.committee, self._seat.verify)
        if found is None:
            raise AgreementError(
                f"feed {self._key.feed}, checkpoint {self._key.checkpoint}: the journal holds a lock that does not fit"
                " what this node measures there now: it takes no part in this round"
            )
        return found

    # -- steps -------------------------------------------------------------------------------------------------

    def start(self, now: int) -> list[Effect]:
        """Announce this node's observation, and go on with what an earlier life had bound itself to."""
        effects: list[Effect] = [RoundStarted(self._key)]
        if self._pace.wanted >= 0:
            effects += self._ask_to_leave(self._pace.wanted)
        trigger = self._trigger
        observation = Observation(trigger.feed, trigger.checkpoint, trigger.block_hash, trigger.answer, trigger.signals)
        announced = self._said.announce("observation", observation)
        effects.append(announced)
        lock = self._bond.lock
        if lock is not None and lock.view == self._pace.view:
            effects += self._accept(Accepted(lock.evidence, lock, None), now)
        opened = Opened(self._seat.index, observation, announced.raw)
        # A node alone is a quorum: its own Timeout of an earlier life carries it on.
        return effects + self._observe(opened, observation, now) + self._follow_timeouts(now)

    def receive(self, opened: Opened, now: int) -> list[Effect]:
        """Take a verified message of this round."""
        effects = self._receive(opened, now)
        if opened.sender != self._seat.index:
            return effects
        # A broker hands a node its own publications too: those are no news.
        no_news = _dropped(self._seat.index, reasons.REPEATED)
        return [effect for effect in effects if effect != no_news]

    def _receive(self, opened: Opened, now: int) -> list[Effect]:
        message = opened.message
        if isinstance(message, Observation):
            return self._observe(opened, message, now)
        if isinstance(message, Proposal):
            return self._consider(opened, message, now)
        if isinstance(message, Artwork):
            return self._take(opened, message, now)
        if isinstance(message, Prepare):
            stale = message.view < self._pace.view
            return self._drop(opened.sender, reasons.STALE) if stale else self._hear_prepare(opened, message)
        if isinstance(message, Commit):
            return self._decision.hear_commit(opened, message)
        if isinstance(message, Lock):
            return self._hear_lock(opened.sender, message, now)
        if isinstance(message, Attestation):
            return self._decision.signatures.count(opened.sender, message)
        return self._hear_timeout(opened, message, now)

    def rendered(self, view: int, content_root: bytes, now: int, tolerant: bool) -> list[Effect]:
        """The render asked for in `view` is done; it serves whichever view has the same inputs by now.

        A `tolerant` one is this node's own and no one else's: reports carry the root of their view's leader.
        """
        inputs = self._painting.done(view, content_root, now)
        if inputs is None:
            return []
        if tolerant:
            self._likeness.rendered(inputs)
            self._pace.allow_leader(now, self._painting.took(inputs))
        self._pace.allow_signatures(now)
        return self._judge(now)

    def progressed(self, view: int, now: int) -> None:
        """The render or the comparison asked for in `view` got further: so may the leader's."""
        running = self._likeness.running
        if view == self._painting.view:
            self._pace.allow_render(now)
        elif running is not None and view == running.view:
            self._pace.allow_picture(now)

    def compared(self, view: int, root: bytes, alike: bool, now: int) -> list[Effect]:
        """Whether the leader's artwork is what this node rendered, and nothing else."""
        if not self._likeness.judge(view, root, alike):
            return []
        self._pace.allow_signatures(now)
        return self._judge(now)

    def render_failed(self, view: int) -> list[Effect]:
        """The render asked for in `view` came to nothing; a later view's proposal asks again."""
        self._painting.failed(view)
        return []

    def attested(self, view: int, digest: bytes, signature: bytes) -> list[Effect]:
        """The digest is durable in the journal, and signed: release the signature."""
        return self._decision.attested(view, digest, signature)

    def tick(self, now: int) -> list[Effect]:
        """Whatever is due: proposing, leaving the view, announcing again."""
        effects = self._propose(now)
        if self._pace.expired(now) and not self._decision.signatures.complete:
            effects += self._ask_to_leave(self._pace.view) + self._follow_timeouts(now)
        if now >= self._repeat_at:
            self._repeat_at = now + self._seat.timing.repeat_ms
            effects += self._said.all()
        return effects

    def due(self) -> int:
        """When `tick` has something to do, if nothing else happens."""
        due = self._repeat_at
        if self._pace.wanted < self._pace.view < MAX_VIEW and not self._decision.signatures.complete:
            due = min(due, self._pace.deadline)
        if self._observations.due is not None and self._may_propose():
            due = min(due, self._observations.due)
        return due

    def stop(self) -> list[Effect]:
        """Let go of everything that is under way."""
        return [*self._painting.cancel(), *self._stop_comparing()]

    def close(self, landed: bool) -> list[Effect]:
        """Nothing more comes of this round here."""
        return [*self.stop(), RoundDone(self._key, landed)]

    def status(self) -> RoundStatus:
        """The round as status pages show it."""
        if self._decision.signatures.complete:
            phase = "transmitting"
        elif self._bond.signing:
            phase = "attesting"
        elif self._bond.lock is not None and self._bond.lock.view == self._pace.view:
            phase = "committing"
        elif self._decision.judged:
            phase = "preparing"
        elif self._accepted is not None:
            rendered = self._painting.root(self._accepted.evidence.inputs) is not None
            phase = "comparing" if rendered else "rendering"
        else:
            phase = "observing" if self._observations.due is None else "proposing"
        return RoundStatus(
            self._key,
            self._pace.view,
            self._leader(self._pace.view),
            phase,
            len(self._observations),
            self._decision.signatures.most(),
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

    @staticmethod
    def _drop(sender: int, reason: str) -> list[Effect]:
        return [_dropped(sender, reason)]

    def _observe(self, opened: Opened, observation: Observation, now: int) -> list[Effect]:
        reason = self._observations.add(opened, observation, now)
        return self._propose(now) if reason is None else self._drop(opened.sender, reason)

    def _may_propose(self) -> bool:
        view = self._pace.view
        return (
            self._accepted is None
            and view > max(self._bond.prepared, self._bond.left)
            and not self._spoilt
            and self._leader(view) == self._seat.index
            and self._pace.certificate(view, self._bond.lock) is not None
        )

    def _propose(self, now: int) -> list[Effect]:
        if not self._may_propose():
            return []
        held = self._bond.lock
        lock, chosen = (None, self._choose(now)) if held is None else (held.lock, ())
        certificate = self._pace.certificate(self._pace.view, held)
        if chosen is None or certificate is None:
            return []
        proposal = Proposal(*self._key, self._pace.view, chosen, certificate, lock)
        broadcast = self._said.announce("proposal", proposal)
        return [broadcast, *self._consider(Opened(self._seat.index, proposal, broadcast.raw), proposal, now)]

    def _choose(self, now: int) -> tuple[bytes, ...] | None:
        """The observations to propose: those of an earlier view again, for their render serves again."""
        return self._observations.choice(now) if self._latest is None else self._latest.envelopes

    def _consider(self, opened: Opened, proposal: Proposal, now: int) -> list[Effect]:
        view, sender = proposal.view, opened.sender
        if sender != self._leader(view):
            return self._drop(sender, reasons.NOT_LEADER)
        if view < self._pace.view:
            return self._drop(sender, reasons.STALE)
        if view == self._pace.view and self._accepted is not None:
            known = self._accepted.proposed
            same = known is None or (known[0].observations, known[0].lock) == (proposal.observations, proposal.lock)
            return self._drop(sender, reasons.REPEATED) if same else self._expose(opened, now)
        if view == self._pace.view and self._spoilt:
            return self._drop(sender, reasons.BAD_PROPOSAL)
        if view in self._unproven:
            return self._drop(sender, reasons.UNCERTIFIED)
        committee, verify = self._seat.committee, self._seat.verify
        lock = None if proposal.lock is None else self._checked(proposal.lock)
        proven = proposal.lock is None or lock is not None
        certificate = check_certificate(proposal, lock, committee, verify) if proven else None
        if certificate is None:
            # An honest leader proposes what proves itself: the next one from this view's would be a waste of checks.
            self._unproven.add(view)
            return self._drop(sender, reasons.UNCERTIFIED)
        effects: list[Effect] = []
        if view > self._pace.view:
            self._pace.learn(certificate)
            effects += self._enter(view, now)
        if lock is None:
            evidence = gather(proposal.observations, self._trigger, committee, verify)
        else:
            effects += self._decision.hold(lock)
            evidence = None if proposal.observations else lock.evidence
        if evidence is None:
            # Its leader cannot mend it: whatever else it sends in this view is not worth the checking.
            self._spoilt = True
            return effects + self._drop(sender, reasons.BAD_PROPOSAL)
        return effects + self._accept(Accepted(evidence, lock, (proposal, opened.raw)), now)

    def _checked(self, lock: Lock) -> Certified | None:
        held = self._bond.lock
        if held is not None and held.lock == lock:
            return held
        return check_lock(lock, self._trigger, self._seat.committee, self._seat.verify)

    def _accept(self, accepted: Accepted, now: int) -> list[Effect]:
        self._accepted, self._latest = accepted, accepted.evidence
        self._pace.allow_render(now)
        asked = self._painting.ask(self._pace.view, accepted.evidence.inputs, now)
        return asked + self._judge(now)

    # -- judging and preparing -----------------------------------------------------------------------------------

    def _judge(self, now: int) -> list[Effect]:
        """Prepare the view's report once this node's own render bears it out."""
        accepted, view = self._accepted, self._pace.view
        if accepted is None or self._decision.judged:
            return []
        inputs = accepted.evidence.inputs
        own = self._painting.root(inputs)
        root = None if own is None else self._claimed(accepted, own)
        if own is None or root is None:
            return []
        if root != own:
            if not self._likeness.concerns(inputs):
                return [Dropped(self._leader(view), reasons.OTHER_REPORT)]
            # A lock holds Prepares of f+1 honest nodes, whose renders bore its root out. Were it compared again, a
            # false leader at the edge of the tolerance could lock what too few would ever commit to, for good.
            alike = True if accepted.lock is not None else self._likeness.verdict(inputs, root, own)
            if alike is None:
                return self._compare(Comparison(view, inputs, root), own, now)
            if not alike:
                return self._refuse(view, now)
        origin = view if accepted.lock is None else accepted.lock.lock.origin
        report = compose(self._trigger, accepted.evidence, origin, root)
        digest = report_digest(self._seat.committee.domain, report)
        effects = self._decision.prepare(view, accepted.evidence, report, digest)
        return [*effects, *self._offer(view, digest)]

    def _claimed(self, accepted: Accepted, own: bytes) -> bytes | None:
        """The root that the view's report carries; None while its leader has not shown it."""
        if accepted.lock is not None:
            return accepted.lock.lock.root
        if not self._likeness.concerns(accepted.evidence.inputs) or self._leader(self._pace.view) == self._seat.index:
            return own
        offered = self._likeness.offered(self._pace.view)
        return None if offered is None else offered[0].root

    def _hear_lock(self, sender: int, message: Lock, now: int) -> list[Effect]:
        held = self._bond.lock
        if held is not None and message.view <= held.view:
            return self._drop(sender, reasons.REPEATED if message == held.lock else reasons.STALE)
        if sender in self._distrusted:
            return self._drop(sender, reasons.UNCERTIFIED)
        lock = self._checked(message)
        if lock is None:
            # Whoever sends one that proves nothing is not worth the checking of another.
            self._distrusted.add(sender)
            return self._drop(sender, reasons.UNCERTIFIED)
        effects: list[Effect] = []
        if lock.view > self._pace.view:
            effects += self._enter(lock.view, now)
        effects += self._decision.hold(lock)
        if lock.view == self._pace.view and self._accepted is None:
            effects += self._accept(Accepted(lock.evidence, lock, None), now)
        return effects + self._propose(now)

    # -- agreeing by tolerance -----------------------------------------------------------------------------------

    def _offer(self, view: int, digest: bytes) -> list[Effect]:
        """This node leads and has bound itself to its own render: only then it is shown, so never two in one view."""
        accepted = self._accepted
        if accepted is None or accepted.lock is not None or self._leader(view) != self._seat.index:
            return []
        if not self._bond.holds(view, digest):
            return []
        root = self._painting.root(accepted.evidence.inputs)
        if root is None or not self._likeness.concerns(accepted.evidence.inputs):
            return []
        return [self._said.announce("artwork", Artwork(self._key.feed, self._key.checkpoint, view, root))]

    def _take(self, opened: Opened, artwork: Artwork, now: int) -> list[Effect]:
        """What a view's leader offers; it may come before its proposal, and before this node's own render is done."""
        if opened.sender != self._leader(artwork.view):
            return self._drop(opened.sender, reasons.NOT_LEADER)
        if artwork.view < self._pace.view:
            return self._drop(opened.sender, reasons.STALE)
        reason = self._likeness.offer(artwork, opened)
        if reason == reasons.CONFLICTING and artwork.view == self._pace.view:
            return self._expose(opened, now)
        if reason is not None:
            return self._drop(opened.sender, reason)
        return self._judge(now) if artwork.view == self._pace.view else []

    def _compare(self, comparison: Comparison, own: bytes, now: int) -> list[Effect]:
        if not self._likeness.begin(comparison):
            return []
        # Fetching and comparing an edition takes its time, as rendering it does.
        self._pace.allow_comparison(now, self._painting.took(comparison.inputs))
        return [Compare(self._key, comparison.view, own, comparison.root)]

    def _refuse(self, view: int, now: int) -> list[Effect]:
        """The leader's artwork is not what this node rendered: nothing will be signed here in this view.

        It is no proof against the leader: floats differ, and this node may be the odd one.
        """
        return [Dropped(self._leader(view), reasons.UNLIKE), *self._give_up(view, now)]

    def _stop_comparing(self) -> list[Effect]:
        running, self._likeness.running = self._likeness.running, None
        return [] if running is None else [CancelCompare(self._key, running.view)]

    # -- views ---------------------------------------------------------------------------------------------------

    def _give_up(self, view: int, now: int) -> list[Effect]:
        """Ask to leave the view before its time is up: nothing comes of it."""
        if not self._pace.wanted < view < MAX_VIEW or self._decision.signatures.complete:
            return []
        return self._ask_to_leave(view) + self._follow_timeouts(now)

    def _expose(self, opened: Opened, now: int) -> list[Effect]:
        """The view's leader said another thing before: let everyone see both, and wait for neither.

        Under the view's lock it is too late to matter: a quorum has prepared one of the two.
        """
        view, lock = self._pace.view, self._bond.lock
        effects = self._drop(opened.sender, reasons.CONFLICTING)
        if self._pace.wanted >= view or (lock is not None and lock.view == view):
            return effects
        effects += self._pass_on() + self._said.pass_on("second", opened.message, opened.raw)
        return effects + self._give_up(view, now)

    def _pass_on(self) -> list[Effect]:
        """From now on announce what the view's leader said to this node; whatever was not announced yet."""
        proposed = None if self._accepted is None else self._accepted.proposed
        offered = self._likeness.offered(self._pace.view)
        effects: list[Effect] = [] if proposed is None else self._said.pass_on("proposal", *proposed)
        return effects if offered is None else effects + self._said.pass_on("artwork", *offered)

    def _hear_prepare(self, opened: Opened, prepare: Prepare) -> list[Effect]:
        effects = self._decision.hear_prepare(opened, prepare)
        if Dropped(opened.sender, reasons.OTHER_REPORT) in effects:
            # Its sender lies, or the leader said another thing there: whoever sees both knows which.
            effects += self._pass_on()
        return effects

    def _ask_to_leave(self, view: int) -> list[Effect]:
        effects, timeout = self._bond.leave(view)
        broadcast = self._said.announce("timeout", timeout)
        self._pace.wanted = max(self._pace.wanted, view)
        self._pace.note(self._seat.index, timeout, broadcast.raw)
        effects.append(broadcast)
        if self._bond.lock is not None:
            effects.append(self._said.announce("lock", self._bond.lock.lock))
        return effects

    def _hear_timeout(self, opened: Opened, timeout: Timeout, now: int) -> list[Effect]:
        if not self._pace.note(opened.sender, timeout, opened.raw):
            return self._drop(opened.sender, reasons.REPEATED)
        if timeout.view >= self._pace.view and self._accepted is not None and self._accepted.proposed is not None:
            # Whoever wants to leave may have missed the proposal: from now on this node announces it as well.
            self._pass_on()
        return self._follow_timeouts(now)

    def _follow_timeouts(self, now: int) -> list[Effect]:
        effects: list[Effect] = []
        joinable = self._pace.joinable()
        if joinable >= self._pace.view and joinable > self._pace.wanted:
            effects += self._ask_to_leave(joinable)
        view = min(self._pace.certified() + 1, MAX_VIEW)
        if view > self._pace.view:
            effects += self._enter(view, now)
        return effects + self._propose(now)

    def _enter(self, view: int, now: int) -> list[Effect]:
        self._pace.enter(view, now)
        self._accepted = None
        self._decision.enter()
        self._spoilt = False
        self._said.enter()
        self._likeness.enter(view)
        return [*self._stop_comparing(), ViewChanged(self._key, view, self._leader(view))]
