"""One target's loop: grouped messages, back-off, a rate, quiet hours. Time is a number that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from node.config.schema import NoticesConfig
from node.journal import Journal
from node.journal.notices import NoticeRow
from node.keys.secrets import Secret
from node.notices.courier import Message
from node.notices.delivery import AGAIN, Delivery, Span
from node.notices.outbox import Outbox
from node.notices.targets import Target

TARGET = Target("mail", "info", Secret("json://mail.example/secret-a1"))


@dataclass
class Bench:
    """A target that takes what it is sent unless it is down, and a clock."""

    outbox: Outbox
    now: float = 1_000.0
    wall: float = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()
    down: str = ""
    sent: list[Message] = field(default_factory=list)
    tries: int = 0

    async def carry(self, target: Target, message: Message) -> str:
        assert target is TARGET
        self.tries += 1
        if not self.down:
            self.sent.append(message)
        return self.down

    def delivery(self, **settings: Any) -> Delivery:
        chosen = NoticesConfig(**{"group_ms": 0, **settings})
        return Delivery(
            "north", TARGET, self.outbox, self.carry, chosen, clock=lambda: self.now, wall=lambda: self.wall
        )

    def add(self, code: str = "low-balance", level: str = "warning") -> None:
        self.outbox.add(NoticeRow(int(self.wall * 1000), code, level, "begun", "It is so."))

    async def until(self, delivery: Delivery, seconds: float, step: float = 1.0) -> None:
        end = self.now + seconds
        while self.now < end:
            await delivery.step()
            self.now, self.wall = self.now + step, self.wall + step


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Journal(tmp_path / "state") as journal:
        yield Bench(Outbox(journal, [TARGET], []))


async def test_step__notices_close_together__go_in_one_message_once(bench: Bench) -> None:
    delivery = bench.delivery(group_ms=10_000)
    bench.add()
    await bench.until(delivery, 5)
    bench.add("no-broker")
    assert bench.sent == []
    await bench.until(delivery, 60)
    (message,) = bench.sent
    assert message.title == "Patina north: low balance, no broker"
    assert message.level == "warning"
    assert bench.outbox.waiting("mail") == []


async def test_step__target_down__is_tried_ever_more_rarely_and_then_gets_everything(bench: Bench) -> None:
    delivery = bench.delivery()
    bench.add()
    bench.down = "error=503"
    await bench.until(delivery, 3 * AGAIN.cap, step=10)
    assert 5 < bench.tries < 15
    assert (delivery.failures, delivery.error) == (bench.tries, "error=503")
    bench.add("slashed", "critical")
    bench.down = ""
    await bench.until(delivery, AGAIN.cap, step=10)
    (message,) = bench.sent
    assert message.level == "critical"
    assert "low balance" in message.title
    assert "slashed" in message.title
    assert (delivery.failures, delivery.error) == (0, "")


async def test_step__flood__keeps_to_the_rate_and_loses_nothing(bench: Bench) -> None:
    delivery = bench.delivery(per_hour=4)
    for _ in range(60):
        bench.add()
        await bench.until(delivery, 60, step=60)
    assert 4 <= len(bench.sent) <= 9
    await bench.until(delivery, 3_600, step=10)
    assert bench.outbox.waiting("mail") == []


async def test_step__quiet_hours__critical_goes_and_the_rest_waits_for_their_end(bench: Bench) -> None:
    bench.wall = datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp()
    delivery = bench.delivery(quiet_hours="23:00-00:30")
    bench.add()
    bench.add("slashed", "critical")
    await bench.until(delivery, 60)
    assert [each.level for each in bench.sent] == ["critical"]
    assert "low balance" not in bench.sent[0].title
    await bench.until(delivery, 3_700, step=10)
    assert [each.level for each in bench.sent] == ["critical", "warning"]


async def test_step__journal_that_cannot_note_it__target_is_not_flooded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = bench.delivery()
    bench.add()
    monkeypatch.setattr(bench.outbox, "taken", lambda *_: False)
    await bench.until(delivery, 60)
    assert len(bench.sent) == 2


@pytest.mark.parametrize(
    ("span", "hour", "held"),
    [("22:00-07:00", 23, True), ("22:00-07:00", 7, False), ("22:00-07:00", 6, True), ("22:00-07:00", 12, False),
     ("09:00-17:00", 9, True), ("09:00-17:00", 17, False), ("08:00-08:00", 8, False)],
)  # fmt: skip
def test_span__times_of_day__held_as_written(span: str, hour: int, held: bool) -> None:
    assert Span.parse(span).holds(datetime(2026, 3, 1, hour, 0, tzinfo=UTC)) is held


async def test_step__one_message_an_hour__is_one_and_not_none(bench: Bench) -> None:
    delivery = bench.delivery(per_hour=1)
    for _ in range(2):
        bench.add()
        await bench.until(delivery, 3)
    assert len(bench.sent) == 1
    await bench.until(delivery, 3_700, step=60)
    assert len(bench.sent) == 2
