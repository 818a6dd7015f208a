"""The clock: what the endpoints' servers say of it, the middle one of several."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from node.chain.types import Block
from node.keys.secrets import SecretUrl
from node.preflight import clock
from node.preflight.finding import Finding, Notes
from node.preflight.once import Once
from node.preflight.survey import Reach, Survey
from tests.unit.preflight.conftest import Quiet


async def judged(folder: Path, *offsets: float) -> Finding:
    class Told(Quiet):
        async def _survey(self) -> Survey:
            url = SecretUrl("http://127.0.0.1:1")
            ends = [Reach(url, "a", None, fault="gone", offsets=[one, one + 0.3]) for one in offsets]  # type: ignore[arg-type]  # never asked
            return Survey(ends, 8)

    notes = Notes("clock")
    await clock.check(Told(folder / "config.toml", environ={}), notes)
    return {one.code: one for one in notes.found}["clock.offset"]


@pytest.mark.parametrize(
    ("offsets", "verdict", "words"),
    [
        ((0.4,), "ok", "1 endpoint server"),
        ((-0.9, 0.2, 0.6), "ok", "3 endpoint servers"),
        ((-20.0,), "warning", "behind"),
        ((7.0, 8.0), "warning", "ahead of"),
        ((-90.0, -91.0), "fault", "behind 2 endpoint servers"),
        ((0.1, 0.2, 9_999.0), "ok", ""),  # one server that is wrong itself accuses nobody
        ((), "not checked", "no endpoint's server"),
    ],
)
async def test_check__offsets__the_middle_one_is_judged(
    folder: Path, offsets: tuple[float, ...], verdict: str, words: str
) -> None:
    found = await judged(folder, *offsets)
    assert found.verdict == verdict, found
    assert words in found.detail


@pytest.mark.parametrize(
    ("offset", "ahead", "verdict", "remedied"),
    [
        (0.0, 20.0, "ok", False),
        (0.0, 90.0, "warning", True),  # this clock is right, so that the chain has one of its own
        (-90.0, 90.0, "fault", False),
        (-7.0, 90.0, "fault", False),  # this clock may be what is wrong
        (0.0, -200.0, "ok", False),
        (0.0, -400.0, "warning", True),
    ],
)
async def test_check__newest_block__accuses_this_clock_only_where_servers_do(
    folder: Path, offset: float, ahead: float, verdict: str, remedied: bool
) -> None:
    class Told(Quiet):
        async def _survey(self) -> Survey:
            return Survey([Reach(SecretUrl("http://127.0.0.1:1"), "a", None, offsets=[offset])], 8)  # type: ignore[arg-type]  # never asked

        async def _network(self) -> Any:
            async def head() -> Block:
                return Block(7, bytes(32), int(1_000_000 + ahead))

            return SimpleNamespace(head=Once(head))

    notes = Notes("clock")
    await clock.check(Told(folder / "config.toml", environ={}, now=lambda: 1_000_000.0), notes)
    found = {one.code: one for one in notes.found}["clock.chain"]
    assert found.verdict == verdict, found
    assert ("development chain" in found.remedy) is remedied
