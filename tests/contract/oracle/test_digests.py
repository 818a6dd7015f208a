"""Digests, medians and bands equal independent computations, whatever the numbers."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

WAD = 10**18
INT256 = st.integers(-(2**255), 2**255 - 1)
INT128 = st.integers(-(2**127), 2**127 - 1)
BYTES32 = st.binary(min_size=32, max_size=32)
QUICK = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@QUICK
@given(
    feed=st.integers(0, 2**256 - 1),
    checkpoint=st.integers(0, 2**64 - 1),
    block_hash=BYTES32,
    view=st.integers(0, 255),
    observers=st.integers(0, 2**256 - 1),
    observations=st.lists(INT256, max_size=31).map(tuple),
    signals=st.lists(INT256, max_size=16).map(tuple),
    content_root=BYTES32,
)
def test_report_digest__any_report__equals_eth_accounts(world: Any, report_of: Any, **fields: Any) -> None:
    report = report_of(**fields)
    assert world.oracle.report_digest(report.abi) == world.seats.digest(report)


def test_config_digest__is_abi_encoding_of_six_words(world: Any) -> None:
    seats = world.seats
    members = keccak(b"".join(bytes.fromhex(a[2:]) for a in seats.addresses) + b"".join(seats.transport))
    types = ["uint256", "address", "bytes32", "uint256", "uint256", "uint256"]
    expected = keccak(encode(types, [seats.chain_id, seats.oracle.address, members, 1, 3, 1]))
    assert world.oracle.config_digest() == seats.config_digest == expected


def next_band(old: int, answer: int, thresholds: list[int], hysteresis: int) -> int:
    """The band rule as the architecture page has it, by counting."""
    up = sum(answer >= t + hysteresis for t in thresholds)
    down = sum(answer >= t - hysteresis for t in thresholds)
    if up > old:
        return up
    return min(down, old)


NEAR = st.integers(-40, 40).map(lambda i: i * WAD // 1000)
ANSWERS = st.lists(NEAR | INT128, min_size=1, max_size=5)
THRESHOLDS = st.lists(NEAR | INT128, max_size=15, unique=True).map(sorted)


@settings(parent=QUICK, max_examples=40)
@given(thresholds=THRESHOLDS, hysteresis=st.just(0) | st.integers(0, WAD // 50) | st.just(2**64 - 1), answers=ANSWERS)
@example(thresholds=[-(2**127), 2**127 - 1], hysteresis=0, answers=[2**127 - 1, -(2**127), 0])
@example(thresholds=[-(2**127), 2**127 - 1], hysteresis=2**64 - 1, answers=[2**127 - 1, -(2**127)])
@example(
    thresholds=[WAD // 100], hysteresis=WAD // 1000, answers=[11 * WAD // 1000, 9 * WAD // 1000, 9 * WAD // 1000 - 1]
)
def test_band__any_policy_and_answers__equals_counting(
    make_world: Any, thresholds: list[int], hysteresis: int, answers: list[int]
) -> None:
    with boa.env.anchor():
        world = make_world(1)
        feed = world.open(thresholds=thresholds, hysteresis=hysteresis)
        band = sum(t <= 0 for t in thresholds)
        assert world.oracle.band(feed) == band
        for answer in answers:
            world.land(feed, answer)
            band = next_band(band, answer, thresholds, hysteresis)
            found = world.oracle.feed(feed)
            assert (found.band, found.answer) == (band, answer)


@QUICK
@given(n=st.sampled_from([1, 4, 6, 7]), data=st.data())
def test_median__any_observations__is_the_lower_one(make_world: Any, n: int, data: Any) -> None:
    with boa.env.anchor():
        world = make_world(n)
        observations = data.draw(st.lists(INT128, min_size=world.seats.quorum, max_size=n))
        feed = world.open()
        world.transmit(world.report(feed, observations))
        assert world.oracle.feed(feed).answer == sorted(observations)[(len(observations) - 1) // 2]


@QUICK
@given(answers=st.lists(INT128, min_size=3, max_size=3))
def test_vote__any_answers__take_their_lower_median(make_world: Any, answers: list[int]) -> None:
    with boa.env.anchor():
        world = make_world(4)
        feed = world.open()
        for seat, answer in zip((3, 0, 2), answers, strict=True):
            world.vote(feed, seat, answer)
        assert world.oracle.feed(feed).answer == sorted(answers)[1]


@pytest.mark.parametrize("count", range(32))
def test_report_digest__each_length_of_the_arrays__equals_eth_accounts(world: Any, report_of: Any, count: int) -> None:
    report = report_of(
        feed=1,
        checkpoint=10,
        block_hash=keccak(b"block"),
        observers=1,
        observations=tuple(range(-count, 0)),
        signals=tuple(range(count // 2)),
    )
    assert world.oracle.report_digest(report.abi) == world.seats.digest(report)
