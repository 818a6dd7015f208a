"""Keeps a trouble that lasts from filling the log: what is said again and again is said now and then, with a count."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

OPENING: Final = 3
"""So often in a row a line is written as it comes."""
EVERY_S: Final = 600.0
"""From then on it is written once in so many seconds."""
MAX_KNOWN: Final = 1_024


@dataclass(slots=True)
class _Said:
    since: float
    times: int = 0
    hidden: int = 0


class Repeats(logging.Filter):
    """Passes a line the first few times, and then once in a while with `repeated`: how many were left out.

    Two lines are the same if all their fields are, durations (`*_s`) aside. What differs in a feed, a checkpoint or
    an error's text is never left out, and neither is anything at level debug. Once a logger has said something at level
    info, such as that all is well again, a trouble that comes back is news.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: OrderedDict[tuple[object, ...], _Said] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is to be written; one that stands for others is told how many."""
        if record.levelno < logging.INFO:
            return True
        if record.levelno == logging.INFO:
            self._news(record.name)
        now, key = self._clock(), _key(record)
        said = self._said.get(key)
        if said is None or now - said.since >= EVERY_S:
            if said is not None and said.hidden:
                _count(record, said.hidden)
            # After a quiet spell it is news again; while it goes on, one line a span is enough.
            self._said[key] = _Said(now, OPENING if said is not None and said.hidden else 1)
            self._said.move_to_end(key)
            if len(self._said) > MAX_KNOWN:
                self._said.popitem(last=False)
            return True
        said.times += 1
        if said.times <= OPENING:
            return True
        said.hidden += 1
        return False

    def _news(self, name: str) -> None:
        """Forget the troubles of a logger."""
        for key in [key for key in self._said if key[0] == name and key[1] != logging.INFO]:
            del self._said[key]


def _key(record: logging.LogRecord) -> tuple[object, ...]:
    if isinstance(record.msg, dict):
        fields = (f"{name}={value!r}" for name, value in record.msg.items() if _tells(name))
        return record.name, record.levelno, *sorted(fields)
    return record.name, record.levelno, str(record.msg), repr(record.args)


def _tells(name: str) -> bool:
    return name not in ("timestamp", "exc_info") and not name.endswith("_s")


def _count(record: logging.LogRecord, hidden: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "repeated": hidden}
    else:
        record.msg = f"{record.getMessage()} (and {hidden} times more)"  # without arguments nothing is formatted
        record.args = ()
