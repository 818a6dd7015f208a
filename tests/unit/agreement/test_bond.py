"""What a node may bind itself to: the rules that safety rests on, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.agreement import reasons
from node.agreement.bond import Bond
from node.agreement.effects import Attest, Dropped, Remember, RoundKey
from node.agreement.evidence import compose, gather
from node.agreement.lock import Certified
from node.agreement.memory import Memory
from node.agreement.messages import NO_DIGEST, Commit, Lock, Observation, decode
from node.agreement.report import report_digest

KEY = RoundKey(1, 10)
A, B = b"\x0a" * 32, b"\x0b" * 32


def bond(memory: Memory | None = None, attested=None, lock=None) -> Bond:
    return Bond(KEY, 2, attested or {}, memory or Memory(), lock)


@pytest.fixture
def certified(members_of, measured):
    members = members_of(4)

    def make(view: int, origin: int = 0, root: bytes = A) -> Certified:
        raws = [members.seal(index, Observation(1, 10, b"\x0b" * 32, 100 + index, (1, 2))) for index in range(3)]
        evidence = gather(raws, measured(), members.committee, members.machine(0)._seat.verify)
        report = compose(measured(), evidence, origin, root)
        digest = report_digest(members.committee.domain, report)
        return Certified(Lock(1, 10, view, origin, root, evidence.envelopes, ()), evidence, report, digest)

    return make


def memory_of(effects) -> Memory:
    [remember] = [effect for effect in effects if isinstance(effect, Remember)]
    return remember.memory


def test_prepare__first_of_a_view__is_remembered(members_of) -> None:
    assert memory_of(bond().prepare(3, A)) == Memory(prepared_view=3, prepared_digest=A)


def test_prepare__same_again__allowed_and_nothing_new_to_remember() -> None:
    held = bond()
    held.prepare(3, A)
    assert held.prepare(3, A) == []
    assert bond(Memory(prepared_view=3, prepared_digest=A)).prepare(3, A) == []


@pytest.mark.parametrize(
    ("memory", "attested", "view", "digest"),
    [
        (Memory(prepared_view=3, prepared_digest=A), {}, 3, B),
        (Memory(prepared_view=3, prepared_digest=A), {}, 2, A),
        (Memory(left=3), {}, 3, A),
        (Memory(left=3), {}, 1, A),
        (Memory(), {3: A}, 3, B),
    ],
)
def test_prepare__bound_otherwise__refused(memory, attested, view, digest) -> None:
    held = bond(memory, attested)
    assert held.prepare(view, digest) is None


def test_commit__without_a_lock__never() -> None:
    held = bond()
    held.prepare(0, A)
    assert held.commit() is None


def test_commit__locked_and_borne_out__after_the_lock_is_remembered(certified) -> None:
    lock, held = certified(0), bond()
    held.prepare(0, lock.digest)
    kept = memory_of(held.hold(lock))
    assert (kept.lock_view, decode(kept.lock)) == (0, lock.lock)
    assert held.commit() == Commit(1, 10, 0, lock.digest)


def test_commit__own_render_does_not_bear_it_out__never(certified) -> None:
    held = bond()
    held.prepare(0, B)
    held.hold(certified(0))
    assert held.commit() is None


def test_commit__lock_of_a_view_that_was_given_up__never(certified) -> None:
    lock, held = certified(2), bond()
    held.prepare(1, lock.digest)
    effects, timeout = held.leave(2)
    assert memory_of(effects).left == 2
    assert (timeout.view, timeout.locked_view, timeout.locked_digest) == (2, -1, NO_DIGEST)
    held.hold(lock)
    assert held.commit() is None
    # A later view's lock over the same report is another matter.
    later = certified(3)
    held.hold(later)
    assert held.commit() == Commit(1, 10, 3, lock.digest)


def test_attest__decided_report__once_and_only_if_borne_out(certified) -> None:
    lock, held = certified(0), bond()
    assert held.attest(lock.report, lock.digest) == []
    held.prepare(0, lock.digest)
    assert held.attest(lock.report, lock.digest) == [Attest(KEY, 0, lock.report, lock.digest)]
    assert held.attest(lock.report, lock.digest) == []


def test_attest__journal_holds_another_report_of_the_view__neither_prepared_nor_signed(certified) -> None:
    lock = certified(1, origin=0)
    held = bond(attested={0: B})
    assert held.prepare(1, lock.digest) is None
    assert held.attest(lock.report, lock.digest) == [Dropped(2, reasons.ALREADY_ATTESTED)]


def test_attest__another_report_was_signed_in_whichever_view__refused(certified) -> None:
    # More liars than the protocol bears could show two decisions; this node's key is not what they are signed with.
    first, second = certified(0), certified(2, origin=2, root=B)
    held = bond()
    held.prepare(0, first.digest)
    assert held.attest(first.report, first.digest) == [Attest(KEY, 0, first.report, first.digest)]
    assert held.prepare(2, second.digest) is None
    assert held.attest(second.report, second.digest) == [Dropped(2, reasons.ALREADY_ATTESTED)]
    again = bond(attested={0: first.digest})
    assert again.prepare(2, second.digest) is None
    assert again.attest(second.report, second.digest) == [Dropped(2, reasons.ALREADY_ATTESTED)]


def test_leave__with_a_lock__every_timeout_names_the_highest(certified) -> None:
    held = bond()
    low, high = certified(0), certified(4, root=B)
    held.hold(low)
    assert held.leave(1)[1].locked_digest == low.digest
    held.hold(high)
    held.hold(low)
    timeout = held.leave(5)[1]
    assert (timeout.locked_view, timeout.locked_digest) == (4, high.digest)


STEPS = st.lists(
    st.tuples(st.sampled_from(["prepare", "leave", "crash"]), st.integers(0, 5), st.sampled_from([A, B])), max_size=30
)


@given(STEPS)
def test_bond__any_steps_and_crashes__memory_only_grows_and_no_view_is_prepared_twice(steps) -> None:
    held, memory, prepared, left = bond(), Memory(), dict[int, bytes](), -1
    for step, view, digest in steps:
        if step == "crash":
            held = bond(memory)
            continue
        if step == "leave":
            effects, _ = held.leave(view)
            left = max(left, view)
        else:
            bound = held.prepare(view, digest)
            if bound is None:
                continue
            effects = bound
            assert view > left
            assert prepared.setdefault(view, digest) == digest
        for effect in effects:
            assert effect.memory.left >= memory.left
            assert effect.memory.prepared_view >= memory.prepared_view
            memory = effect.memory
