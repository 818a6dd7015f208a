"""The ledger of work, replayed."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from node.staking.ledger import between, extend, replay, seed
from node.staking.types import Record

ORACLE = "0x" + "ab" * 20
ADDRESS = "0x" + "00" * 19 + "05"
RECORDS = [Record(1, 10 * place, 3, 0b111, 0b1011, ADDRESS, 200_000 + place, 10**9) for place in range(9)]
LINKS = [seed(31337, ORACLE)]
for _record in RECORDS:
    LINKS.append(extend(LINKS[-1], _record))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=6))
@settings(max_examples=20)
def test_extend__any_record__as_the_contract_hashes_it(numbers: list[int]) -> None:
    record = Record(*numbers[:5], ADDRESS, numbers[5], numbers[0])
    types = ["bytes32", "uint256", "uint64", "uint256", "uint256", "uint256", "address", "uint256", "uint256"]
    assert extend(LINKS[0], record) == keccak(encode(types, [LINKS[0], *record]))


def test_seed__as_the_oracle_begins() -> None:
    assert seed(31337, ORACLE) == keccak(encode(["uint256", "address"], [31337, ORACLE]))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
@settings(max_examples=60)
def test_between__links_of_the_chain__the_records_that_lead_there(first: int, start: int, end: int) -> None:
    start, end = min(start, end), max(start, end)
    known = RECORDS[min(first, start) :]
    found = between(LINKS[start], LINKS[end], known)
    again = between(LINKS[start], LINKS[end], known, LINKS[min(first, start)])
    assert again is not None
    assert known[again.start : again.stop] == RECORDS[start:end]
    if start < end:
        assert found == again
        assert replay(LINKS[start], known[found.start : found.stop]) == LINKS[end]


@pytest.mark.parametrize("known", [True, False])
def test_incident__a_missing_or_changed_record__nothing_leads_there(known: bool) -> None:
    first = LINKS[0] if known else None
    assert between(LINKS[2], LINKS[8], RECORDS[:4] + RECORDS[5:], first) is None
    changed = [*RECORDS]
    changed[5] = changed[5]._replace(transmitter=ORACLE)
    assert between(LINKS[2], LINKS[8], changed, first) is None
    assert between(LINKS[2], LINKS[9], RECORDS[:8], first) is None
