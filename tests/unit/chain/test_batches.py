"""Units asked together or apart, against any set of offenders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.chain.batches import Batches, Missing, Results, Unit
from node.errors import ChainError

GOOD: Results = (b"\x01",)


class Endpoint:
    """Answers like Multicall3: after a burner nothing is left, so the request fails or only what came before stands."""

    def __init__(self, burners: set[int], reverting: set[int], room: int = 1_000, *, whole: bool = True) -> None:
        self.burners, self.reverting, self.room, self.whole = burners, reverting, room, whole
        self.requests = 0

    async def __call__(self, units: Sequence[Unit]) -> Sequence[Results | Missing]:
        self.requests += 1
        keys = [unit.key for unit in units]
        burnt = len(units) > self.room or (self.whole and self.burners & set(keys))
        if burnt:
            return [Missing.FAILED] * len(units)
        answers: list[Results | Missing] = []
        out_of_gas = False
        for key in keys:
            out_of_gas = out_of_gas or key in self.burners
            answers.append((None,) if out_of_gas or key in self.reverting else GOOD)
        return answers


def units(count: int) -> list[Unit]:
    return [Unit(number, ()) for number in range(count)]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    burners=st.sets(st.integers(0, 59), max_size=4),
    reverting=st.sets(st.integers(0, 59), max_size=4),
    whole=st.booleans(),
)
def test_gather__any_offenders__costs_only_their_own_answers(
    count: int, burners: set[int], reverting: set[int], whole: bool
) -> None:
    burners, reverting = ({one for one in some if one < count} for some in (burners, reverting))
    offenders = burners | reverting
    batches, endpoint = Batches(), Endpoint(burners, reverting, whole=whole)
    for round_ in range(3):
        before = endpoint.requests
        found = asyncio.run(batches.gather(units(count), endpoint))
        assert {number for number, answer in enumerate(found) if answer == GOOD} == set(range(count)) - offenders
        asked = endpoint.requests - before
        if round_:
            assert asked == len(offenders) + (len(offenders) < count)
        else:
            assert asked <= 1 + 2 * (1 + ceil(log2(count + 1))) * len(offenders)


def test_gather__more_than_a_request_can_hold__keeps_the_parts_that_worked() -> None:
    batches, endpoint = Batches(), Endpoint(set(), set(), room=10)
    for requests in (7, 4):  # 40, 20, 10, 10, 20, 10, 10; then the four tens
        endpoint.requests = 0
        assert asyncio.run(batches.gather(units(40), endpoint)) == [GOOD] * 40
        assert endpoint.requests == requests


def test_gather__many_offenders__are_asked_in_turns() -> None:
    batches, endpoint = Batches(), Endpoint(set(), set(range(40)))
    asyncio.run(batches.gather(units(60), endpoint))
    endpoint.reverting = set()
    seen: set[int] = set()
    for _ in range(4):
        endpoint.requests = 0
        found = asyncio.run(batches.gather(units(60), endpoint))
        seen |= {number for number, answer in enumerate(found) if answer == GOOD}
        assert endpoint.requests == 17
    assert seen == set(range(60))


def test_gather__many_editions_that_do_not_exist__keep_nobody_from_those_that_do() -> None:
    """With more than a round's requests can find, too: the rest is looked for in later rounds, in few requests each."""
    missing = set(range(0, 1_200, 2))
    batches, endpoint = Batches(), Endpoint(set(), set(missing))
    for number in range(50):
        endpoint.requests = 0
        found = asyncio.run(batches.gather(units(1_200), endpoint))
        assert {index for index, answer in enumerate(found) if answer == GOOD} == set(range(1_200)) - missing
        assert endpoint.requests <= (17 if number else 256)
    endpoint.reverting = set()  # they are opened
    seen: set[int] = set()
    for _ in range(ceil(600 / 16) + 1):
        seen |= {at for at, one in enumerate(asyncio.run(batches.gather(units(1_200), endpoint))) if one == GOOD}
    assert seen == set(range(1_200))


def test_gather__nothing_that_is_asked_for_exists__is_said_of_each() -> None:
    endpoint = Endpoint(set(), set(range(1_000)))
    found = asyncio.run(Batches().gather(units(1_000), endpoint))
    assert all(answer in (None, (None,)) for answer in found)
    assert endpoint.requests == 256


@pytest.mark.parametrize("whole", [True, False])
def test_gather__more_than_can_be_found_beside_one_that_burns__the_honest_are_read(whole: bool) -> None:
    batches, endpoint = Batches(), Endpoint({700}, set(range(300)), whole=whole)
    honest = set(range(300, 1_000)) - {700}
    found = asyncio.run(batches.gather(units(1_000), endpoint))
    seen = {index for index, answer in enumerate(found) if answer == GOOD}
    assert len(honest - seen) <= 8  # the burner's neighbours may have to wait for their turn
    for _ in range(ceil(300 / 16) + 1):
        found = asyncio.run(batches.gather(units(1_000), endpoint))
        seen |= {index for index, answer in enumerate(found) if answer == GOOD}
    assert seen == honest


def test_gather__every_contract_burns__ends() -> None:
    endpoint = Endpoint(set(range(1_000)), set())
    with pytest.raises(ChainError, match="did not suffice"):
        asyncio.run(Batches().gather(units(1_000), endpoint))
    assert endpoint.requests == 256


def test_gather__endpoints_differ_about_everything__raises() -> None:
    async def disputed(some: Sequence[Unit]) -> Sequence[Results | Missing]:
        return [Missing.DISPUTED] * len(some)

    with pytest.raises(ChainError, match="disagree"):
        asyncio.run(Batches().gather(units(3), disputed))


def test_gather__more_units_than_a_request_may_hold__asks_as_often_as_it_must() -> None:
    batches, endpoint = Batches(), Endpoint(set(), set(), room=1_000)
    assert asyncio.run(batches.gather(units(2_500), endpoint)) == [GOOD] * 2_500
    assert endpoint.requests == 3
    assert asyncio.run(batches.gather(units(1_000), endpoint)) == [GOOD] * 1_000
    assert endpoint.requests == 4
