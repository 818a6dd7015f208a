"""What one endpoint, vault or collection says against the others, or beyond what can be stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address

from node.agreement.committee import Committee
from node.chain.client import Chain
from node.chain.interface import interface
from node.chain.types import Block, EditionState, Feed, Policy
from node.errors import ChainError

ORACLE = str(to_checksum_address("0x" + "0a" * 20))
VAULT = str(to_checksum_address("0x" + "0b" * 20))
BLOCK = Block(44, b"\x44" * 32, 1_044)
FEED = Feed(
    id=1, vault=VAULT, collection=VAULT, edition=1, opener=VAULT, opened_at=1, basis=10**18, one_share=10**6,
    scale=10**12, band=0, checkpoint=0, answer=0, updated_at=0, updated_block=0,
    policy=Policy(4, 3, 0, 0, 0, (1,)),
)  # fmt: skip
EDITION = (6, 6, 0, 1, b"\1" * 32, b"\2" * 32, b"\3" * 32, 5, 9, b"\4" * 32, b"\5" * 32, b"\6" * 32, 3)
EDITION_KINDS = interface("DynamicCollection")._functions["edition", 1][2]
FEED_KINDS = interface("StrategyOracle")._functions["feed", 1][2]
POLICY_KINDS = interface("StrategyOracle")._functions["policy", 1][2]
MEMBERS = [str(to_checksum_address(bytes([number]) * 20)) for number in (1, 2, 3, 4)]
COMMITTEE = Committee(1, ORACLE, MEMBERS, [bytes([number]) * 32 for number in (5, 6, 7, 8)])


def words(*values: int) -> bytes:
    return encode(["uint256"] * len(values), values)


def stored_feed(number: int, **changes: int) -> bytes:
    fields = [VAULT, VAULT, 1, VAULT, 1, 10**18, 10**6, 10**12, 2, 40, -5, 0, 0]
    names = [field.name for field in dataclasses.fields(Feed)][1:-1]
    for name, value in changes.items():
        fields[names.index(name)] = value
    return encode(FEED_KINDS, [fields])


def contracts(**changes: Any) -> Callable[..., Any]:
    """eth_call on an endpoint: Multicall3 and single views, from a table of (function, first argument)."""
    oracle = interface("StrategyOracle")
    table: dict[str, Any] = {
        "feed_count": lambda _: words(2),
        "feed": stored_feed,
        "policy": lambda _: encode(POLICY_KINDS, [(4, 3, 0, 0, 0, (1,))]),
        "committee": lambda _: encode(["address[]", "bytes32[]"], [COMMITTEE.signers, COMMITTEE.transport_keys]),
        "config_digest": lambda _: COMMITTEE.config_digest,
        "configuration": lambda _: COMMITTEE.config_digest + words(3) + COMMITTEE.config_digest + words(1_044),
    } | changes
    collection = interface("DynamicCollection")

    def answer(calldata: bytes) -> bytes:
        found = oracle.call(calldata)
        if found is not None:
            return bytes(table[found[0]](*found[1] or (0,)))
        found = collection.call(calldata)
        if found is not None and found[0] == "edition":
            return encode(EDITION_KINDS, [table.get("edition", lambda _: EDITION)(found[1][0])])
        return words(10**6)

    def call(request: dict[str, str], _at: Any) -> str:
        raw = bytes.fromhex(request["data"][2:])
        if raw[:4].hex() != "82ad56cb":  # aggregate3
            return "0x" + answer(raw).hex()
        (calls,) = decode(["(address,bool,bytes)[]"], raw[4:])
        return "0x" + encode(["(bool,bytes)[]"], [[(True, answer(one)) for _, _, one in calls]]).hex()

    return call


async def served(net: Any, *changes: dict[str, Any]) -> Chain:
    endpoints = [await net.start(eth_call=contracts(**one), eth_chainId="0x1") for one in changes]
    return Chain(await net.pool(*endpoints), ORACLE)


LIES: dict[str, tuple[dict[str, Any], Callable[[Chain, Block | None], Awaitable[Any]]]] = {
    "feed_count": ({"feed_count": lambda _: words(1)}, lambda chain, block: chain.feeds(block)),
    "feeds": ({"feed": lambda n: stored_feed(n, basis=7)}, lambda chain, block: chain.feeds(block)),
    "policy": (
        {"policy": lambda _: encode(POLICY_KINDS, [(8, 3, 0, 0, 0, (1,))])},
        lambda chain, block: chain.feeds(block),
    ),
    "committee": (
        {"committee": lambda _: encode(["address[]", "bytes32[]"], [[VAULT] * 4, COMMITTEE.transport_keys])},
        lambda chain, block: chain.committee(block),
    ),
    "configuration": (
        {"configuration": lambda _: COMMITTEE.config_digest + words(4) + COMMITTEE.config_digest + words(1_044)},
        lambda chain, block: chain.configuration(block),
    ),
    "installed": (
        {"configuration": lambda _: COMMITTEE.config_digest + words(3) + COMMITTEE.config_digest + words(1_045)},
        lambda chain, block: chain.installed(block),
    ),
    "config_digest": ({"config_digest": lambda _: b"\x09" * 32}, lambda chain, block: chain.config_digest(block)),
    "edition": (
        {"edition": lambda _: (9, *EDITION[1:])},
        lambda chain, block: chain.edition(VAULT, 1, block),
    ),
    "editions": (
        {"edition": lambda _: (9, *EDITION[1:])},
        lambda chain, block: chain.editions([(VAULT, 1)], block),
    ),
}


@pytest.mark.parametrize("what", list(LIES))
async def test_question_at_a_block__lying_endpoint__pyth_crosschain_679__raises(net: Any, what: str) -> None:
    lie, question = LIES[what]
    honest = await question(await served(net, {}), BLOCK)
    assert honest
    assert await question(await served(net, {}, {}), BLOCK) == honest
    with pytest.raises(ChainError, match="disagree"):
        await question(await served(net, lie, {}), BLOCK)
    # Three: the two that agree decide. No block: one endpoint's word, and nothing to sign on it.
    assert await question(await served(net, lie, {}, {}), BLOCK) == honest
    assert await question(await served(net, {}, lie), None) == honest


async def test_sample__vault_that_tells_each_endpoint_something_else__loses_its_own_sample_alone(net: Any) -> None:
    feeds = [FEED, dataclasses.replace(FEED, id=2)]

    def two_faced(number: int) -> bytes:
        return stored_feed(number, band=3) if number == 1 else stored_feed(number)

    chain = await served(net, {}, {"feed": two_faced})
    assert [sample.feed for sample in await chain.sample(feeds, BLOCK)] == [2]


@pytest.mark.parametrize("changes", [{"edition": 2**63}, {"opened_at": 2**63}, {"checkpoint": 2**63}])
async def test_feeds__numbers_that_no_journal_stores__are_left_out(net: Any, changes: dict[str, int]) -> None:
    def feed(number: int) -> bytes:
        return stored_feed(number, **changes) if number == 1 else stored_feed(number)

    assert [one.id for one in await (await served(net, {"feed": feed})).feeds()] == [2]


@pytest.mark.parametrize(("place", "value"), [(8, 256), (9, 2**63), (9, 2**256 - 1)])
async def test_sample__numbers_beyond_the_oracles_types__are_refused(net: Any, place: int, value: int) -> None:
    def feed(number: int) -> bytes:
        raw = bytearray(stored_feed(number))
        raw[32 * place : 32 * place + 32] = value.to_bytes(32, "big")
        return bytes(raw)

    with pytest.raises(ChainError, match="beyond"):
        await (await served(net, {"feed": feed})).sample([FEED], BLOCK)


@pytest.mark.parametrize("place", [0, 1], ids=["supply", "minted"])
async def test_edition__of_a_hostile_collection__is_refused_when_nobody_could_list_it(net: Any, place: int) -> None:
    def edition(number: int) -> tuple[Any, ...]:
        fields = list(EDITION)
        fields[place] = {1: 999_999, 2: 1_000_000, 3: 2**60}[number]
        return tuple(fields)

    chain = await served(net, {"edition": edition})
    whole, *refused = await chain.editions([(VAULT, 1), (VAULT, 2), (VAULT, 3)])
    assert whole is not None
    assert whole.state == EditionState.REVEALED
    assert refused == [None, None]
    assert await chain.edition(VAULT, 1) == whole
    for number in (2, 3):
        with pytest.raises(ChainError, match="impossible size"):
            await chain.edition(VAULT, number)


def log(**changes: Any) -> dict[str, Any]:
    """A `Reported` log; `feed`, `checkpoint` and `signers` go into its topics and body, the rest beside them."""
    numbers = {"feed": 1, "checkpoint": 90, "signers": 7}
    numbers |= {name: changes.pop(name) for name in set(numbers) & set(changes)}
    types = ["bytes32", "bytes32", "int256", "uint8", "uint8", "bytes32", "uint256", "address"]
    values = (b"\x01" * 32, b"\x02" * 32, -7, 0, 1, b"\x03" * 32, numbers["signers"], VAULT)
    topics = [interface("StrategyOracle").topic("Reported")]
    topics += [numbers[name].to_bytes(32, "big") for name in ("feed", "checkpoint")]
    return {
        "address": ORACLE,
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode(types, values).hex(),
        "blockNumber": "0x5b",
        "blockHash": "0x" + "cc" * 32,
        "transactionHash": "0x" + "dd" * 32,
        "logIndex": "0x0",
    } | changes


@pytest.mark.parametrize(
    "odd",
    [
        {"feed": 2**63}, {"feed": 2**255}, {"checkpoint": 2**63}, {"checkpoint": 2**64}, {"signers": 2**31},
        {"signers": 2**255}, {"logIndex": hex(2**63)}, {"blockNumber": hex(2**63)},
    ],
    ids=str,
)  # fmt: skip
async def test_landed__numbers_beyond_the_journals__are_that_endpoints_fault(net: Any, odd: dict[str, Any]) -> None:
    liar = await net.start(eth_getLogs=[[log(**odd)]], eth_blockNumber=hex(2**64))
    with pytest.raises(ChainError):
        await Chain(await net.pool(liar), ORACLE, log_chunk=2**70).landed(0, 2**64)
    honest = await net.start(eth_getLogs=[[log()]], eth_blockNumber="0x70")
    for final in (False, True):
        found = await Chain(await net.pool(liar, honest, honest), ORACLE).landed(0, 100, final=final)
        assert [(one.feed, one.checkpoint, one.signers) for one in found] == [(1, 90, 7)]


async def test_landed__final_range__lying_endpoint__raises(net: Any) -> None:
    honest = await net.start(eth_getLogs=[[log()]], eth_blockNumber="0x70")
    chain = Chain(await net.pool(honest, honest), ORACLE)
    assert len(await chain.landed(0, 100, final=True)) == 1
    for lie in ([], [log(), log(checkpoint=94, logIndex="0x1")], [log(transactionHash="0x" + "ee" * 32)]):
        liar = await net.start(eth_getLogs=[lie], eth_blockNumber="0x70")
        chain = Chain(await net.pool(liar, honest), ORACLE)
        with pytest.raises(ChainError, match="disagree"):
            await chain.landed(0, 100, final=True)
        assert isinstance(await chain.landed(0, 100), list)


async def test_landed__final_range_that_one_endpoint_lacks__is_waited_for(net: Any) -> None:
    ahead = await net.start(eth_getLogs=[[log()]], eth_blockNumber="0x70")
    behind = await net.start(eth_getLogs=[[]], eth_blockNumber="0x50")
    with pytest.raises(ChainError, match="does not have block 100"):
        await Chain(await net.pool(ahead, behind), ORACLE).landed(0, 100, final=True)


async def test_landed__final_range_too_large_for_one_endpoint__is_halved_for_both(net: Any) -> None:
    def narrow(query: dict[str, str]) -> Any:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if last - first >= 30:
            return net.error(-32000, "query exceeds max block range 30")
        return [log()] if first <= 0x5B <= last else []

    def wide(query: dict[str, str]) -> Any:
        return [log()] if int(query["fromBlock"], 16) <= 0x5B <= int(query["toBlock"], 16) else []

    one = await net.start(eth_getLogs=narrow, eth_blockNumber="0x70")
    other = await net.start(eth_getLogs=wide, eth_blockNumber="0x70")
    assert len(await Chain(await net.pool(one, other), ORACLE).landed(0, 100, final=True)) == 1
    # A lie told only in wide ranges cannot stand alone because the honest one has a narrow limit.
    other.answers["eth_getLogs"] = [[]]
    with pytest.raises(ChainError, match="disagree"):
        await Chain(await net.pool(one, other), ORACLE).landed(0, 100, final=True)
