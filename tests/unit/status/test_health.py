"""Health: which code stands for what, and for how long silence is forgiven."""

from __future__ import annotations

import pytest

from node.status import health
from node.status.health import SILENCE_MS, STANDSTILL_MS, Health
from tests.unit.paper import make_block


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000
        monkeypatch.setattr(health, "milliseconds", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_reasons__fresh_node__has_neither_chain_nor_broker() -> None:
    assert Health().reasons(0) == ["chain-not-read-yet", "no-broker"]


def test_reasons__chain_read_and_one_broker__is_ready() -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    assert found.reasons(1) == []
    assert found.final is not None
    assert found.head is not None
    assert (found.final.number, found.head.number) == (5, 7)


def test_reasons__chain_fails_before_it_was_ever_read__says_that_it_was_not() -> None:
    found = Health()
    found.chain_failed("refused")
    assert found.reasons(1) == ["chain-not-read-yet"]


def test_reasons__chain_falls_silent__is_forgiven_for_two_minutes(clock: Clock) -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    found.heard_ms = clock.now
    found.chain_failed("timeout")
    clock.now += SILENCE_MS
    assert found.reasons(1) == []
    clock.now += 1
    assert found.reasons(1) == ["chain-unreachable"]
    assert found.reasons(0) == ["chain-unreachable", "no-broker"]
    found.chain_ok(make_block(6), make_block(8))
    assert found.reasons(1) == []
    assert found.chain_error == ""


def test_reasons__final_block_that_stands_still__is_named_after_a_while(clock: Clock) -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    clock.now += STANDSTILL_MS
    found.chain_ok(make_block(5), make_block(9))
    assert found.reasons(1) == []
    clock.now += 1
    found.chain_ok(make_block(5), make_block(9))
    assert found.reasons(1) == ["final-block-stands-still"]
    found.chain_ok(make_block(6), make_block(9))
    assert found.reasons(1) == []


def test_reasons__renderer_failed_its_probe__is_named_beside_the_others() -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    assert found.reasons(1, "cpu is unfit: kernel int8") == ["renderer-unfit"]
    assert found.reasons(0, "cpu is unfit: kernel int8") == ["no-broker", "renderer-unfit"]


def test_reasons__journal_that_takes_nothing__is_named_until_it_was_written_again() -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    found.journal_failed("the disk is full")
    found.chain_ok(make_block(6), make_block(8))
    assert found.reasons(1) == ["journal-not-writable"]
    found.journal_ok()
    assert found.reasons(1) == []
    assert found.reasons(1, stalled=True) == ["journal-not-writable"]


def test_reasons__journal_older_than_the_chains_record__is_named() -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    assert found.reasons(1, doubtful=True) == ["journal-too-old"]


def test_reasons__no_seat__is_standby_and_misses_no_broker() -> None:
    found = Health()
    found.chain_ok(make_block(5), make_block(7))
    assert found.reasons(None, standby=True) == ["standby"]
