"""Feeds as the oracle's answers describe them: read once for each answer, and nothing of whoever is not the oracle."""

from __future__ import annotations

from eth_abi.abi import encode

from node.chain.feeds import feed_units, feeds, sample_units
from node.chain.types import Feed

ORACLE = "0x" + "ab" * 20
FEED = "(address,address,uint256,address,uint64,uint256,uint256,uint256,uint8,uint64,int128,uint64,uint64)"
POLICY = "(uint32,uint8,uint16,uint32,uint64,int128[])"


def answer(band: int = 0, thresholds: tuple[int, ...] = (10**16,), opened_at: int = 7) -> tuple[bytes, bytes]:
    vault, collection, opener = ("0x" + f"{number:040x}" for number in (1, 2, 3))
    stored = (vault, collection, 1, opener, opened_at, 10**18, 10**18, 1, band, 0, 0, 0, 0)
    return encode([FEED], [stored]), encode([POLICY], [(10, 3, 0, 0, 0, thresholds)])


def test_feeds__same_answer_again__same_feed() -> None:
    [first] = feeds([1], [answer()])
    [again] = feeds([1], [answer()])
    assert again is first
    assert (first.id, first.band, first.policy.thresholds) == (1, 0, (10**16,))


def test_feeds__answer_changed__read_anew() -> None:
    [before], [after], [other] = feeds([1], [answer()]), feeds([1], [answer(band=2)]), feeds([2], [answer()])
    assert (before.band, after.band, other.id) == (0, 2, 2)


def test_feeds__fifteen_thresholds__read() -> None:
    [found] = feeds([1], [answer(thresholds=tuple(range(15)))])
    assert found.policy.thresholds == tuple(range(15))


def test_feeds__answers_that_no_oracle_gives__left_out() -> None:
    first, second = answer()
    foreign = [None, (None, second), (first, b""), (first + bytes(10**6), second), answer(opened_at=2**63)]
    assert feeds(range(1, 7), [*foreign, (first, second)]) == feeds([6], [(first, second)])


def test_units__oracle_or_feed_changed__other_calls() -> None:
    other = "0x" + "cd" * 20
    assert {call.target for unit in feed_units(ORACLE, [1, 2]) for call in unit.calls} == {ORACLE}
    assert {call.target for unit in feed_units(other, [1, 2]) for call in unit.calls} == {other}
    assert feed_units(ORACLE, [1]) != feed_units(ORACLE, [2])
    found: list[Feed] = feeds([1], [answer()])
    assert sample_units(ORACLE, found)[0].calls[:3] == sample_units(other, found)[0].calls[:3]
    assert sample_units(ORACLE, found)[0].calls[3].target == ORACLE
