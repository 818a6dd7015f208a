"""The price-feed facade shows the latest report and nothing that was never reported."""

from __future__ import annotations

from typing import Any

import boa
import pytest

WAD = 10**18


@pytest.fixture
def aggregator(world: Any, deployers: Any) -> Any:
    world.open()
    return deployers["FeedAggregator"].deploy(world.oracle.address, 1)


def test_aggregator__deployed__describes_itself(world: Any, aggregator: Any) -> None:
    assert (aggregator.decimals(), aggregator.version()) == (18, 1)
    assert aggregator.description() == "Patina feed 1: growth of share price"
    assert (aggregator.ORACLE(), aggregator.FEED()) == (world.oracle.address, 1)


def test_aggregator__before_the_first_report__reverts(aggregator: Any) -> None:
    for read in (aggregator.latestRoundData, lambda: aggregator.getRoundData(0)):
        with boa.reverts("aggregator: no data present"):
            read()


def test_aggregator__after_reports__shows_the_latest_round(world: Any, aggregator: Any) -> None:
    first = world.land(1, WAD)
    second = world.land(1, -WAD // 25)
    now = boa.env.evm.patch.timestamp
    boa.env.time_travel(seconds=1_000)
    expected = (second.checkpoint, -WAD // 25, now, now, second.checkpoint)
    assert aggregator.latestRoundData() == expected
    assert aggregator.getRoundData(second.checkpoint) == expected
    assert aggregator.band() == world.oracle.band(1) == 0
    for gone in (first.checkpoint, second.checkpoint + 10, 0):
        with boa.reverts("aggregator: no data present"):
            aggregator.getRoundData(gone)


def test_aggregator__unknown_feed__cannot_be_deployed(world: Any, deployers: Any) -> None:
    with boa.reverts("feeds: unknown feed"):
        deployers["FeedAggregator"].deploy(world.oracle.address, 1)
