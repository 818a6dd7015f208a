"""Views: patience, joining, certificates."""

from __future__ import annotations

from node.agreement.effects import Timing
from node.agreement.messages import Timeout
from node.agreement.pacemaker import Pacemaker

TIMING = Timing(view_ms=100, view_max_ms=1_000, render_ms=5_000)


def pacemaker(members_of, view: int = 0) -> Pacemaker:
    return Pacemaker(members_of(7).committee, TIMING, view, 0)


def test_enter__view_by_view__patience_doubles_to_the_cap(members_of) -> None:
    pace = pacemaker(members_of)
    lengths = [pace.deadline]
    for view in range(1, 200):
        pace.enter(view, 0)
        lengths.append(pace.deadline)
    assert lengths[:5] == [100, 200, 400, 800, 1_000]
    assert set(lengths[5:]) == {1_000}


def test_expired__proposal_accepted__only_after_the_render_time(members_of) -> None:
    pace = pacemaker(members_of)
    assert not pace.expired(99)
    assert pace.expired(100)
    pace.allow_render(50)
    assert not pace.expired(5_049)
    assert pace.expired(5_050)
    pace.allow_signatures(5_040)
    assert not pace.expired(5_139)


def test_note__views__f_plus_1_and_quorum_highest(members_of) -> None:
    pace = pacemaker(members_of)
    for sender, view in enumerate([9, 4, 3, 2, 1]):
        assert pace.note(sender, Timeout(1, 10, view), b"%d" % sender)
    assert not pace.note(0, Timeout(1, 10, 8), b"lower")
    assert (pace.joinable(), pace.certified()) == (3, 1)
    assert pace.certificate(2, None) == (b"0", b"1", b"2", b"3", b"4")
    assert pace.certificate(3, None) is None
    assert pace.certificate(0, None) == ()
    assert pacemaker(members_of).certified() == -1


def test_certificate__more_than_a_quorum__exactly_a_quorum(members_of) -> None:
    pace = pacemaker(members_of)
    for sender in range(7):
        pace.note(sender, Timeout(1, 10, 0), b"%d" % sender)
    assert len(pace.certificate(1, None)) == 5
