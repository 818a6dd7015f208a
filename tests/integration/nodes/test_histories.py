"""Whole histories through four nodes and the real contracts, against a computation that shares no code with them."""

from __future__ import annotations

import asyncio
import csv
import tempfile
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from statistics import median_low

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.devnet import deploy
from tests.integration.nodes.committee import CADENCE, committee

WAD = 10**18
PERCENT = WAD // 100
HISTORIES = Path(__file__).parents[3] / "node" / "devnet" / "histories"


def read_prices(name: str) -> list[int]:
    with (HISTORIES / name).open(newline="") as file:
        return [int(Decimal(row["share_price"]) * WAD) for row in csv.DictReader(file)]


def crossings(prices: list[int], lead: int, thresholds: list[int], window: int, hysteresis: int) -> list[tuple]:
    """(row, answer, band before, band after) of each crossing, from the definition of a band's edges alone."""
    padded = [prices[0]] * lead + prices
    band, found = sum(edge <= 0 for edge in thresholds), []
    for end in range(window, len(padded) + 1):
        growth = floor(Fraction(median_low(padded[end - window : end]), prices[0]) * WAD) - WAD
        above = [index + 1 for index, edge in enumerate(thresholds) if growth >= edge + hysteresis]
        below = [index for index, edge in enumerate(thresholds) if growth < edge - hysteresis]
        rising, falling = max(above, default=0), min(below, default=len(thresholds))
        new = rising if rising > band else min(band, falling)
        if new != band:
            found.append((end - 1 - lead, growth, band, new))
            band = new
    return found


async def replay(prices: list[int], thresholds: list[int], window: int, hysteresis: int) -> tuple[list, list, int]:
    """(crossings that landed, those that had to, how many reports repainted) of a history."""
    with tempfile.TemporaryDirectory() as folder:
        async with committee(Path(folder)) as network:
            feed, vault = await network.open(prices, thresholds, window, hysteresis)
            chain = network.members[0].chain
            opened = (await chain.feeds())[0].opened_at
            first = 0
            for price in prices:
                await deploy.set_price(network.account, vault, price)
                checkpoint = await network.checkpoint(feed)
                first = first or checkpoint
            landed = await chain.landed(0, (await chain.head()).number)
            lead = len([block for block in range(0, first, CADENCE) if block >= opened])
            changes = [
                ((report.checkpoint - first) // CADENCE, report.answer, report.previous_band, report.band)
                for report in landed
                if report.band != report.previous_band
            ]
            await network.settle()
            for member in network.members:
                held = [row.checkpoint for row in member.journal.samples.last(feed, 10_000)]
                assert held == list(range(held[0], checkpoint + 1, CADENCE))
            return changes, crossings(prices, lead, thresholds, window, hysteresis), len(landed)


@pytest.mark.slow
async def test_falconx__growth_thresholds__lands_exactly_its_five_crossings() -> None:
    prices = read_prices("pareto-falconx-2025-2026.csv")
    changes, expected, reports = await replay(prices, [n * PERCENT for n in range(1, 6)], 3, PERCENT // 10)
    assert changes == expected
    assert [(before, after) for _, _, before, after in changes] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert reports == len(expected) + 1  # and the first painting


async def test_wick__real_vault_of_2025_10_10__lands_nothing_but_the_first_painting() -> None:
    """Incident: a 3.5 % one-sample wick in a real vault, block 23550003."""
    prices = read_prices("yieldbasis-cbbtc-2025-10-10.csv")
    thresholds = [-3 * PERCENT, -2 * PERCENT, -PERCENT, PERCENT]
    changes, expected, reports = await replay(prices, thresholds, 3, PERCENT // 10)
    assert changes == expected == []
    assert reports == 1


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    prices=st.lists(st.integers(900, 1_100), min_size=4, max_size=12),
    thresholds=st.lists(st.integers(-9, 9), min_size=1, max_size=5, unique=True).map(sorted),
    window=st.sampled_from([1, 3]),
    hysteresis=st.sampled_from([0, PERCENT // 2]),
)
def test_any_history__small_steps_and_leaps__lands_exactly_what_it_demands(
    prices: list[int], thresholds: list[int], window: int, hysteresis: int
) -> None:
    wads = [price * WAD // 1_000 for price in prices]
    changes, expected, _ = asyncio.run(replay(wads, [edge * PERCENT for edge in thresholds], window, hysteresis))
    assert changes == expected
