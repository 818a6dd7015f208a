"""Staked nodes as processes: one key signs twice, is slashed and replaced, and crossings keep landing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from node.devnet.replay.runner import Replay, set_up
from tests.integration.processes.test_network import make_track

TREASON, LAST = 7, 10  # rows with a crossing: the second, which node 2 signs twice, and the third


@pytest.mark.slow
async def test_demo__member_signs_twice__is_slashed_and_replaced_while_crossings_land(tmp_path: Path) -> None:
    told: list[str] = []

    async def wait(replay: Replay, row: int) -> None:
        scene = replay.scene
        assert scene is not None
        while row == LAST and scene.punishment is None:
            await asyncio.sleep(0.2)
            await scene.after_row(replay.chain, 1)
        if row == LAST:
            # The change of the committee becomes final before the last crossing.
            await replay.stage.mine(2)

    async with set_up(
        [make_track()], tmp_path, nodes=2, tokens=1, watch=lambda step: told.append(step.text), staked=True
    ) as replay:
        replay.before_row = wait
        outcome = await asyncio.wait_for(replay.play(), 240)

    assert outcome.faults == ()
    done = outcome.punishment
    assert done is not None
    assert (done.node, done.reporter, done.replaced_by) == ("node-2", "node-1", ("node-3",))
    landed = {row.row: row for row in outcome.rows if row.crossing}
    assert landed[TREASON].signers == (0, 1)
    assert landed[LAST].signers == (0, 2)
    assert [(row.node, row.seat, row.slashed) for row in outcome.nodes] == [
        ("node-1", 0, False),
        ("node-2", None, True),
        ("node-3", 1, False),
    ]
    evidence = list((tmp_path / "node-1" / "state" / "evidence").iterdir())
    assert len(evidence) == 1
    assert any("signs two reports" in line for line in told)
