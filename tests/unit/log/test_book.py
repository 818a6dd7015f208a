"""The ring of log lines: what is kept, in which form, and that no secret is."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog

from node.keys.secrets import Secret
from node.log.book import LONGEST, Logbook, logbook
from node.log.lines import Format, configure

SECRET = "planted-word-8842"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    hooks, handlers, level = (sys.excepthook, threading.excepthook, sys.unraisablehook), root.handlers[:], root.level
    logbook.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()
    logbook.clear()


@pytest.mark.parametrize("form", ["json", "human"])
def test_logbook__line_of_either_form__is_kept_with_its_fields_and_without_secrets(form: Format) -> None:
    Secret(SECRET)
    configure("info", form, io.StringIO())
    structlog.get_logger("node").info("landed", feed=7, at=f"http://x/{SECRET}")
    logging.getLogger("library").warning("lost %s", SECRET)
    own, foreign = logbook.last()
    assert (own["event"], own["feed"], own["level"], own["logger"]) == ("landed", 7, "info", "node")
    assert (foreign["event"], foreign["level"]) == ("lost ***", "warning")
    assert SECRET not in json.dumps([own, foreign])


def test_last__level_and_count__newest_of_them_oldest_first() -> None:
    configure("debug", "json", io.StringIO())
    log = structlog.get_logger("node")
    for number in range(4):
        log.debug("chatter")
        log.error("bad", number=number)
    assert [each["number"] for each in logbook.last(2, "warning")] == [2, 3]


def test_last__value_that_became_secret_after_the_line__is_masked_on_reading() -> None:
    book = Logbook()
    book.add(json.dumps({"level": "info", "event": "late-known-word-5531"}))
    Secret("late-known-word-5531")
    assert book.last() == [{"level": "info", "event": "***"}]


def test_add__more_lines_than_fit__the_oldest_go() -> None:
    book = Logbook(3)
    for number in range(9):
        book.add(json.dumps({"level": "info", "event": str(number)}))
    assert [each["event"] for each in book.last()] == ["6", "7", "8"]


def test_add__endless_line__is_cut_and_still_says_what_it_is() -> None:
    book = Logbook()
    book.add(json.dumps({"level": "error", "event": "crashed", "exception": "x" * 50 * LONGEST, "locals": "y" * 99}))
    (entry,) = book.last()
    assert (entry["level"], entry["event"]) == ("error", "crashed")
    assert len(json.dumps(entry)) < LONGEST


def test_last__line_that_masking_left_no_json__is_shown_as_text() -> None:
    book = Logbook()
    book.add('{"level": "info", "number": ***}')
    assert book.last() == [{"level": "info", "event": '{"level": "info", "number": ***}'}]
