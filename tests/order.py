"""The order in which files of tests are begun when several workers take one after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest

QUICK_BETWEEN = 10
"""Files of quick tests that are begun after each file of slow ones."""


def spread(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests, those of a file together: slow files early, each with quick ones beside it.

    Slow tests are real networks: they wait more than they compute, and are held up where several of them compete for
    the cores. Begun last, they would leave cores idle.
    """
    files: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[str(item.path)].append(item)
    slow = [tests for tests in files.values() if any(test.get_closest_marker("slow") for test in tests)]
    quick = [tests for tests in files.values() if not any(test.get_closest_marker("slow") for test in tests)]
    quick.sort(key=len, reverse=True)
    ordered: list[pytest.Item] = []
    while slow or quick:
        for tests in slow[:1] + quick[:QUICK_BETWEEN]:
            ordered += tests
        del slow[:1], quick[:QUICK_BETWEEN]
    return ordered
