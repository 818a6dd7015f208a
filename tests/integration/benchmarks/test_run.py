"""The benchmarks that start processes run, on a small scale: what they measure is measured by `make bench`."""

from __future__ import annotations

import pytest

from benchmarks import sampling
from benchmarks.latency import steps
from benchmarks.latency import table as latency


@pytest.mark.slow
def test_latency__one_node__every_row_is_measured() -> None:
    rows = latency.rows(nodes=1, rounds=1)
    whole, *parts, scrape = [row for row in rows if row["unit"] == "ms"]
    assert whole["median"] > 0
    assert [row["what"].strip() for row in parts[:-1]] == list(steps.STEPS)
    assert abs(sum(row["median"] for row in parts[:-1]) - whole["median"]) <= len(parts)  # each is rounded
    memory = next(row for row in rows if row["unit"] == "MiB")
    assert 0 < memory["median"] < 4_096
    assert scrape["median"] > 0
    [size] = [row["median"] for row in rows if row["unit"] == "bytes"]
    assert 10_000 < size < 100_000


@pytest.mark.slow
def test_sampling__three_feeds__one_request_samples_them() -> None:
    rows = sampling.rows(3, 1, 3)
    assert rows[0] == {"what": "3 feeds: requests that sample them", "median": 1, "unit": "requests", "goal": 1}
    assert all(row["median"] >= 0 for row in rows)
