"""Why a staked node has no seat, in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.errors import ChainError
from node.staking.types import Node, Overview, Params
from node.term.staked import Staked, why_unseated

ORACLE, OWN = "0x" + "ab" * 20, "0x" + "11" * 20
PARAMS = Params(100, 2, 3_600, 14, 0, 0, 0, 0, 0, 0, 0, 3, 1)
FOUND = Overview(ORACLE, "", True, 5, 1_700_000_000, 4, b"c" * 32, b"", b"", b"", 0, 0, (1, 2, 3), PARAMS)


def node(number: int, bond: int = 100, **changes: Any) -> Node:
    known: dict[str, Any] = dict.fromkeys(Node.__dataclass_fields__, 0)
    return Node(**(known | {"id": number, "bond": bond, "candidate": True, "signer": OWN} | changes))


OTHERS = [node(1, 300), node(2, 200), node(3, 200)]


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (node(9, slashed=True), "was slashed"),
        (node(9, suspended=True, suspended_in=4), "suspended in era 4"),
        (node(9, leaving=True), "is leaving"),
        (node(9, 99), "bond of 99, and 100 is the least"),
        (node(9, 200), "outbid: 3 candidates come before it, and there are 2 seats"),
        (node(9, 400, candidate=False), "outbid"),
        (node(9, 400), "rotates, from 2023-11-14 22:13 UTC on"),
        (node(9, 400, seated=True), "is elected"),
    ],
)
def test_why_unseated__each_reason__is_told(own: Node, words: str) -> None:
    assert words in why_unseated(own, FOUND, [*OTHERS, own])


def test_why_unseated__others_that_cannot_be_elected__are_not_before_it() -> None:
    others = [node(1, 300, suspended=True), node(2, 200, leaving=True), node(3, 200)]
    assert "rotates" in why_unseated(node(9), FOUND, others)


@dataclass
class PaperStaking:
    """One contract, with one node or none; `silent`: it cannot be read."""

    number: int = 0
    silent: bool = False
    address: str = "0xStaking"
    found: Overview = field(default_factory=lambda: FOUND)
    kept: dict[str, Any] = field(default_factory=lambda: {"slashed": True})

    async def overview(self) -> Overview:
        if self.silent:
            raise ChainError("silent")
        return self.found

    async def node_of_signer(self, signer: str) -> int:
        assert signer == OWN
        return self.number

    async def node(self, number: int) -> Node:
        return node(number, **self.kept)

    async def nodes(self, _: Any) -> list[Node]:
        return OTHERS


async def told(staking: PaperStaking | None, oracle: str = ORACLE) -> str:
    async def find() -> PaperStaking | None:
        return staking

    locator: Any = SimpleNamespace(find=find)
    return await Staked(cast(Any, SimpleNamespace(oracle=oracle)), locator, OWN).why()


async def test_why__contract_that_decides__is_asked_for_this_key() -> None:
    assert "no node with this key is registered" in await told(PaperStaking())
    assert "node 9 was slashed" in await told(PaperStaking(9))


async def test_why__key_was_changed__the_old_one_is_not_told_to_wait() -> None:
    other = "0x" + "22" * 20
    words = await told(PaperStaking(9, kept={"signer": other, "seated": True}))
    assert f"was given another signing key, {other}" in words
    assert "never gets a seat again" in words
    assert "was slashed" in await told(PaperStaking(9, kept={"signer": other, "slashed": True}))


async def test_why__no_contract_one_of_another_oracle_or_one_that_is_silent__is_left_open() -> None:
    assert await told(None) == ""
    assert await told(PaperStaking(9), "0xOther") == ""
    assert await told(PaperStaking(9, silent=True)) == ""
