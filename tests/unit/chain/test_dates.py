"""When blocks were: known headers exactly, between them about, and as few asked for as say it."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.chain.dates import APART, HELD, Dates
from node.chain.types import Block
from node.errors import ChainError


def made(number: int, time: int) -> Block:
    return Block(number, number.to_bytes(32, "big"), time)


def test_of__known_between_and_outside__exact_about_and_nothing() -> None:
    dates = Dates()
    dates.learn(made(100, 1_000))
    dates.learn(made(200, 2_200))
    assert dates.of(100) == (1_000, False)
    assert dates.of(150) == (1_600, True)
    assert dates.of(99) == dates.of(201) == (0, False)


def test_learn__another_block_at_the_height__its_time_counts() -> None:
    dates = Dates()
    dates.learn(made(7, 70))
    dates.learn(made(7, 71))
    assert dates.of(7) == (71, False)


def test_learn__more_than_are_held__the_oldest_go() -> None:
    dates = Dates()
    for number in range(HELD + 3):
        dates.learn(made(number, number))
    assert (dates.knows(2), dates.knows(3), dates.of(2)) == (False, True, (0, False))


@given(st.lists(st.integers(0, 10_000), unique=True, min_size=1, max_size=60).map(sorted), st.data())
def test_gaps__asked_for_again_and_again__settle_and_leave_no_time_unknown(
    numbers: list[int], data: st.DataObject
) -> None:
    dates, asked = Dates(), 0
    for number in data.draw(st.lists(st.sampled_from(numbers), max_size=10)):
        dates.learn(made(number, 12 * number))

    async def block(number: int) -> Block:
        return made(number, 12 * number)

    while gaps := dates.gaps(numbers):
        asked += asyncio.run(dates.ask(gaps, block, 5))
        assert asked <= 2 * APART + 2
    # Time runs evenly here, so that what lies between is right to the second.
    assert [dates.of(number)[0] for number in numbers] == [12 * number for number in numbers]


async def test_ask__endpoint_that_does_not_answer__asked_once_and_no_fault() -> None:
    tried = []

    async def block(number: int) -> Block:
        tried.append(number)
        raise ChainError("silent")

    dates = Dates()
    assert await dates.ask([1, 2, 3], block, 2) == 2
    assert tried == [1]
    assert dates.of(1) == (0, False)


@pytest.mark.parametrize("numbers", [[], [4]])
def test_gaps__nothing_or_one__no_more_than_that(numbers: list[int]) -> None:
    assert Dates().gaps(numbers) == numbers
