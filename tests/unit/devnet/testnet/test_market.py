"""The share price that wanders by itself."""

from __future__ import annotations

from itertools import islice, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from node.devnet.history import History, Row
from node.devnet.replay.track import Track, expected_crossings
from node.devnet.testnet.market import PERCENT, POLICY, STEP, STEP_BLOCKS, WAD, prices

SEEDS = st.binary(max_size=40)
HOUR = 3_600


@settings(max_examples=10)
@given(SEEDS, st.integers(10**9, 10**24))
def test_prices__any_seed__begin_where_told_move_in_small_steps_and_never_stray_far(seed: bytes, first: int) -> None:
    walk = list(islice(prices(seed, first), 1_000))
    assert walk[0] == first
    assert walk == list(islice(prices(seed, first), 1_000))
    assert all(abs(price - first) * 100 <= 8 * first for price in walk)
    assert all(abs(b - a) * WAD <= first * 2 * STEP for a, b in pairwise(walk))


@settings(max_examples=15)
@given(SEEDS)
def test_prices__any_seed__cross_a_threshold_every_few_minutes(seed: bytes) -> None:
    """With a block a second: over an hour, by the reckoning of replays, which is not that of nodes."""
    walk = list(islice(prices(seed), HOUR // STEP_BLOCKS))
    sampled = [walk[block // STEP_BLOCKS] for block in range(0, HOUR, POLICY.cadence)]
    history = History("walk", tuple(Row(line, "", None, price) for line, price in enumerate(sampled)))
    track = Track("walk", history, POLICY.thresholds, POLICY.window, POLICY.hysteresis)
    crossings = expected_crossings(track)
    assert 12 <= len(crossings) <= 80


def test_prices__another_seed__is_another_walk() -> None:
    assert list(islice(prices(b"a"), 9)) != list(islice(prices(b"b"), 9))


def test_policy__fits_what_prices_do() -> None:
    assert max(POLICY.thresholds) < 5 * PERCENT
    assert POLICY.heartbeat % POLICY.cadence == 0
