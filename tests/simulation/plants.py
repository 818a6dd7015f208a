"""Bugs to plant into the protocol, each at one small seam, and the simulator must find every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from node.agreement import lock as locks
from node.agreement import pacemaker, proposal, signatures, waiting
from node.agreement import round as rounds
from node.agreement.announcements import Announcements
from node.agreement.ballots import Ballots
from node.agreement.bond import Bond
from node.agreement.decision import Decision
from node.agreement.effects import Attest, Dropped, Effect, Remember
from node.agreement.evidence import Evidence, Inputs, gather
from node.agreement.likeness import Likeness
from node.agreement.lock import Certified, check_lock
from node.agreement.machine import Machine
from node.agreement.median import median, medians
from node.agreement.memory import Memory
from node.agreement.messages import NO_DIGEST, NO_LOCK, Commit, Observation, Opened, Timeout, decode
from node.agreement.pacemaker import Pacemaker
from node.agreement.report import Report, report_digest, statement_digest
from node.agreement.round import Round
from node.agreement.seat import Seat
from node.agreement.simulator.nodes import driver
from node.agreement.simulator.nodes.driver import SimulatedNode
from node.agreement.simulator.world.keys import body_of
from node.journal import promises as journal_promises
from node.journal.attestations import Attestations

Plant = Callable[[pytest.MonkeyPatch], None]


# -- what is durable, and when ----------------------------------------------------------------------------------------


def journal_after_send(patch: pytest.MonkeyPatch) -> None:
    """The signature leaves first, and is written down then."""
    attest = SimulatedNode._attest

    def hasty(self: SimulatedNode, machine: Machine, effect: Attest) -> None:
        signature = self.behaviour.signature(effect.digest)
        self._carry_out(machine, machine.attested(effect.key, effect.view, effect.digest, signature, self._clock.now()))
        attest(self, machine, effect)

    patch.setattr(SimulatedNode, "_attest", hasty)


def memory_after_send(patch: pytest.MonkeyPatch) -> None:
    """Everything else leaves first, and is written down then."""
    carry_out = SimulatedNode._carry_out

    def hasty(self: SimulatedNode, machine: Machine, effects: list[Effect]) -> None:
        carry_out(self, machine, sorted(effects, key=lambda effect: isinstance(effect, Remember)))

    patch.setattr(SimulatedNode, "_carry_out", hasty)


def nothing_is_kept(patch: pytest.MonkeyPatch) -> None:
    """Every life begins as if the journal were empty, and the journal does not mind."""
    begin = Machine.begin
    patch.setattr(Machine, "begin", lambda self, trigger, now, attested=None, memory=None: begin(self, trigger, now))
    patch.setattr(journal_promises, "_falls_back", lambda known, memory: False)
    patch.setattr(Attestations, "attest", lambda self, *row: True)


def _forgets(**part: Any) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        begin = Machine.begin

        def partly(self: Machine, trigger: Any, now: int, attested: Any, memory: Memory = Memory()) -> list[Effect]:  # noqa: B008
            return begin(self, trigger, now, attested, replace(memory, **part))

        patch.setattr(Machine, "begin", partly)
        patch.setattr(journal_promises, "_falls_back", lambda known, memory: False)

    return plant


def lock_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A restart loses this part of what the journal holds."""
    _forgets(lock_view=NO_LOCK, lock=b"")(patch)


def prepare_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A restart loses this part of what the journal holds."""
    _forgets(prepared_view=NO_LOCK, prepared_digest=NO_DIGEST)(patch)


def leaving_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A restart loses this part of what the journal holds."""
    _forgets(left=NO_LOCK)(patch)


# -- quorums and digests ----------------------------------------------------------------------------------------------


def _few(name: str) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        init = Decision.__init__

        def few(self: Decision, key: Any, seat: Seat, *rest: Any) -> None:
            init(self, key, seat, *rest)
            setattr(self, name, Ballots(seat.committee.n, seat.committee.f + 1))

        patch.setattr(Decision, "__init__", few)

    return plant


