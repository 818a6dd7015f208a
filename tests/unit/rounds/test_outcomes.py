"""What the driver does when a round is painted, landed, overtaken or begun again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from node.agreement.effects import (
    RoundDone,
)
from node.agreement.memory import Memory
from node.agreement.report import report_digest
from node.journal import Journal
from tests.unit.paper import make_landed
from tests.unit.rounds.desk import KEY, OTHER_ROOT, ROOT, Desk, ScriptedMachine, paints, report_of, trigger, until


async def test_round__committee_of_one__paints_attests_and_transmits(journal: Journal) -> None:
    desk = Desk(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.transmitter.sent)
    [effect] = desk.transmitter.sent
    assert effect.report == report_of(0, ROOT)
    assert effect.digest == report_digest(desk.committee.domain, effect.report) == desk.signer.signed[0]
    assert desk.rows() == {0: effect.digest}
    assert desk.driver.in_flight(1) == 10
    assert desk.driver.in_flight(2) is None
    assert {what: desk.driver.happened[what] for what in ("round started", "attested", "said observation")} == {
        "round started": 1, "attested": 1, "said observation": 1,
    }  # fmt: skip


async def test_landed__while_a_render_is_under_way__cancels_it_and_ends_the_round(journal: Journal) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow(answer: int, signals: Sequence[int]) -> bytes:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ROOT

    for checkpoint in (10, 20):
        journal.rounds.open(1, checkpoint, bytes(32), 100, (1, 2, 3), "crossing")
    desk = Desk(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), slow)
        await asyncio.wait_for(started.wait(), 10)
        assert [status.phase for status in desk.driver.status()] == ["rendering"]
        desk.driver.landed(make_landed(10, 12))
        assert desk.driver.status() == []
        await asyncio.wait_for(ended.wait(), 10)
        await desk.driver.begin(trigger(), slow)  # the same checkpoint again: its report stands
        assert desk.driver.in_flight(1) is None
        assert desk.driver._paints == {}
        assert (desk.driver.happened["round landed"], desk.driver.took.count) == (1, 1)
        assert [row.state for row in journal.rounds.last(9)] == ["open", "open"]  # not before it is final
        desk.journal.settled(make_landed(10, 12))
    first, second = journal.rounds.get(1, 10), journal.rounds.get(1, 20)
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == ("landed", "open")


async def test_landed__rounds_before_its_block__judged_a_state_that_is_gone(journal: Journal) -> None:
    for checkpoint in (10, 20, 30):
        journal.rounds.open(1, checkpoint, bytes(32), 100, (1, 2, 3), "crossing")
    desk = Desk(journal, n=4)
    async with desk.running():
        for checkpoint in (10, 20, 30):
            await desk.driver.begin(trigger(checkpoint), paints(ROOT))
        desk.driver.landed(make_landed(10, 25))
        assert [status.key.checkpoint for status in desk.driver.status()] == [30]
        journal.promises.remember(desk.committee.config_digest, 1, 20, Memory(left=0))
        desk.journal.settled(make_landed(10, 25))
    states = [row.state for row in reversed(journal.rounds.last(9))]
    assert states == ["landed", "abandoned", "open"]
    assert journal.promises.of(desk.committee.config_digest, 1, 20) is None
    assert journal.protection.closed(desk.committee.config_digest, 1, 20)


async def test_undone__report_reorganised_away__round_begins_again_and_goes_on_as_bound(journal: Journal) -> None:
    desk = Desk(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.transmitter.sent)
        desk.driver.landed(make_landed(10, 12))
        await desk.driver.begin(trigger(), paints(OTHER_ROOT))
        assert desk.driver.in_flight(1) is None
        desk.driver.undone(make_landed(10, 12))
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: len(desk.transmitter.sent) == 2)
    first, second = desk.transmitter.sent
    assert first.digest == second.digest
    assert desk.rows() == {0: first.digest}


async def test_round_over__pictures_of_it_and_of_those_before__are_let_go(journal: Journal) -> None:
    for number, checkpoint in enumerate((5, 10, 20, 30)):
        journal.pictures.add(bytes([number]) * 32, bytes(36), 1, checkpoint)

    def held() -> list[int]:
        return [number for number in range(4) if journal.pictures.find([bytes([number]) * 32])]

    abandoned = Desk(journal, scripted=ScriptedMachine([RoundDone(KEY, False)]))
    async with abandoned.running():
        await abandoned.driver.begin(trigger(), paints(ROOT))
        await until(lambda: held() == [0, 2, 3])
    landed = Desk(journal)
    async with landed.running():
        landed.driver.landed(make_landed(20, 22))
        assert held() == [0, 2, 3]  # it may be taken back
        landed.journal.settled(make_landed(20, 22))
    assert held() == [2, 3]  # what landed stays until the next has


async def test_begin__same_round_again__goes_on_with_its_first_painting(journal: Journal) -> None:
    desk = Desk(journal)
    await desk.driver.begin(trigger(), paints(ROOT))
    await desk.driver.begin(trigger(), paints(OTHER_ROOT))
    async with desk.running():  # what was begun before run() is carried out then
        await until(lambda: desk.transmitter.sent)
    assert desk.transmitter.sent[0].report.content_root == ROOT
