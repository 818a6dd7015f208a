"""When a circuit opens, who may pass, and when it closes."""

from __future__ import annotations

import asyncio

import pytest

from node.chain.endpoints.breaker import Breaker
from node.chain.failures import UnavailableError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("http://host", 10.0, clock)


def test_failed__three_times_in_a_row__opens_and_half_opens(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("HTTP 500")
    assert (breaker.circuit, breaker.resting) == ("closed", True)
    breaker.worked()
    assert not breaker.resting
    for _ in range(3):
        assert breaker.circuit == "closed"
        breaker.failed("HTTP 500")
    assert (breaker.circuit, breaker.opened, breaker.fault) == ("open", 1, "HTTP 500")
    clock.now += 40  # 10 s, doubled twice
    assert (breaker.circuit, breaker.resting) == ("half-open", False)
    breaker.failed("HTTP 500")
    assert (breaker.circuit, breaker.opened) == ("open", 1)
    breaker.worked()
    assert (breaker.circuit, breaker.fault, breaker.resting) == ("closed", "", False)


def test_failed__silence__opens_at_once(breaker: Breaker) -> None:
    breaker.failed("no answer", silent=True)
    assert (breaker.circuit, breaker.gone) == ("open", True)


def test_rest__of_failures_in_a_row__doubles_five_times(breaker: Breaker, clock: Clock) -> None:
    rests = []
    for _ in range(8):
        breaker.failed("HTTP 500")
        rests.append(breaker.rests_until - clock.now)
        clock.now = breaker.rests_until
    assert rests == [10, 20, 40, 80, 160, 320, 320, 320]


def test_firm_rest__good_answer__does_not_end_it(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("disagreed with the majority", 100, firm=True)
    breaker.worked()
    assert breaker.resting
    clock.now += 101
    breaker.worked()
    assert (breaker.resting, breaker.fault) == (False, "")


async def test_passage__closed__lets_all_through_at_once(breaker: Breaker) -> None:
    async with breaker.passage(), breaker.passage(), breaker.passage():
        assert not breaker.resting


async def test_passage__half_open__one_probe_and_those_behind_it_share_its_fate(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("no answer", silent=True)
    clock.now += 11
    inside, most, refused = 0, 0, 0
    probe = asyncio.Event()

    async def request() -> None:
        nonlocal inside, most, refused
        try:
            async with breaker.passage():
                inside += 1
                most = max(most, inside)
                await probe.wait()
                breaker.failed("no answer", silent=True)
                inside -= 1
        except UnavailableError:
            refused += 1

    tasks = [asyncio.create_task(request()) for _ in range(8)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert breaker.resting  # while the probe is out others are asked first
    probe.set()
    await asyncio.gather(*tasks)
    assert (most, refused) == (1, 7)


async def test_passage__probe_works__the_others_go_together(breaker: Breaker) -> None:
    breaker.failed("no answer", silent=True)
    inside, most = 0, 0
    first, rest = asyncio.Event(), asyncio.Event()

    async def request(number: int) -> None:
        nonlocal inside, most
        async with breaker.passage():
            inside += 1
            most = max(most, inside)
            if number == 0:
                await first.wait()
                breaker.worked()
            else:
                await rest.wait()
            inside -= 1

    tasks = [asyncio.create_task(request(number)) for number in range(5)]
    await asyncio.sleep(0)
    first.set()
    while inside < 4:
        await asyncio.sleep(0)
    rest.set()
    await asyncio.gather(*tasks)
    assert most == 4


async def test_passage__probe_cancelled__the_next_one_probes(breaker: Breaker) -> None:
    breaker.failed("no answer", silent=True)

    async def hang() -> None:
        async with breaker.passage():
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with breaker.passage():
        breaker.worked()
    assert breaker.circuit == "closed"
