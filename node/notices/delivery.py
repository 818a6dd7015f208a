"""Brings waiting notices to one target: grouped, not too often, quiet when it is to be, again after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from node.backoff import Backoff
from node.notices.words import message_of

if TYPE_CHECKING:
    from node.config.schema import NoticesConfig
    from node.journal.notices import NoticeRow
    from node.notices.courier import Carry
    from node.notices.outbox import Outbox
    from node.notices.targets import Target

AGAIN: Final = Backoff(first=30.0, cap=3_600.0)
LOOK_S: Final = 1.0

log = structlog.get_logger("notices")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of each day, in minutes from midnight UTC; it may pass midnight."""

    begins: int
    ends: int

    @classmethod
    def parse(cls, text: str) -> Span:
        """Return the span of a text such as `22:00-07:00`."""
        begins, ends = (60 * int(time[:2]) + int(time[3:]) for time in text.split("-"))
        return cls(begins, ends)

    def holds(self, at: datetime) -> bool:
        """Whether a time of day, in UTC, is in the span; its end is not."""
        minute = 60 * at.hour + at.minute
        if self.begins <= self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends


class Delivery:
    """One target's own loop: a target that is down keeps no other from what it is to be told."""

    def __init__(
        self,
        node: str,
        target: Target,
        outbox: Outbox,
        carry: Carry,
        settings: NoticesConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`node` is the name that messages carry; `clock` in s, steadily; `wall` is Unix time in s."""
        self.target = target
        self.failures = 0
        self.error = ""
        """Why the last message was not taken; empty once one was."""
        self.taken_at: float | None = None
        """When the last message was taken, in Unix time (s)."""
        self._node = node
        self._outbox = outbox
        self._carry = carry
        self._group = settings.group_ms / 1000
        self._quiet = None if settings.quiet_hours is None else Span.parse(settings.quiet_hours)
        self._per_hour = settings.per_hour
        self._clock = clock
        self._wall = wall
        self._room = float(settings.per_hour)
        self._filled = clock()
        self._not_before = 0.0
        self._first_seen: float | None = None

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self.step()
            except Exception as error:
                # What is told beside the node's work must not end it.
                log.error("notices not delivered", target=self.target.name, error=str(error), exc_info=True)
                self._failed("an error in this node: see its log")
            await asyncio.sleep(LOOK_S)

    async def step(self) -> None:
        """Deliver what is due now, if anything is."""
        due = self.due()
        if not due:
            return
        self._room -= 1
        why = await self._carry(self.target, message_of(self._node, due))
        if why:
            self._failed(why)
            return
        if self.failures:
            log.info("notice target takes messages again", target=self.target.name)
        self.failures, self.error, self._first_seen, self.taken_at = 0, "", None, self._wall()
        if not self._outbox.taken(self.target.name, [notice.id for notice in due]):
            self._not_before = self._clock() + AGAIN.first  # told again then: better twice than never

    def due(self) -> Sequence[NoticeRow]:
        """Return the notices for one message now: empty while there are none, or they have to wait."""
        now = self._clock()
        if now < self._not_before:
            return ()
        waiting = self._outbox.waiting(self.target.name)
        if self._quiet is not None and self._quiet.holds(datetime.fromtimestamp(self._wall(), UTC)):
            waiting = [notice for notice in waiting if notice.level == "critical"]
        if not waiting:
            self._first_seen = None
            return ()
        self._first_seen = now if self._first_seen is None else self._first_seen
        self._room = min(self._per_hour, self._room + (now - self._filled) * self._per_hour / 3600)
        self._filled = now
        return waiting if now - self._first_seen >= self._group and self._room >= 1 else ()

    def _failed(self, why: str) -> None:
        self.failures, self.error = self.failures + 1, why
        wait = AGAIN.delay(self.failures - 1)
        self._not_before = self._clock() + wait
        if self.failures == 1:
            log.warning(
                "notice target took nothing, trying again: patina notices test tries it at once",
                target=self.target.name,
                error=why,
            )
