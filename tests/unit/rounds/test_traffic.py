"""What the driver sends and receives: a bounded outbox in which rounds have turns, and garbage that does no harm."""

from __future__ import annotations

import asyncio

import pytest

from node.agreement.effects import Broadcast, Effect
from node.agreement.messages import Attestation, Observation, Timeout
from node.gossip.envelope import sealer
from node.journal import Journal
from node.rounds import driver
from node.rounds.driver import OUTBOX
from tests.unit.rounds.desk import ROOT, TRANSPORT, Desk, ScriptedMachine, paints, trigger, until


async def test_outbox__more_than_it_holds__drops_the_oldest(journal: Journal) -> None:
    said = [Broadcast(Timeout(1, 10, 0), number.to_bytes(4, "big")) for number in range(OUTBOX + 3)]
    machine = ScriptedMachine(list(said))
    desk = Desk(journal, scripted=machine)
    desk.wire.open.clear()
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.driver.counters["outbox overflow"])
        desk.wire.open.set()
        await until(lambda: desk.wire.published and desk.wire.published[-1][1] == said[-1].raw)
    raws = [raw for _, raw in desk.wire.published]
    assert raws == [broadcast.raw for broadcast in said[-len(raws) :]]
    assert len(raws) + desk.driver.counters["outbox overflow"] == len(said)
    assert OUTBOX <= len(raws) <= OUTBOX + 1


class Repeating(ScriptedMachine):
    """Has a thousand rounds open, and says with each tick all that it has to say of them, always in the same order."""

    said = tuple(
        Broadcast(Timeout(feed, 10, view), b"%d %d" % (feed, view)) for feed in range(1_000) for view in (0, 1)
    )

    def tick(self, now: int) -> list[Effect]:
        return list(self.said)


async def test_outbox__a_thousand_open_rounds_and_a_slow_wire__each_is_heard(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "OUTBOX", 100)
    monkeypatch.setattr(driver, "TICK_MS", 1)
    desk = Desk(journal, scripted=Repeating())
    heard: set[bytes] = set()

    async def slow(kind: str, raw: bytes) -> None:
        if len(heard) % 20 == 0:
            await asyncio.sleep(0.002)
        heard.add(raw)
        assert len(desk.driver._outbox) <= 100

    monkeypatch.setattr(desk.wire, "publish", slow)
    async with desk.running():
        await until(lambda: len(heard) == len(Repeating.said))
    assert desk.driver.counters["outbox overflow"] > 1_000


async def test_receive__garbage_between_genuine_messages__is_counted_and_does_no_harm(journal: Journal) -> None:
    desk = Desk(journal, n=4)
    others = [sealer(TRANSPORT[index], desk.committee, index) for index in range(4)]
    observation = Observation(1, 10, b"\x0b" * 32, 100, (1, 2, 3))
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        for raw in (b"", b"\x00" * 70_000, b"garbage", others[1](observation)[:-1] + b"\x00", others[2](observation)):
            desk.wire.incoming.put(0, raw)
        await until(lambda: [status.observations for status in desk.driver.status()] == [2])
        counters = desk.driver.counters
        assert sum(number for name, number in counters.items() if name.startswith("dropped")) == 4
        assert counters["accepted"] == 1
        forged = Attestation(1, 10, b"\x0b" * 32, 0, 7, *[b"\x01" * 32] * 3, b"\x02" * 64)
        desk.wire.incoming.put(0, others[3](forged))
        await until(lambda: counters["accepted"] == 2)
    assert desk.transmitter.sent == []
