"""How a scenario is judged: by what it really did, and by what it left behind."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest

from tests.integration.chaos import scenario
from tests.integration.chaos.arena import Arena
from tests.integration.chaos.evidence import Evidence
from tests.integration.chaos.scenario import Scenario, Verdict, run
from tests.unit.chaos.test_invariants import crossing_missing, good


class PaperArena:
    """What `run` asks of an arena."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter(earlier=3, kills=1)
        self.felt: Counter[str] = Counter(refused=5)
        self.settled = 0

    def harm(self) -> Counter[str]:
        return Counter(self.felt)

    def log(self, _: str) -> None:
        pass

    async def settle(self) -> None:
        self.settled += 1


async def judged(play: Any, monkeypatch: pytest.MonkeyPatch, evidence: Evidence | None = None) -> Verdict:
    async def gather(_: Arena) -> Evidence:
        return evidence or good()

    monkeypatch.setattr(scenario, "gather", gather)
    wanted = Scenario("test", "", play, lambda amount: {"kills": amount, "refused": 1}, short=2, long=9)
    return await run(wanted, cast(Any, PaperArena()), 2)


async def test_run__all_was_done_and_all_is_well__has_no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(arena: Any, amount: int) -> None:
        arena.tried["kills"] += amount
        arena.felt["refused"] += 1

    verdict = await judged(play, monkeypatch)
    assert verdict.faults == []
    assert dict(verdict.tried) == {"kills": 2, "refused": 1, "crossings landed by votes": 1}
    assert verdict.text().startswith("test (2): 1 crossings landed by votes, 2 kills, 1 refused in ")


async def test_run__fault_that_was_not_really_injected__has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(arena: Any, amount: int) -> None:
        arena.tried["kills"] += amount - 1  # what others did before does not count

    verdict = await judged(play, monkeypatch)
    assert verdict.faults == ["kills: 1, at least 2 were to be injected", "refused: 0, at least 1 were to be injected"]


async def test_run__play_fails__is_told_and_what_it_left_is_judged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(arena: Any, amount: int) -> None:
        arena.tried["kills"] += amount
        arena.felt["refused"] += 1
        raise AssertionError("it did not land")

    evidence = good()
    crossing_missing(evidence)
    verdict = await judged(play, monkeypatch, evidence)
    assert verdict.faults[0] == "AssertionError: it did not land"
    assert "were asked for" in verdict.faults[1]


async def test_run__evidence_cannot_be_had__has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(arena: Any, amount: int) -> None:
        arena.tried["kills"] += amount
        arena.felt["refused"] += 1

    async def nothing(_: Arena) -> Evidence:
        raise OSError("no journal")

    monkeypatch.setattr(scenario, "gather", nothing)
    wanted = Scenario("test", "", play, lambda amount: {}, short=2, long=9)
    verdict = await run(wanted, cast(Any, PaperArena()), 2)
    assert verdict.faults == ["could not be checked, OSError: no journal"]
