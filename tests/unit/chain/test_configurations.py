"""Configurations, committees and records of work, as an endpoint that may lie tells them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.committee import Committee
from node.chain import configurations
from node.chain.configurations import NO_DIGEST, Configuration, Worked
from node.chain.failures import UnavailableError
from node.chain.interface import interface
from node.chain.logs import Log
from node.errors import ChainError

ORACLE, NODE = (str(to_checksum_address("0x" + byte * 20)) for byte in ("0a", "0b"))
SIGNERS = [str(to_checksum_address(bytes([number]) * 20)) for number in (1, 2, 3, 4)]
NOW, BEFORE = (Committee(1, ORACLE, SIGNERS, [bytes([base + index]) * 32 for index in range(4)]) for base in (5, 9))
WORDS = st.integers(0, 2**256 - 1)
SMALL = st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    Worked, SMALL, SMALL, SMALL, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.just(NODE), SMALL, WORDS,
    st.just(7), st.just(b"\1" * 32), st.just(b"\2" * 32), st.just(0),
)  # fmt: skip
KINDS = ["uint256", "uint64", "uint256", "uint256", "uint256", "address", "uint256", "uint256"]


def log(event: str, indexed: list[int], kinds: list[str], values: tuple[Any, ...]) -> Log:
    topics = (interface("StrategyOracle").topic(event), *(value.to_bytes(32, "big") for value in indexed))
    return Log(topics, encode(kinds, values), 7, b"\1" * 32, b"\2" * 32, 0)


def told(*values: Any) -> bytes:
    return encode(["bytes32", "uint256", "bytes32", "uint256"], values)


def members(committee: Committee) -> bytes:
    return encode(["address[]", "bytes32[]"], [committee.signers, committee.transport_keys])


@given(record=RECORDS)
@settings(max_examples=30)
def test_worked__any_record__is_read_as_it_was_logged(record: Worked) -> None:
    found = configurations.worked(log("Worked", [record.feed, record.checkpoint], KINDS[2:], record.record[2:]))
    assert found == record


@pytest.mark.parametrize(
    ("place", "value"), [(0, 2**63), (1, 2**63), (2, 2**63), (3, 2**31), (4, 2**255), (6, 2**63), (6, 2**256 - 1)]
)
def test_worked__numbers_that_no_oracle_logs__are_the_endpoints_fault(place: int, value: int) -> None:
    fields: list[Any] = [1, 40, 3, 7, 7, NODE, 90_000, 10**9]
    fields[place] = value
    with pytest.raises(UnavailableError):
        configurations.worked(log("Worked", fields[:2], KINDS[2:], tuple(fields[2:])))


@pytest.mark.parametrize("odd", [(32, 3, 1), (4, 32, 1), (4, 3, 2**63)])
def test_config_set__numbers_that_no_oracle_logs__are_the_endpoints_fault(odd: tuple[int, int, int]) -> None:
    kinds = ["uint256"] * 3
    good = configurations.config_set(log("ConfigSet", [5], kinds, (31, 21, 2**63 - 1)))
    assert (good.config_digest, good.n, good.quorum, good.number) == (bytes(31) + b"\5", 31, 21, 2**63 - 1)
    with pytest.raises(UnavailableError):
        configurations.config_set(log("ConfigSet", [5], kinds, odd))


@pytest.mark.parametrize(
    "results",
    [
        [None, None, None],
        [told(NOW.config_digest, 1, NO_DIGEST, 0), None, None],
        [told(NOW.config_digest, 1, NO_DIGEST, 0), members(BEFORE), None],
        [told(NOW.config_digest, 1, BEFORE.config_digest, 9), members(NOW), None],
        [told(NOW.config_digest, 1, BEFORE.config_digest, 9), members(NOW), members(NOW)],
        [told(NOW.config_digest, 2**63, NO_DIGEST, 0), members(NOW), None],
        [told(NOW.config_digest, 1, BEFORE.config_digest, 2**63), members(NOW), members(BEFORE)],
        [told(NOW.config_digest, 1, NO_DIGEST, 0), encode(["address[]", "bytes32[]"], [SIGNERS, []]), None],
        [told(NOW.config_digest, 1, NO_DIGEST, 0)[:-1], members(NOW), None],
    ],
)
def test_installed__answers_that_contradict_each_other__are_refused(results: list[bytes | None]) -> None:
    with pytest.raises(ChainError):
        configurations.installed(1, ORACLE, results)


def test_installed__honest_answers__are_both_committees() -> None:
    both = [told(NOW.config_digest, 3, BEFORE.config_digest, 9), members(NOW), members(BEFORE)]
    found = configurations.installed(1, ORACLE, both)
    assert found.configuration == Configuration(NOW.config_digest, 3, BEFORE.config_digest, 9)
    assert (found.committee, found.previous) == (NOW, BEFORE)
    nobody = configurations.installed(1, ORACLE, [told(NO_DIGEST, 0, NO_DIGEST, 0), None, None])
    assert (nobody.committee, nobody.previous, nobody.of(NO_DIGEST)) == (None, None, None)


@settings(max_examples=60)
@given(topics=st.lists(st.binary(min_size=32, max_size=32), max_size=3), payload=st.binary(max_size=300))
def test_events__any_bytes__are_a_value_or_a_chain_error(topics: list[bytes], payload: bytes) -> None:
    readers: dict[str, Callable[[Log], Any]] = {
        "Worked": configurations.worked,
        "ConfigSet": configurations.config_set,
    }
    for name, read in readers.items():
        first = interface("StrategyOracle").topic(name)
        with contextlib.suppress(ChainError):
            read(Log((first, *topics), payload, 7, b"\1" * 32, b"\2" * 32, 0))
