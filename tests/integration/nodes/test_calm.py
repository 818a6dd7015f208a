"""What must not disturb a network: renders that take long, and answers that swing around a threshold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from node.agreement.effects import Timing
from node.artworks.studio import Studio
from node.devnet import deploy
from tests.integration.nodes.committee import CADENCE, DigestStudio, committee
from tests.integration.nodes.sketches import landed, sketching, view_of

WAD = 10**18
PER_MILLE = WAD // 1_000
ALIGNED = 4
"""Every so many checkpoints a round begins beside one in flight: docs/protocol.md."""


async def test_slow_renderers__edition_takes_longer_than_views_and_render_time__lands_in_the_first_view(
    tmp_path: Path,
) -> None:
    """Eight pictures of 0.5 s: each is a sign of life, and no view has the time for all of them otherwise."""
    timing = Timing(view_ms=1_000, view_max_ms=1_000, render_ms=3_000, grace_ms=50, repeat_ms=300)
    async with sketching(tmp_path, timing) as net:
        for sketcher in net.sketchers:
            sketcher.seconds = 0.5
        feed, _ = await net.nodes.open([WAD], [10 * PER_MILLE], 1, 0, net.recipe, 8)
        await net.nodes.checkpoint(feed)
        [report] = await landed(net.nodes)
        assert view_of(net.nodes, report) == 0


class GatedStudio(DigestStudio):
    """Paints no checkpoint before it is let."""

    def __init__(self, gates: dict[int, asyncio.Event]) -> None:
        self._gates = gates

    async def paint(
        self, feed: Any, edition: Any, checkpoint: int, block_hash: bytes, band: int, signals: Sequence[Any]
    ) -> bytes:
        if (gate := self._gates.get(checkpoint)) is not None:
            await gate.wait()
        return await super().paint(feed, edition, checkpoint, block_hash, band, signals)


async def test_answer_swings_around_a_threshold__report_in_flight__rounds_and_reports_are_what_the_rules_allow(
    tmp_path: Path,
) -> None:
    """Threshold 1 %, hysteresis 0.5 %: up at 1.5 %, down below 0.5 %."""
    gates: dict[int, asyncio.Event] = {}
    async with committee(tmp_path, 4, lambda _, __: cast(Studio, GatedStudio(gates))) as nodes:
        feed, vault = await nodes.open([WAD], [10 * PER_MILLE], 1, 5 * PER_MILLE)

        async def sample(growth: int) -> int:
            await deploy.set_price(nodes.account, vault, WAD + growth * PER_MILLE)
            return await nodes.checkpoint(feed, leave_open=True)

        async def settled(reports: int) -> None:
            async with asyncio.timeout(nodes.patience):
                while len(await landed(nodes)) < reports or any(member.rounds.status() for member in nodes.members):
                    for member in nodes.members:
                        await member.follow()
                    await asyncio.sleep(nodes.pause)

        await nodes.checkpoint(feed)  # the first painting
        painted = [report.checkpoint for report in await landed(nodes)]
        # Around the threshold, within the hysteresis: nothing.
        for growth in (14, -3):
            await sample(growth)
        while await sample(14) // CADENCE % ALIGNED != 1:
            pass
        assert not any(member.rounds.status() for member in nodes.members)

        # Over it; and while that report is in flight, down and up again at every checkpoint.
        head = int(await nodes.account.web3.eth.block_number)
        crossing = (head // CADENCE + 1) * CADENCE
        for checkpoint in range(crossing, crossing + 100 * CADENCE, CADENCE):
            gates[checkpoint] = asyncio.Event()
        judged = [(await sample(growth), growth) for growth in (16, 4, 17, 3, 18, 2, 19)]
        assert judged[0][0] == crossing
        wanted = [crossing] + [
            checkpoint for checkpoint, growth in judged[1:] if growth >= 15 and checkpoint // CADENCE % ALIGNED == 0
        ]
        assert len(wanted) == 3
        for member in nodes.members:
            assert sorted(status.key.checkpoint for status in member.rounds.status()) == wanted
        gates[crossing].set()
        await settled(len(painted) + 1)  # it ends the others too: they judged a band that is gone
        for gate in gates.values():
            gate.set()

        # Within the hysteresis of the new band nothing either; below it, one report.
        for growth in (6, 30):
            await sample(growth)
        down = await sample(4)
        await settled(len(painted) + 2)
        await sample(14)
        changes = [
            (report.checkpoint, report.answer, report.previous_band, report.band)
            for report in (await landed(nodes))[len(painted) :]
        ]
        assert changes == [(crossing, 16 * PER_MILLE, 0, 1), (down, 4 * PER_MILLE, 1, 0)]
        for member in nodes.members:
            begun = [row.checkpoint for row in member.journal.rounds.last(100)][::-1]
            assert begun == [*painted, *wanted, down]
        await nodes.settle()