def f_plus_one_prepares_lock(patch: pytest.MonkeyPatch) -> None:
    """A lock takes f+1 Prepares: enough to hold an honest one, too few to exclude another lock."""

    def lenient(lock: Any, trigger: Any, committee: Any, verify: Any) -> Any:
        weak = SimpleNamespace(n=committee.n, domain=committee.domain, quorum=committee.f + 1)
        return check_lock(lock, trigger, weak, verify)  # type: ignore[arg-type]

    _few("_prepares")(patch)
    patch.setattr(rounds, "check_lock", lenient)


def f_plus_one_commits_decide(patch: pytest.MonkeyPatch) -> None:
    """f+1 Commits are enough to sign."""
    _few("_commits")(patch)


def no_view_in_the_digest(patch: pytest.MonkeyPatch) -> None:
    """Reports of all views have one digest."""

    def viewless(domain: Any, report: Any) -> bytes:
        return report_digest(domain, replace(report, view=0))

    def viewless_too(domain: Any, statement: Any) -> bytes:
        return statement_digest(domain, statement._replace(view=0))

    patch.setattr(rounds, "report_digest", viewless)
    patch.setattr(locks, "report_digest", viewless)
    patch.setattr(signatures, "statement_digest", viewless_too)
    patch.setattr(driver, "statement_digest", viewless_too)


# -- what leaders choose ----------------------------------------------------------------------------------------------


def observations_are_unverified(patch: pytest.MonkeyPatch) -> None:
    """The median is of whatever the envelopes in a proposal contain, whoever signed them."""

    def credulous(raw: bytes) -> Opened:
        return Opened(raw[0], decode(body_of(raw)), raw)

    def trusting(envelopes: Any, trigger: Any, committee: Any, _: Any) -> Evidence | None:
        return gather(envelopes, trigger, committee, credulous)

    patch.setattr(rounds, "gather", trusting)
    patch.setattr(locks, "gather", trusting)


def choice_is_unchecked(patch: pytest.MonkeyPatch) -> None:
    """Any genuine observations will do: however few, of whatever block, and one as often as the leader likes."""

    def lax(envelopes: Any, trigger: Any, committee: Any, verify: Any) -> Evidence | None:
        opened = [verify(raw) for raw in envelopes]
        found = [each.message for each in opened if each is not None and isinstance(each.message, Observation)]
        if not found or any(len(each.signals) != len(trigger.signals) for each in found):
            return None
        answers = tuple(sorted(each.answer for each in found))
        observers = sum({1 << each.sender for each in opened if each is not None})
        inputs = Inputs(median(answers), medians([each.signals for each in found]))
        return Evidence(tuple(envelopes), observers, answers, inputs)

    patch.setattr(rounds, "gather", lax)
    patch.setattr(locks, "gather", lax)


def highest_lock_is_not_demanded(patch: pytest.MonkeyPatch) -> None:
    """A leader may propose what it likes, whatever locks the Timeouts of its certificate name."""

    def lax(timeout: Timeout, view: int, _: object) -> bool:
        return timeout.view >= view - 1

    patch.setattr(proposal, "justified", lax)
    patch.setattr(pacemaker, "justified", lax)


# -- locks ------------------------------------------------------------------------------------------------------------


def attests_without_a_lock(patch: pytest.MonkeyPatch) -> None:
    """Whoever renders the proposed report signs it at once."""
    prepare = Decision.prepare

    def hasty(self: Decision, view: int, evidence: Evidence, report: Report, digest: bytes) -> list[Effect]:
        return [*prepare(self, view, evidence, report, digest), *self._bond.attest(report, digest)]

    patch.setattr(Decision, "prepare", hasty)


def attests_without_a_decision(patch: pytest.MonkeyPatch) -> None:
    """A lock is enough to sign its report: two reports gather signatures over several views."""
    hold = Decision.hold

    def hasty(self: Decision, lock: Certified) -> list[Effect]:
        effects = hold(self, lock)
        return effects if self._bond.commit() is None else [*effects, *self._bond.attest(lock.report, lock.digest)]

    patch.setattr(Decision, "hold", hasty)


