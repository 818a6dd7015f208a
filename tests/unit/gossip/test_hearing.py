"""Whom a node hears: verified messages alone count, its own do not, and time only while there is something to say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.messages import Opened
from node.gossip.envelope import EnvelopeError
from node.gossip.hearing import Hearing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make(n: int) -> tuple[Hearing, Clock]:
    signers = ["0x" + bytes([number] * 20).hex() for number in range(1, n + 1)]
    keys = [bytes([number] * 32) for number in range(1, n + 1)]
    clock = Clock()
    return Hearing(Committee(31337, "0x" + "99" * 20, signers, keys), 0, clock), clock


def test_silent_for__nothing_to_say__stands_still() -> None:
    hearing, clock = make(4)
    clock.now = 1_000
    assert hearing.silent_for() == 0
    hearing.await_others(True)
    clock.now = 1_007
    assert hearing.silent_for() == 7
    hearing.await_others(False)
    clock.now = 5_000
    assert hearing.silent_for() == 7
    hearing.await_others(True)
    clock.now = 5_001
    assert hearing.silent_for() == 8


def test_silent_for__alone_in_its_committee__is_never_silent() -> None:
    hearing, clock = make(1)
    hearing.await_others(True)
    clock.now = 1_000
    assert hearing.silent_for() == 0


def test_noting__what_is_opened_and_what_is_refused__counts_senders_that_were_verified() -> None:
    hearing, clock = make(4)
    hearing.await_others(True)
    clock.now = 10

    def open_envelope(raw: bytes) -> Opened:
        if not raw:
            raise EnvelopeError(reasons.BAD_SIGNATURE)
        return cast(Opened, SimpleNamespace(sender=raw[0]))

    opened = hearing.noting(open_envelope)
    for raw in (b"\x00", b"\x03"):
        opened(raw)
    with pytest.raises(EnvelopeError):
        opened(b"")
    assert hearing.silent_for() == 10  # itself and one other are no quorum of four
    opened(b"\x01")
    clock.now = 11
    assert hearing.silent_for() == 1
