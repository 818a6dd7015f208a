"""Which feeds a node leaves alone, and where it finds the contract that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from node.staking import locator as locators
from node.staking.locator import AGAIN_S, Locator
from node.staking.paying import Paying

ONE, OTHER = "0x" + "11" * 20, "0x" + "22" * 20


class PaperStaking:
    address = ONE

    async def pays(self, feeds: Sequence[int]) -> dict[int, bool]:
        return {feed: feed % 2 == 0 for feed in feeds}


class PaperLocator:
    def __init__(self, found: PaperStaking | None) -> None:
        self.found, self.asked = found, 0

    async def find(self) -> PaperStaking | None:
        self.asked += 1
        return self.found


async def test_unpaid__node_that_works_for_pay__leaves_those_that_do_not() -> None:
    locator: Any = PaperLocator(PaperStaking())
    assert await Paying(locator, serve_unpaid=False).unpaid([1, 2, 3, 4]) == {1, 3}
    assert await Paying(locator, serve_unpaid=False).unpaid([]) == set()


async def test_unpaid__node_that_serves_all__asks_nobody() -> None:
    locator: Any = PaperLocator(PaperStaking())
    assert await Paying(locator, serve_unpaid=True).unpaid([1, 2]) == set()
    assert locator.asked == 0


async def test_unpaid__no_staking_contract__serves_all() -> None:
    locator: Any = PaperLocator(None)
    assert await Paying(locator, serve_unpaid=False).unpaid([1, 2]) == set()


async def test_find__oracle_gets_another_contract__found_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str | None] = [None, ONE, ONE, OTHER]
    now = 0.0

    async def asked(*_: object) -> str | None:
        return said.pop(0)

    monkeypatch.setattr(locators, "find_staking", asked)

    class PaperChain:
        pool, oracle = None, ONE

    chain: Any = PaperChain()
    locator = Locator(chain, ONE, None, clock=lambda: now)
    assert await locator.find() is None
    assert await locator.find() is None
    found = []
    for _ in range(3):
        now += AGAIN_S
        found.append(await locator.find())
    assert [each and each.address for each in found] == [ONE, ONE, OTHER]
    assert found[0] is found[1]
    assert locator.known == OTHER


async def test_find__configured__the_oracle_is_not_asked() -> None:
    chain: Any = None

    class PaperChain:
        pool, oracle = None, ONE

    chain = PaperChain()
    found = await Locator(chain, ONE, OTHER).find()
    assert found is not None
    assert found.address == OTHER