def lock_is_not_declared(patch: pytest.MonkeyPatch) -> None:
    """Timeouts say that their sender holds no lock."""
    leave = Bond.leave

    def silent(self: Bond, view: int) -> tuple[list[Effect], Timeout]:
        effects, timeout = leave(self, view)
        return effects, Timeout(timeout.feed, timeout.checkpoint, timeout.view)

    patch.setattr(Bond, "leave", silent)


def commits_in_a_view_it_left(patch: pytest.MonkeyPatch) -> None:
    """Asking to leave a view binds nobody: a lock of it that comes late is committed to all the same."""
    commit = Bond.commit

    def forgetful(self: Bond) -> Commit | None:
        kept = self._memory
        self._memory = replace(kept, left=NO_LOCK)
        try:
            return commit(self)
        finally:
            self._memory = kept

    patch.setattr(Bond, "commit", forgetful)


def prepares_in_a_view_it_left(patch: pytest.MonkeyPatch) -> None:
    """Asking to leave a view does not keep a node from preparing in it."""
    prepare = Bond.prepare

    def forgetful(self: Bond, view: int, digest: bytes) -> list[Effect] | None:
        kept = self._memory
        self._memory = replace(kept, left=NO_LOCK)
        effects = prepare(self, view, digest)
        self._memory = replace(self._memory, left=kept.left)
        return effects

    patch.setattr(Bond, "prepare", forgetful)


def prepares_twice(patch: pytest.MonkeyPatch) -> None:
    """A node prepares whatever its view's leader proposes, as often as that changes its mind."""
    consider = Round._consider

    def fickle(self: Round, opened: Opened, message: Any, now: int) -> list[Effect]:
        if message.view == self._pace.view and self._accepted is not None:
            self._accepted = None
            self._decision.enter()
            self._bond._memory = replace(self._bond._memory, prepared_view=NO_LOCK)
        return consider(self, opened, message, now)

    patch.setattr(Round, "_consider", fickle)
    patch.setattr(journal_promises, "_falls_back", lambda known, memory: False)


# -- pictures ---------------------------------------------------------------------------------------------------------


def artworks_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    """What a leader shows is taken for true."""
    patch.setattr(Likeness, "verdict", lambda self, inputs, root, own: True)


# -- liveness and memory ----------------------------------------------------------------------------------------------


def nobody_leaves_a_view(patch: pytest.MonkeyPatch) -> None:
    """Views have no end."""
    patch.setattr(Pacemaker, "expired", lambda self, now: False)


def timeouts_lead_nowhere(patch: pytest.MonkeyPatch) -> None:
    """Timeouts are counted by nobody."""
    patch.setattr(Round, "_follow_timeouts", lambda self, now: [])


def claimed_locks_are_waited_for(patch: pytest.MonkeyPatch) -> None:
    """A leader that heard of a lock waits until it sees it, though the lock may never have been."""
    certificate = Pacemaker.certificate

    def patient(self: Pacemaker, view: int, lock: Any) -> tuple[bytes, ...] | None:
        held = NO_LOCK if lock is None else lock.view
        if any(timeout.locked_view > held for timeout, _ in self._timeouts.values()):
            return None
        return certificate(self, view, lock)

    patch.setattr(Pacemaker, "certificate", patient)


def locks_are_kept_secret(patch: pytest.MonkeyPatch) -> None:
    """Whoever holds a lock names it, and shows it to nobody."""
    announce = Announcements.announce

    def secretive(self: Announcements, slot: str, message: Any) -> Any:
        broadcast = announce(self, slot, message)
        if slot == "lock":
            del self._said[slot]
            return Dropped(0, "secret")
        return broadcast

    patch.setattr(Announcements, "announce", secretive)


def waiting_has_no_end(patch: pytest.MonkeyPatch) -> None:
    """Messages of rounds that never begin are kept for ever."""
    patch.setattr(waiting.WaitingRoom.__init__, "__defaults__", (1 << 40,))
