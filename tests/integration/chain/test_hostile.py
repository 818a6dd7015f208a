"""Vaults and collections that burn gas, on the embedded chain: only what is theirs goes missing."""

from __future__ import annotations

import dataclasses
from math import ceil, log2

import pytest
from eth_utils.address import to_checksum_address

from node.chain.types import Feed
from tests.integration.chain.world import CADENCE, OWNER, THRESHOLDS, WAD, Oracle

# Runtimes: INVALID, which burns what it is given, and a spendthrift that has a call to itself burn all but 80,000
# gas and then answers well: nothing of its own ever fails.
INVALID = "fe"
SPENDTHRIFT = "3033146026576201" + "5f905a1115601d57" + "5f5f5f5f5f30620138805a03f150" + "5b60015f5260205ff3" + "5bfe"


def deploy(oracle: Oracle, runtime: str) -> str:
    code = bytes.fromhex(runtime)
    # PUSH1 length DUP1 PUSH1 offset PUSH0 CODECOPY PUSH0 RETURN
    init = bytes([0x60, len(code), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3])
    return str(to_checksum_address(oracle.world.transact(OWNER, None, init + code).created))


def requests(oracle: Oracle) -> int:
    return oracle.world.pool.endpoints[0].requests


def open_feeds(oracle: Oracle, count: int) -> None:
    """Feeds 2 to count + 1 on the same vault."""
    policy = (CADENCE, 3, 0, 0, WAD // 1000, THRESHOLDS)
    for number in range(2, count + 2):
        arguments = (oracle.vault, policy, oracle.collection, number)
        oracle.world.call(OWNER, "StrategyOracle", oracle.address, "open_feed", *arguments)


def spoiled(feed: Feed, vault: str, number: int = 90) -> Feed:
    return dataclasses.replace(feed, id=number, vault=vault)


@pytest.mark.parametrize("runtime", [INVALID, SPENDTHRIFT], ids=["invalid", "spendthrift"])
@pytest.mark.parametrize("place", ["before", "after", "both"])
async def test_sample__vault_that_burns_gas__leaves_out_that_feed_alone(
    oracle: Oracle, runtime: str, place: str
) -> None:
    reader = oracle.reader()
    open_feeds(oracle, 6)
    honest = await reader.feeds()
    burner = deploy(oracle, runtime)
    block = await reader.head()
    first = [spoiled(honest[0], burner, 90)] if place != "after" else []
    last = [spoiled(honest[0], burner, 91)] if place != "before" else []
    wanted = [*first, *honest, *last]
    alone = await oracle.reader().sample(honest, block)
    assert [sample.feed for sample in alone] == [feed.id for feed in honest]
    before = requests(oracle)
    assert await reader.sample(wanted, block) == alone
    # One more than the parts: the first that fails is followed by an empty one, which shows whose fault it is.
    assert requests(oracle) - before <= 2 + 2 * ceil(log2(len(wanted))) * len(first + last)


async def test_sample__known_offender__costs_one_request_more(oracle: Oracle) -> None:
    reader = oracle.reader()
    open_feeds(oracle, 3)
    honest = await reader.feeds()
    burner = deploy(oracle, INVALID)
    block = await reader.head()
    wanted = [spoiled(honest[0], burner), *honest]
    await reader.sample(wanted, block)
    before = requests(oracle)
    assert len(await reader.sample(wanted, block)) == len(honest)
    assert requests(oracle) - before == 2


async def test_sample__vault_that_answers_again__is_sampled_at_once(oracle: Oracle) -> None:
    reader = oracle.reader()
    open_feeds(oracle, 1)
    feed, other = await reader.feeds()
    block = await reader.head()
    # The token has no convertToAssets: to this node that is a vault that reverts for a while.
    broken = dataclasses.replace(feed, vault=oracle.token)
    assert [sample.feed for sample in await reader.sample([broken, other], block)] == [other.id]
    assert [sample.feed for sample in await reader.sample([feed, other], block)] == [feed.id, other.id]
    for _ in range(32):
        await reader.sample([feed, other], block)
    before = requests(oracle)
    await reader.sample([feed, other], block)
    assert requests(oracle) - before == 1


async def test_editions__collection_that_burns_gas__leaves_out_its_own_alone(oracle: Oracle) -> None:
    reader = oracle.reader()
    opening = (6, 0, 1, b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, OWNER.address, 500)
    oracle.world.call(OWNER, "DynamicCollection", oracle.collection, "open_edition", *opening)
    burner = deploy(oracle, INVALID)
    block = await reader.head()
    wanted = [(burner, 1), (burner, 2), (burner, 3), (oracle.collection, 1), (burner, 4), (oracle.collection, 1)]
    for _ in range(2):
        found = await reader.editions(wanted, block)
        assert [None if one is None else one.supply for one in found] == [None, None, None, 6, None, 6]


async def test_feeds__more_than_one_request_can_hold__are_read_in_parts(oracle: Oracle) -> None:
    open_feeds(oracle, 5)
    reader = oracle.reader()
    expected = await reader.feeds()
    assert [feed.id for feed in expected] == [1, 2, 3, 4, 5, 6]
    # A chain whose endpoint gives an eth_call too little gas for all of them.
    settings = oracle.world.chain.settings
    oracle.world.chain.settings = dataclasses.replace(settings, gas_limit=120_000)
    before = requests(oracle)
    assert await reader.feeds() == expected
    assert requests(oracle) - before > 3
