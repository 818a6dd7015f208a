"""The delay before connecting again."""

from __future__ import annotations

import pytest

from node.errors import ConfigError
from node.gossip.link import Backoff
from node.gossip.transport import Gossip, topic_prefix


def test_backoff__failures__doubles_under_the_cap_with_jitter() -> None:
    backoff = Backoff(first=1.0, cap=10.0)
    for failures, longest in [(0, 1.0), (1, 2.0), (3, 8.0), (4, 10.0), (10_000, 10.0)]:
        delays = {backoff.delay(failures) for _ in range(50)}
        assert all(longest / 2 <= delay <= longest for delay in delays)
        assert len(delays) > 1


def test_gossip__no_broker__refused() -> None:
    with pytest.raises(ConfigError):
        Gossip([], topic_prefix(bytes(32)))
