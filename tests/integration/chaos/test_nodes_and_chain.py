"""Nodes killed at random moments, endpoints that go wrong, and reorganisations; `make chaos` has the long ones.

Incidents: an honest crash that looks like equivocation (libocr keeps `sentReport` in memory only); a stale or lying
RPC endpoint behind a load balancer (pyth-crosschain#679); 429 with Retry-After (foundry#10938, KeeperHub#478); a stuck
nonce and resubmit storm (openzeppelin-relayer#818); blocks missed over a restart (chainlink#5936).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.chaos.scenarios import SCENARIOS
from tests.integration.chaos.short import MACHINES_AND_BROKERS, NODES_AND_CHAIN, play


def test_scenarios__all_of_them__are_played_in_short() -> None:
    wanted = [name for name, scenario in SCENARIOS.items() if scenario.short]
    assert sorted([*NODES_AND_CHAIN, *MACHINES_AND_BROKERS]) == sorted(wanted)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_chaos__kills_bad_endpoints_and_reorgs__every_crossing_lands_once_and_nobody_equivocates(
    tmp_path: Path,
) -> None:
    await play(NODES_AND_CHAIN, tmp_path)
