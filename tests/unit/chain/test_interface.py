"""Calls, results and events as bytes and back; foreign bytes are refused, never trusted."""

from __future__ import annotations

import contextlib

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from node.chain import parse
from node.chain.failures import MissingError, UnavailableError, revert_in
from node.chain.interface import Interface, artifact, interface
from node.errors import ChainError

REPORT = (1, 2, b"\x03" * 32, 4, 5, (-6, 7), (8,), b"\x09" * 32)


def test_encode__struct_arguments__have_the_canonical_selector() -> None:
    calldata = interface("StrategyOracle").encode("transmit", REPORT, 3, b"\x01" * 64)
    kinds = "(uint256,uint64,bytes32,uint8,uint256,int256[],int256[],bytes32)"
    assert calldata[:4] == keccak(text=f"transmit({kinds},uint256,bytes)")[:4]
    assert interface("StrategyOracle").call(calldata) == ("transmit", (REPORT, 3, b"\x01" * 64))


def test_encode__argument_that_does_not_fit__is_refused() -> None:
    with pytest.raises(ChainError):
        interface("StrategyOracle").encode("band", -1)


def test_call__of_another_contract__is_none() -> None:
    assert interface("StrategyOracle").call(b"\x00" * 36) is None
    assert interface("StrategyOracle").call(b"") is None


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_decode__any_bytes__is_a_value_or_a_chain_error(raw: bytes) -> None:
    oracle = interface("StrategyOracle")
    selectors = [oracle.encode("transmit", REPORT, 3, b"")[:4], oracle.encode("vote", 1, 2, b"", 3, (), b"")[:4]]
    for attempt in (
        lambda: oracle.result("feed", raw, 1),
        lambda: oracle.result("policy", raw, 1),
        lambda: oracle.result("committee", raw),
        lambda: interface("DynamicCollection").result("tokenURI", raw, 1),
        lambda: oracle.event("Reported", [oracle.topic("Reported"), raw[:32], raw[:32]], raw),
        *(lambda selector=selector: oracle.call(selector + raw) for selector in selectors),
    ):
        with contextlib.suppress(ChainError):
            attempt()


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("0x") | st.just("0xzz"),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "message", "code", "number"]), inner),
        max_leaves=8,
    )
)
def test_parse__any_json__is_a_value_or_unavailable(value: object) -> None:
    for reader in (parse.block, lambda x: parse.quantity(x, "x"), lambda x: parse.octets(x, "x")):
        with contextlib.suppress(UnavailableError):
            reader(value)
    if isinstance(value, dict):
        revert_in(value)


def test_parse__null_block__is_missing_there() -> None:
    with pytest.raises(MissingError):
        parse.block(None)


def test_artifact__that_is_not_shipped__says_what_to_do() -> None:
    with pytest.raises(ChainError, match="make artifacts"):
        artifact("NoSuchContract")


def test_interface__overloaded_function__is_told_by_its_arguments() -> None:
    def entry(*kinds: str) -> dict[str, object]:
        inputs = [{"type": kind, "name": ""} for kind in kinds]
        return {"type": "function", "name": "f", "inputs": inputs, "outputs": []}

    both = Interface([entry("uint256"), entry("uint256", "bool")])
    assert both.encode("f", 1)[:4] == keccak(text="f(uint256)")[:4]
    assert both.encode("f", 1, True)[:4] == keccak(text="f(uint256,bool)")[:4]
