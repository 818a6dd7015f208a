"""aggregate3's encoding is the ABI's, and foreign bytes are refused without using memory or a traceback."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from node.chain.multicall import SELECTOR, decode, encode
from node.errors import ChainError

ADDRESS = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
CALLS = st.lists(st.tuples(ADDRESS, st.binary(max_size=100)), max_size=8)
RESULTS = st.lists(st.tuples(st.booleans(), st.binary(max_size=100)), max_size=8)


def word(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def test_selector__signature__its_hash() -> None:
    assert keccak(text="aggregate3((address,bool,bytes)[])")[:4] == SELECTOR


@given(CALLS)
def test_encode__any_calls__as_the_abi_encodes_them(calls: list[tuple[str, bytes]]) -> None:
    packed = [(target, True, calldata) for target, calldata in calls]
    assert encode(calls) == SELECTOR + abi_encode(["(address,bool,bytes)[]"], [packed])


@given(RESULTS)
def test_decode__any_results__what_was_encoded(results: list[tuple[bool, bytes]]) -> None:
    raw = abi_encode(["(bool,bytes)[]"], [results])
    assert decode(raw) == [output if success else None for success, output in results]


@given(RESULTS, st.data())
def test_decode__cut_or_changed__refused_or_of_no_more_bytes(
    results: list[tuple[bool, bytes]], data: st.DataObject
) -> None:
    raw = bytearray(abi_encode(["(bool,bytes)[]"], [results]))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    changed = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        found = decode(changed)
    except ChainError:
        return
    assert sum(len(one or b"") for one in found) <= len(changed)
    assert len(found) <= len(changed) // 32


@given(st.binary(max_size=400))
def test_decode__any_bytes__refused_or_decoded(raw: bytes) -> None:
    try:
        found = decode(raw)
    except ChainError:
        return
    assert sum(len(one or b"") for one in found) <= len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        word(32),
        word(32, 1),
        word(32, 2**255),
        word(2**256 - 1, 0),
        word(32, 1, 32, 2, 64, 0),
        word(32, 1, 32, 1, 64, 1),
        word(32, 1, 2**200, 1, 64, 0),
    ],
)
def test_decode__not_what_aggregate3_returns__refused(raw: bytes) -> None:
    with pytest.raises(ChainError, match="do not decode"):
        decode(raw)


def test_decode__many_results_from_the_same_place__refused() -> None:
    """An answer of a megabyte must not become a thousand copies of one."""
    elements = 1_000
    shared = word(1, 64, 2**20) + bytes(2**20)
    raw = word(32, elements, *[32 * elements] * elements) + shared
    with pytest.raises(ChainError, match="longer than its whole answer"):
        decode(raw)
