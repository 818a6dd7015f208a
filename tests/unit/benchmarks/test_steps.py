"""How measured rounds become steps, tables and growth."""

from __future__ import annotations

import pytest

from benchmarks import table, traffic
from benchmarks.latency import rounds, steps

MARKS = {
    "observation": [10.1, 10.2, 10.3, 10.9],
    "proposal": [10.4, 10.8],
    "prepare": [10.5, 10.6, 10.7, 10.8],
    "attestation": [10.6, 10.8, 10.9],
    "report sent": [11.0, 14.0],
}


def timed(**changes: list[float]) -> rounds.Timed:
    return rounds.Timed(20, 10.0, 10.01, {**MARKS, **changes})


def test_ends__a_round__the_marks_that_its_report_waited_for() -> None:
    assert steps.ends(timed(), 3) == pytest.approx([0.3, 0.4, 0.7, 0.9, 1.0])


def test_durations__a_round__add_up_to_the_whole() -> None:
    found = steps.durations([timed()], 3)
    assert list(found) == list(steps.STEPS)
    assert sum(sum(times) for times in found.values()) == pytest.approx(1.0)
    assert [times[0] for times in found.values()] == pytest.approx([0.3, 0.1, 0.3, 0.2, 0.1])


def test_durations__tap_heard_late__no_step_is_negative() -> None:
    found = steps.durations([timed(prepare=[12.0, 12.0, 12.0])], 3)
    assert min(times[0] for times in found.values()) >= 0
    assert sum(times[0] for times in found.values()) == pytest.approx(1.0)


def test_ends__too_few_attestations__says_so() -> None:
    with pytest.raises(RuntimeError, match="2 of 'attestation', not 3"):
        steps.ends(timed(attestation=[10.6, 10.8]), 3)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 10), (0.95, 19), (1.0, 20), (0.01, 1)])
def test_percentile__twenty_values__nearest_rank(share: float, expected: int) -> None:
    assert steps.percentile(list(range(20, 0, -1)), share) == expected


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_exponent__of_a_power__is_that_power(power: float) -> None:
    assert traffic.exponent([4, 7, 13, 31], [5 * n**power for n in (4, 7, 13, 31)]) == pytest.approx(power)


def test_lines__goal_missed__is_told() -> None:
    rows = [
        {"what": "fast", "median": 1_234, "unit": "ms", "goal": 2_000},
        {"what": "slow", "median": 2_001, "p95": 3_000, "unit": "ms", "goal": 2_000},
    ]
    head, fast, slow = table.lines("times", rows)
    assert head.split() == ["times", "median", "p95", "goal", "unit"]
    assert fast.split() == ["fast", "1,234", "2,000", "ms"]
    assert slow.split() == ["slow", "2,001", "3,000", "2,000", "ms", "missed"]
