"""Full disks, two copies of a node, and brokers that go away; `make chaos` has the long ones.

Incidents: two copies of one node started by mistake; a broker that holds messages back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.chaos.short import MACHINES_AND_BROKERS, play


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_chaos__full_disk_copies_and_no_brokers__every_crossing_lands_once_and_nobody_equivocates(
    tmp_path: Path,
) -> None:
    await play(MACHINES_AND_BROKERS, tmp_path)
