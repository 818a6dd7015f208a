"""Bringing a report to the chain: whose turn it is, and what a sender looks at before it pays."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.effects import RoundKey, Transmit
from node.agreement.report import Report
from node.chain.types import Landed
from node.errors import ChainError, JournalUnwritableError, RevertError
from node.rounds.transmit import Transmitter, turn
from tests.unit.paper import make_landed

DIGEST = b"\x05" * 32
REPORT = Report(1, 10, b"b" * 32, 0, 0b111, (1, 2, 3), (0, 0, 0), b"r" * 32)
EFFECT = Transmit(RoundKey(1, 10), 0, REPORT, DIGEST, 0b111, b"s" * 192)
N = 4


@dataclass
class PaperSender:
    """Answers each call with the next error, or a hash when none is left."""

    errors: list[Exception] = field(default_factory=list)
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def send(self, key: str, to: str, calldata: bytes) -> bytes:
        self.calls.append((key, to, calldata))
        if self.errors:
            raise self.errors.pop(0)
        return b"h" * 32


@dataclass
class PaperLandings:
    newest: Landed | None = None
    errors: list[Exception] = field(default_factory=list)

    def block_of_last(self, feed: int) -> int | None:
        if self.errors:
            raise self.errors.pop(0)
        return self.newest.block_number if self.newest is not None and self.newest.feed == feed else None


class Desk:
    """A transmitter with everything around it; the waits that it asks for are noted and not waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, index: int, *, enabled: bool = True, n: int = N) -> None:
        self.sender, self.landings, self.waits = PaperSender(), PaperLandings(), list[float]()
        self.on_wait: Any = lambda: None

        def encode(report: Report, signers: int, signatures: bytes, *, previous: bool) -> bytes:
            return (b"previous" if previous else b"calldata") + signatures

        chain = SimpleNamespace(transmit_calldata=encode)
        committee = SimpleNamespace(n=n, oracle="0xOracle", config_digest=b"\xcd" * 32)
        self.transmitter = Transmitter(
            *(cast(Any, part) for part in (chain, committee, index, self.sender, self.landings)),
            stage_ms=2_000,
            enabled=enabled,
        )
        yield_once = asyncio.sleep

        async def noted(seconds: float) -> None:
            self.waits.append(seconds)
            self.on_wait()
            await yield_once(0)

        monkeypatch.setattr("node.rounds.transmit.asyncio.sleep", noted)


def member(place: int, n: int = N) -> int:
    """Who sends in this place."""
    return next(index for index in range(n) if turn(DIGEST, index, n) == place)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 31))
@settings(max_examples=60)
def test_turn__any_digest_and_committee__is_a_permutation(digest: bytes, n: int) -> None:
    assert sorted(turn(digest, index, n) for index in range(n)) == list(range(n))


def test_turn__many_digests__everyone_is_first_about_as_often() -> None:
    firsts = [turn(number.to_bytes(32, "big"), 0, N) for number in range(400)]
    for place in range(N):
        assert 60 < firsts.count(place) < 140


@pytest.mark.parametrize("place", range(N))
async def test_transmit__own_turn__sends_once_after_a_stage_for_each_before(
    monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    desk = Desk(monkeypatch, member(place))
    await desk.transmitter.transmit(EFFECT)
    assert desk.waits == [2.0 * place]
    assert desk.sender.calls == [("report cdcdcdcd 1 10 0", "0xOracle", b"calldata" + b"s" * 192)]


@pytest.mark.parametrize("checkpoint", [10, 20])
async def test_transmit__report_or_a_newer_one_landed_meanwhile__sends_nothing(
    monkeypatch: pytest.MonkeyPatch, checkpoint: int
) -> None:
    desk = Desk(monkeypatch, member(2))
    desk.on_wait = lambda: setattr(desk.landings, "newest", make_landed(checkpoint, 21))
    await desk.transmitter.transmit(EFFECT)
    assert desk.sender.calls == []


@pytest.mark.parametrize("landed", [make_landed(9, 9), make_landed(10, 12, feed=2)], ids=["older", "other feed"])
async def test_transmit__something_else_landed__sends(monkeypatch: pytest.MonkeyPatch, landed: Landed) -> None:
    desk = Desk(monkeypatch, member(1))
    desk.landings.newest = landed
    await desk.transmitter.transmit(EFFECT)
    assert len(desk.sender.calls) == 1


async def test_transmit__oracle_refuses_and_nothing_landed__looks_again_until_it_takes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One endpoint that lags refuses what the chain would take; a refusal is believed once a landing explains it."""
    desk = Desk(monkeypatch, member(0))
    desk.sender.errors = [RevertError("oracle: checkpoint not in the past")] * 2
    await desk.transmitter.transmit(EFFECT)
    assert len(desk.sender.calls) == 3


async def test_transmit__report_that_landed_after_the_checkpoint__makes_it_pointless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, member(0))
    desk.landings.newest = make_landed(5, 11)  # for an older checkpoint, but in a block after this one
    await desk.transmitter.transmit(EFFECT)
    assert desk.sender.calls == []


async def test_transmit__chain_out_of_reach__tries_the_same_transaction_until_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, member(0))
    desk.sender.errors = [ChainError("silent"), ChainError("silent")]
    await desk.transmitter.transmit(EFFECT)
    assert len(desk.sender.calls) == 3
    assert len(set(desk.sender.calls)) == 1
    assert desk.waits == [0.0, 2.0, 2.0]


async def test_transmit__disk_does_not_read__tries_again_and_the_node_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, member(0))
    desk.landings.errors = [JournalUnwritableError("the disk does not read or write")]
    await desk.transmitter.transmit(EFFECT)
    assert len(desk.sender.calls) == 1
    assert desk.waits == [0.0, 2.0]


async def test_transmit__landed_while_the_chain_was_out_of_reach__stops_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, member(0))
    desk.sender.errors = [ChainError("silent")] * 9

    def look() -> None:
        if len(desk.waits) == 3:
            desk.landings.newest = make_landed(10, 12)

    desk.on_wait = look
    await desk.transmitter.transmit(EFFECT)
    assert len(desk.sender.calls) == 2


async def test_transmit__switched_off__leaves_it_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, member(0), enabled=False)
    await desk.transmitter.transmit(EFFECT)
    assert (desk.waits, desk.sender.calls) == ([], [])


@pytest.mark.parametrize("previous", [False, True])
async def test_transmit__refused_as_it_is__is_sent_as_of_the_other_configuration_next(
    monkeypatch: pytest.MonkeyPatch, previous: bool
) -> None:
    """The chain may have another committee, or still the old one, long before a final block shows it."""
    desk = Desk(monkeypatch, member(0))
    desk.transmitter.previous = previous
    desk.sender.errors = [RevertError("oracle: wrong signature"), RevertError("committee: no previous one")]
    await desk.transmitter.transmit(EFFECT)
    key = "report cdcdcdcd 1 10 0"
    ways = [(key, "0xOracle", b"calldata" + b"s" * 192), (f"{key} previous", "0xOracle", b"previous" + b"s" * 192)]
    here, there = reversed(ways) if previous else ways
    assert desk.sender.calls == [here, there, here]


async def test_transmit__chain_silent__is_no_reason_to_try_the_other_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, member(0))
    desk.sender.errors = [ChainError("silent"), ChainError("silent")]
    await desk.transmitter.transmit(EFFECT)
    assert [key for key, _, _ in desk.sender.calls] == ["report cdcdcdcd 1 10 0"] * 3
