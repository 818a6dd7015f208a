"""Whose turn it is to keep staking going."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.staking import turn

STAKING = "0x" + "ab" * 20
ids = st.lists(st.integers(1, 60), unique=True, max_size=31)


@given(ids, ids, st.integers(0, 100))
@settings(max_examples=50)
def test_turn__members_and_candidates__each_its_own_members_first(
    members: list[int], candidates: list[int], era: int
) -> None:
    everyone = sorted({*members, *candidates})
    places = {one: turn(STAKING, era, one, members, candidates) for one in everyone}
    assert sorted(place for place in places.values() if place is not None) == list(range(len(everyone)))
    assert {one for one in everyone if (places[one] or 0) < len(members) and members} >= set(members)
    # The order does not depend on that in which the contract lists them.
    assert places == {one: turn(STAKING, era, one, members[::-1], candidates[::-1]) for one in everyone}


def test_turn__neither_member_nor_candidate__none() -> None:
    assert turn(STAKING, 0, 0, [1, 2], [3]) is None


def test_turn__one_era_and_the_next__another_order() -> None:
    members = list(range(1, 32))
    assert [turn(STAKING, 1, one, members, []) for one in members] != [
        turn(STAKING, 2, one, members, []) for one in members
    ]
