"""As much of each kind of chaos as `make test` has time for: one after another, on one network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.integration.chaos.arena import Layout, arena
from tests.integration.chaos.scenario import run
from tests.integration.chaos.scenarios import SCENARIOS

SEED: Final = 1
NODES_AND_CHAIN: Final = ("kills", "endpoints", "logs", "reorgs")
MACHINES_AND_BROKERS: Final = ("disk", "copies", "brokers", "silence", "censors")


async def play(names: Sequence[str], folder: Path) -> None:
    """Play scenarios in turn; AssertionError with all that is wrong after the first that left something wrong."""
    layout = Layout()
    for name in names:
        layout = await SCENARIOS[name].layout(layout, folder)
    async with arena(folder / "arena", SEED, layout) as network:
        for name in names:
            verdict = await run(SCENARIOS[name], network, SCENARIOS[name].short)
            print(verdict.text())
            assert not verdict.faults, f"{verdict.faults}; {verdict.text()}; logs and journals: {network.folder}"
