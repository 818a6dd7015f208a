"""What a node knows of its own stake: read now and then, kept when it cannot be read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from node.errors import ChainError
from node.staking import own
from node.staking.own import Holding, OwnStake
from node.staking.token import Token
from node.staking.types import Account, Node, Overview, Params

SIGNER, TOKEN = "0x" + "11" * 20, "0x" + "22" * 20
PARAMS = Params(100, 2, 3_600, 14, 0, 0, 0, 0, 0, 0, 0, 3, 1)
OVERVIEW = Overview("", TOKEN, True, 5, 1_700_000_000, 4, b"c" * 32, b"", b"", b"", 0, 0, (1,), PARAMS)


def node(**changes: Any) -> Node:
    known: dict[str, Any] = dict.fromkeys(Node.__dataclass_fields__, 0)
    return Node(**(known | {"id": 3, "bond": 150, "signer": SIGNER} | changes))


@dataclass
class PaperStaking:
    number: int = 3
    silent: bool = False

    async def overview(self) -> Overview:
        if self.silent:
            raise ChainError("silent")
        return OVERVIEW

    async def node_of_signer(self, signer: str) -> int:
        assert signer == SIGNER
        return self.number

    async def account(self, number: int) -> Account:
        return Account(node(id=number, seated=True), 70, 30, 8, 6, (), 0)

    async def owed(self, account: str) -> tuple[int, int]:
        assert account == SIGNER
        return 11, 0


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    async def read_token(_: Any, __: str, address: str) -> Token:
        asked.append(address)
        return Token(address, "tPTN", 2)

    monkeypatch.setattr(own, "read_token", read_token)
    return asked


def make(staking: PaperStaking | None, **options: Any) -> OwnStake:
    async def find() -> PaperStaking | None:
        return staking

    locator: Any = SimpleNamespace(find=find)
    chain: Any = SimpleNamespace(pool=None)
    return OwnStake(chain, locator, SIGNER, "", **options)


async def test_look__registered_node__has_bond_rewards_and_state(token: list[str]) -> None:
    now = 10.0
    found = make(PaperStaking(), clock=lambda: now)
    assert (found.found, found.age, found.status()) == (None, None, None)
    await found.look()
    await found.look()
    now = 17.5
    status: Any = found.status()
    assert (status["state"], status["bond"], status["claimable"], status["pending"]) == ("seated", "150", "70", "30")
    assert (status["reports_due"], status["reports_attended"], status["owed"], status["age_s"]) == (8, 6, "11", 7.5)
    assert token == [TOKEN]  # its decimals never change


async def test_look__signer_of_no_node__is_unregistered(token: list[str]) -> None:
    found = make(PaperStaking(number=0))
    await found.look()
    status: Any = found.status()
    assert status["state"] == "unregistered"
    assert "bond" not in status


async def test_look__no_contract_decides__holds_nothing(token: list[str]) -> None:
    found = make(None)
    await found.look()
    assert found.status() is None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"slashed": True, "suspended": True, "seated": True}, "slashed"),
        ({"suspended": True, "leaving": True}, "suspended"),
        ({"leaving": True, "seated": True}, "leaving"),
        ({"seated": True, "candidate": True}, "seated"),
        ({"candidate": True}, "candidate"),
        ({}, "registered"),
    ],
)
async def test_state__several_at_once__the_gravest_counts(
    token: list[str], changes: dict[str, Any], state: str
) -> None:
    found = make(PaperStaking())
    await found.look()
    assert found.found is not None
    assert found.found.account is not None
    account = replace(found.found.account, node=node(**changes))
    assert Holding(found.found.token, OVERVIEW, account, 0, 0).state == state


async def test_run__contract_silent__keeps_what_was_found_and_tries_again(token: list[str]) -> None:
    staking = PaperStaking()
    found = make(staking, every=0)
    await found.look()
    staking.silent = True
    task = asyncio.create_task(found.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert found.found is not None
    staking.silent, staking.number = False, 0
    async with asyncio.timeout(20):
        while found.found is None or found.found.state != "unregistered":
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
