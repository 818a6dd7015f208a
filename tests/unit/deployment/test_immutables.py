"""Every shipped contract that a deployment has: its immutables are all accounted for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from node.chain.interface import artifact
from node.deployment.arguments import ArgumentError, creation_code, values
from node.deployment.file import SOURCES
from node.deployment.immutables import hold_code, name_code
from node.staking.types import Params

ONE, TWO = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"
RULES = {each.name: str(number) for number, each in enumerate(fields(Params), 1)}
TOLD: dict[str, dict[str, Any]] = {
    "StrategyOracle": {},
    "TestToken": {"name_": "Stake", "symbol_": "STK", "decimals_": "18"},
    "NodeStaking": {"oracle": ONE, "token": TWO, "params": RULES, "guardian": ONE, "slash_receiver": "0x" + "00" * 20},
    "DynamicCollection": {
        "name_": "Weather",
        "symbol_": "WTHR",
        "oracle_": ONE,
        "reveal_delay_": "20",
        "contract_uri_": "",
    },
}


def shipped(source: str) -> bytes:
    found = artifact(source)
    offset, length = found["runtime"]
    return bytes.fromhex(found["bytecode"][2:])[offset : offset + length]


@pytest.mark.parametrize("source", sorted(SOURCES.values()))
def test_hold_code__code_with_nothing_in_its_immutables__names_each(source: str) -> None:
    layout = artifact(source)["immutables"]
    code = shipped(source) + bytes(sum(length for _, length in layout.values()))
    held = hold_code(source, code, 5, TWO, values(source, TOLD[source]))
    assert held.fault == ""
    assert {each.name for each in held.immutables} == set(layout)
    # An empty text is all that is right about zeros.
    assert [each.name for each in held.immutables if each.holds] == [
        name for name in layout if name.endswith("_BASE_URI")
    ]
    assert name_code(code) == source


def test_hold_code__text_longer_than_its_place__is_no_value() -> None:
    layout = artifact("TestToken")["immutables"]
    code = bytearray(shipped("TestToken") + bytes(sum(length for _, length in layout.values())))
    begin = len(shipped("TestToken")) + layout["erc20.symbol"][0]
    for length in (33, 2**256 - 1):
        code[begin : begin + 32] = length.to_bytes(32)
        held = hold_code("TestToken", bytes(code), 5, TWO, values("TestToken", TOLD["TestToken"]))
        assert next(each for each in held.immutables if each.name == "erc20.symbol").found is None


def test_hold_code__address_with_more_than_an_address__is_no_value() -> None:
    layout = artifact("NodeStaking")["immutables"]
    code = bytearray(shipped("NodeStaking") + bytes(sum(length for _, length in layout.values())))
    begin = len(shipped("NodeStaking")) + layout["rules.TOKEN"][0]
    code[begin : begin + 32] = b"\1" * 12 + bytes.fromhex(TWO[2:])
    held = hold_code("NodeStaking", bytes(code), 5, TWO, values("NodeStaking", TOLD["NodeStaking"]))
    assert next(each for each in held.immutables if each.name == "rules.TOKEN").found is None


@pytest.mark.parametrize(("cut", "told"), [(0, "nothing stands there"), (1, "bytes, TestToken has")])
def test_hold_code__other_code__says_how_it_differs(cut: int, told: str) -> None:
    code = shipped("TestToken")
    held = hold_code("TestToken", code[: cut * (len(code) - 1)], 5, TWO, values("TestToken", TOLD["TestToken"]))
    assert told in held.fault
    assert held.immutables == ()


def test_name_code__foreign_code__is_none() -> None:
    assert name_code(b"\x60\x00") is None


def test_values__structs_and_numbers__come_in_the_constructors_order() -> None:
    told = dict(reversed(TOLD["NodeStaking"].items())) | {"params": dict(reversed(RULES.items()))}
    found = values("NodeStaking", told)
    assert list(found) == ["oracle", "token", "params", "guardian", "slash_receiver"]
    assert list(found["params"].values()) == list(range(1, len(RULES) + 1))
    assert creation_code("NodeStaking", found) == creation_code(
        "NodeStaking", values("NodeStaking", TOLD["NodeStaking"])
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"params": []}, "params is not an object"),
        ({"params": {**RULES, "seats": None}}, "params.seats is not a text"),
        ({"params": {**RULES, "seats": "-1"}}, "params.seats is not a whole number"),
        ({"params": {"seats": "1"}}, "params.minimum is missing"),
        ({"oracle": "0x12"}, "oracle is no address"),
        ({"token": None}, "token is not a text"),
        ({"more": "1"}, "more is no argument"),
    ],
)
def test_values__what_is_no_argument__is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        values("NodeStaking", TOLD["NodeStaking"] | change)


def test_creation_code__number_too_large_for_its_type__is_refused() -> None:
    with pytest.raises(ArgumentError):
        creation_code("TestToken", values("TestToken", TOLD["TestToken"] | {"decimals_": "256"}))
