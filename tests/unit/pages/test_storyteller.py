"""What visitors may make a node ask of the chain for an explanation: once, whoever asks how often."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from node.errors import ChainError
from node.pages.storyteller import Storyteller

VIEW = SimpleNamespace(collection="0x" + "aA" * 20, edition=1)


class Told(Storyteller):
    """Whose chain answers as a test says, and counts how often it was asked."""

    def __init__(self, error: Exception | None) -> None:
        gallery: Any = SimpleNamespace(revision=1, editions=lambda: [VIEW])
        parts: Any = None
        super().__init__(parts, gallery)
        self.asked = 0
        self.error = error

    def _gathering(self) -> Any:
        async def edition(*_: object) -> str:
            self.asked += 1
            await asyncio.sleep(0)
            if self.error is not None:
                raise self.error
            return "the facts"

        return SimpleNamespace(edition=edition)


async def test_facts__many_ask_while_the_chain_is_away__it_is_asked_once() -> None:
    told = Told(ChainError("nobody answers"))
    found = await asyncio.gather(*(told.facts(VIEW.collection, 1) for _ in range(50)), return_exceptions=True)
    assert {str(each) for each in found} == {"nobody answers"}
    assert told.asked == 1
    with pytest.raises(ChainError):
        await told.facts(VIEW.collection.lower(), 1)
    assert told.asked == 1


async def test_facts__many_ask__are_answered_by_one_look() -> None:
    told = Told(None)
    assert set(await asyncio.gather(*(told.facts(VIEW.collection, 1) for _ in range(50)))) == {"the facts"}
    assert told.asked == 1
    assert await told.facts("0x" + "bb" * 20, 1) is None
    assert told.asked == 1
