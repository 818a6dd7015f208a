"""What a scenario is, and how one is run: in an arena, with the invariants checked afterwards, whatever it was."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.chaos.evidence import gather
from tests.integration.chaos.invariants import faults

if TYPE_CHECKING:
    from tests.integration.chaos.arena import Arena, Layout


async def as_it_is(layout: Layout, _: Path) -> Layout:
    """Change nothing."""
    return layout


@dataclass(frozen=True)
class Scenario:
    """One kind of chaos.

    `play` is told how much of it is wanted; `least` says how often which fault must really have been injected then.
    """

    name: str
    about: str
    play: Callable[[Arena, int], Awaitable[None]]
    least: Callable[[int], Mapping[str, int]]
    short: int
    """How much of it `make test` takes; 0: none, where another one has most of it."""
    long: int
    """How much of it `make chaos` takes."""
    painted: bool = False
    """Whether `make chaos` lets the nodes paint meanwhile."""
    layout: Callable[[Layout, Path], Awaitable[Layout]] = as_it_is
    """What it needs of its arena, told a folder to try things in."""


@dataclass
class Verdict:
    """What was tried, and what is wrong."""

    scenario: str
    amount: int
    tried: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def text(self) -> str:
        """Return one line for people."""
        tried = ", ".join(f"{count} {what}" for what, count in sorted(self.tried.items())) or "nothing"
        return f"{self.scenario} ({self.amount}): {tried} in {self.seconds:.0f} s"


async def run(scenario: Scenario, arena: Arena, amount: int) -> Verdict:
    """Play a scenario and judge what it left behind; one whose faults were not really injected has failed."""
    since, before, harmed = time.monotonic(), Counter(arena.tried), arena.harm()
    verdict = Verdict(scenario.name, amount)
    arena.log(f"--- {scenario.name} ({amount})")
    try:
        await scenario.play(arena, amount)
        await arena.settle()
    except Exception as error:
        verdict.faults.append(f"{type(error).__name__}: {error}")
    try:
        evidence = await gather(arena)
        verdict.faults += faults(evidence)
        votes = {one.hash for one in evidence.mined if one.call == "vote"}
        arena.tried["crossings landed by votes"] = sum(one.tx_hash in votes for one in evidence.landed)
    except Exception as error:
        verdict.faults.append(f"could not be checked, {type(error).__name__}: {error}")
    verdict.tried = (arena.tried - before) + (arena.harm() - harmed)
    for what, least in scenario.least(amount).items():
        if verdict.tried[what] < least:
            verdict.faults.append(f"{what}: {verdict.tried[what]}, at least {least} were to be injected")
    verdict.seconds = time.monotonic() - since
    for fault in verdict.faults:
        arena.log(f"FAULT {fault}")
    return verdict
