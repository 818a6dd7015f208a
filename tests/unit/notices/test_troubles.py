"""Troubles begin once and end once, whatever they do in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.notices.troubles import GAP_MS, Found, Troubles

AFTER = 300_000
LOW = Found("low-balance", "0.01 ether")


def looks(troubles: Troubles, *steps: tuple[int, bool]) -> list[tuple[int, str]]:
    """What was told at each (second, whether the trouble is there)."""
    told = []
    for second, there in steps:
        begun, over = troubles.look({LOW.key: LOW} if there else {}, second * 1000)
        told += [(second, "begun")] * len(begun) + [(second, "over")] * len(over)
    return told


def test_look__trouble_that_lasts__begins_once_and_ends_once() -> None:
    troubles = Troubles([], AFTER, AFTER)
    steps = [(at, True) for at in range(0, 1000, 10)] + [(at, False) for at in range(1000, 2000, 10)]
    assert looks(troubles, *steps) == [(300, "begun"), (1300, "over")]
    assert troubles.standing == []


def test_look__trouble_that_flaps__is_not_told() -> None:
    troubles = Troubles([], AFTER, AFTER)
    assert looks(troubles, *((at, at // 100 % 2 == 0) for at in range(0, 5000, 10))) == []


def test_look__short_pause__does_not_begin_anew() -> None:
    pause = GAP_MS // 1000 - 10
    steps = [(0, True), (100, True), *((100 + s, False) for s in range(10, pause, 10)), (100 + pause, True)]
    assert looks(Troubles([], AFTER, AFTER), *steps, (290, True), (300, True)) == [(300, "begun")]


def test_look__pause_as_long_as_what_has_to_last__begins_anew() -> None:
    # Ten seconds suffice here: a pause of thirty is none within one trouble.
    assert looks(Troubles([], 10_000, 10_000), (0, True), (15, False), (30, True), (35, False)) == []
    assert looks(Troubles([], 10_000, 10_000), (0, True), (5, False), (12, True)) == [(12, "begun")]


def test_look__short_recovery__is_not_told_as_over() -> None:
    troubles = Troubles([LOW], AFTER, AFTER)
    steps = [(0, True), (10, False), (300, False), (305, True), (400, False), (500, False)]
    assert looks(troubles, *steps) == []
    assert troubles.standing == [LOW]


def test_restart__what_stood__is_not_told_again_and_ends_as_usual() -> None:
    troubles = Troubles([LOW], AFTER, AFTER)
    assert troubles.standing == [LOW]
    assert looks(troubles, (0, True), (400, True), (800, False), (1100, False)) == [(1100, "over")]


def test_restart__what_stood_and_is_gone__ends_once_it_was_gone_for_long_enough() -> None:
    assert looks(Troubles([LOW], AFTER, AFTER), (5, False), (304, False), (305, False)) == [(305, "over")]


def test_look__not_known_yet__is_not_over() -> None:
    troubles = Troubles([LOW], AFTER, AFTER)
    for second in range(0, 1000, 10):
        assert troubles.look({}, second * 1000, lambda _: False) == ([], [])
    assert troubles.look({}, 1_200_000, lambda _: True) == ([], [])
    assert troubles.look({}, 1_500_000, lambda _: True) == ([], [LOW])


def test_look__two_subjects_of_one_code__are_two_troubles() -> None:
    one, other = Found("certificate-ends", "", "a.pem"), Found("certificate-ends", "", "b.pem")
    begun, _ = Troubles([], 0, 0).look({one.key: one, other.key: other}, 0)
    assert begun == [one, other]


def test_look__newer_detail__is_what_is_told_at_the_beginning() -> None:
    troubles, worse = Troubles([], AFTER, AFTER), Found("low-balance", "0.001 ether")
    troubles.look({LOW.key: LOW}, 0)
    troubles.look({LOW.key: LOW}, AFTER - 1)
    assert troubles.look({worse.key: worse}, AFTER) == ([worse], [])


@given(st.lists(st.tuples(st.integers(0, 200_000), st.booleans()), max_size=60), st.integers(0, 400_000))
def test_look__any_sequence__begins_and_ends_take_turns(steps: list[tuple[int, bool]], after: int) -> None:
    troubles, now, told = Troubles([], after, after), 0, []
    lasted_since: int | None = None
    for step, there in steps:
        now += step
        begun, over = troubles.look({LOW.key: LOW} if there else {}, now)
        told += ["begun"] * len(begun) + ["over"] * len(over)
        lasted_since = (now if lasted_since is None else lasted_since) if there else None
        if lasted_since is not None and now - lasted_since >= after:
            assert troubles.standing == [LOW]
    assert told == ["begun", "over"] * (len(told) // 2) + ["begun"] * (len(told) % 2)
    assert troubles.standing == [LOW] * (len(told) % 2)
