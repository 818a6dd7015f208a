"""Lines that repeat themselves: which are written, and what is never left out."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from node.log.lines import configure
from node.log.repeats import EVERY_S, MAX_KNOWN, OPENING, Repeats


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(level: int = logging.WARNING, **fields: Any) -> logging.LogRecord:
    return logging.LogRecord("gossip", level, "x.py", 1, {"event": "broker lost", **fields}, (), None)  # type: ignore[arg-type]


def test_filter__trouble_of_a_day__a_few_lines_then_one_in_ten_minutes_with_the_count() -> None:
    clock = Clock()
    repeats, written = Repeats(clock), []
    for second in range(0, 86_400, 20):
        clock.now = float(second)
        line = record(broker="one", again_in_s=second / 7)
        if repeats.filter(line):
            written.append(line.msg)
    assert len(written) == OPENING + 86_400 // EVERY_S - 1
    hidden = sum(each.get("repeated", 0) for each in written)  # type: ignore[attr-defined]
    assert len(written) + hidden > 86_400 // 20 - EVERY_S / 20


def test_filter__other_broker_checkpoint_or_error__is_another_line() -> None:
    repeats = Repeats(Clock())
    assert all(repeats.filter(record(checkpoint=number)) for number in range(50))
    assert all(repeats.filter(record(error=str(number))) for number in range(50))


def test_filter__debug__is_never_left_out() -> None:
    repeats = Repeats(Clock())
    assert all(repeats.filter(record(logging.DEBUG)) for _ in range(50))


def test_filter__line_after_a_quiet_spell__is_news_again() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    for _ in range(2):
        assert [repeats.filter(record()) for _ in range(OPENING + 1)] == [True] * OPENING + [False]
        clock.now += 2 * EVERY_S
        assert repeats.filter(record())
        clock.now += 2 * EVERY_S


def test_filter__trouble_that_comes_back_after_the_part_was_well__is_news() -> None:
    repeats = Repeats(Clock())
    for _ in range(5):
        assert [repeats.filter(record()) for _ in range(OPENING + 2)] == [True] * OPENING + [False] * 2
        other = logging.LogRecord("elsewhere", logging.INFO, "x.py", 1, {"event": "fine"}, (), None)  # type: ignore[arg-type]
        repeats.filter(other)
        assert not repeats.filter(record())
        repeats.filter(record(logging.INFO, broker="one"))


def test_filter__endless_kinds_of_lines__memory_stays_bounded() -> None:
    repeats = Repeats(Clock())
    for number in range(3 * MAX_KNOWN):
        repeats.filter(record(checkpoint=number))
    assert len(repeats._said) == MAX_KNOWN


@pytest.fixture
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    hooks, handlers, level = (sys.excepthook, threading.excepthook, sys.unraisablehook), root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize(("level", "lines"), [("info", 2 * OPENING), ("debug", 20)])
def test_configure__own_and_foreign_lines__are_held_to_it_but_at_debug(level: str, lines: int) -> None:
    stream = io.StringIO()
    configure(level, "json", stream)
    for _ in range(10):
        structlog.get_logger("node").warning("chain not read", error="gone")
        logging.getLogger("library").warning("100%% of %s is gone", "it")
    assert len([json.loads(line) for line in stream.getvalue().splitlines()]) == lines
