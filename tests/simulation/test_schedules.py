"""A network that is the adversary: whatever it does, honest members sign one report of a round; and it would notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from node.agreement import lock as locks
from node.agreement import pacemaker, proposal
from node.agreement.ballots import Ballots
from node.agreement.bond import Bond
from node.agreement.decision import Decision
from node.agreement.effects import Effect
from node.agreement.memory import Memory
from node.agreement.messages import Commit, Timeout
from node.agreement.simulator import schedules
from node.agreement.simulator.schedules import PARTING, SEESAW, DisagreementError, Play, explore

SEEDS = 400
"""Enough for every plant, with room: the rarest of them shows in about one of a hundred."""


@pytest.mark.parametrize(
    ("play", "nodes", "seeds"),
    [(PARTING, 4, SEEDS), (PARTING, 5, 100), (PARTING, 6, 100), (PARTING, 7, 100), (SEESAW, 4, 100)],
    ids=lambda part: getattr(part, "name", ""),
)
def test_explore__adversarial_orders__one_report_signed_at_most(play: Play, nodes: int, seeds: int) -> None:
    signed: Counter[int] = Counter()
    views: Counter[int] = Counter()
    for seed in range(seeds):
        found = explore(seed, nodes, play=play)
        signed[found.signed] += 1
        views[found.highest_view] += 1
    # The schedules mean something only if rounds come to an end in them, and not all in their first view.
    assert signed[1] > seeds // (2 if play is PARTING else 10)
    assert sum(count for view, count in views.items() if view > 1) > seeds // 2


def test_explore__same_seed__same_schedule() -> None:
    assert explore(3) == explore(3)


def sign_under_a_lock(patch: pytest.MonkeyPatch) -> None:
    """Two phases in place of three: a lock is enough to sign."""

    def hasty(self: Decision) -> list[Effect]:
        commit = self._bond.commit()
        report = None if commit is None else self.signatures.known(commit.digest)
        return [] if commit is None or report is None else self._bond.attest(report, commit.digest)

    patch.setattr(Decision, "_commit", hasty)


def hide_the_lock(patch: pytest.MonkeyPatch) -> None:
    """Timeouts do not name the lock."""
    leave = Bond.leave

    def silent(self: Bond, view: int) -> tuple[list[Effect], Timeout]:
        effects, timeout = leave(self, view)
        return effects, Timeout(timeout.feed, timeout.checkpoint, timeout.view)

    patch.setattr(Bond, "leave", silent)


def free_choice(patch: pytest.MonkeyPatch) -> None:
    """A leader may propose what it likes, whatever locks the Timeouts name."""
    for module in (locks, pacemaker, proposal):
        patch.setattr(module, "justified", lambda timeout, view, lock: timeout.view >= view - 1)


def commit_after_leaving(patch: pytest.MonkeyPatch) -> None:
    """A node commits in a view that it asked to leave."""

    def late(self: Bond) -> Commit | None:
        lock = self.lock
        if lock is None or lock.digest not in self._borne_out:
            return None
        return Commit(*self._key, lock.view, lock.digest)

    patch.setattr(Bond, "commit", late)


def amnesia(patch: pytest.MonkeyPatch) -> None:
    """A restarted node knows its signatures, and nothing else that it was bound to."""
    restart = schedules._Member.restart

    def forgetful(self: schedules._Member) -> list[object]:
        self.memory = Memory()
        return list(restart(self))

    patch.setattr(schedules._Member, "restart", forgetful)


def add_views_up(patch: pytest.MonkeyPatch) -> None:
    """Commits of several views to one report make a decision together."""

    def lenient(self: Ballots, digest: bytes) -> bool:
        return sum(any(said == digest for said, _ in mine.values()) for mine in self._kept) >= self._quorum

    patch.setattr(Ballots, "decided", lenient)


@pytest.mark.parametrize(
    ("plant", "play", "acts"),
    [
        (sign_under_a_lock, PARTING, 12),
        (hide_the_lock, PARTING, 12),
        (free_choice, PARTING, 12),
        (commit_after_leaving, PARTING, 12),
        (amnesia, PARTING, 12),
        (add_views_up, SEESAW, 8),
    ],
    ids=lambda part: getattr(part, "__name__", None) or getattr(part, "name", ""),
)
def test_explore__bug_planted__found_and_the_seed_replays_it(
    plant: Callable[[pytest.MonkeyPatch], None], play: Play, acts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    found = None
    for seed in range(SEEDS):
        try:
            explore(seed, acts=acts, play=play)
        except DisagreementError as error:
            found = (seed, str(error))
            break
    assert found is not None, f"{plant.__name__} was not found in {SEEDS} schedules"
    with pytest.raises(DisagreementError) as again:
        explore(found[0], acts=acts, play=play)
    assert str(again.value) == found[1]
