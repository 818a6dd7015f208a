"""The chain client against endpoints that answer from recorded values: agreement, EIP-1898, odd answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from aiohttp import web
from eth_abi.abi import decode, encode

from node.chain.client import Chain
from node.chain.failures import PrunedError, state_gone
from node.chain.interface import interface
from node.chain.sending.accounts import Accounts
from node.chain.types import Block, Feed, Policy
from node.errors import ChainError

ORACLE = "0x" + "0a" * 20
VAULT = "0x000000000000000000000000000000000000000b"
FEED = Feed(
    id=1, vault=VAULT, collection=VAULT, edition=1, opener=VAULT, opened_at=1, basis=10**18, one_share=10**6,
    scale=10**12, band=0, checkpoint=0, answer=0, updated_at=0, updated_block=0,
    policy=Policy(4, 3, 0, 0, 0, (1,)),
)  # fmt: skip


def header(number: int, salt: int = 0) -> dict[str, str]:
    return {
        "number": hex(number),
        "hash": "0x" + bytes([salt]).hex() + f"{number:062x}",
        "parentHash": "0x" + f"{number - 1:064x}",
        "timestamp": hex(1_000 + number),
    }


def blocks(head: int, salt: int = 0, final: int | None = None) -> Any:
    def answer(which: str, _full: bool) -> Any:
        tags = {"latest": head, "finalized": head if final is None else final}
        number = tags[which] if which in tags else int(which, 16)
        return header(number, salt) if number <= head else None

    return answer


def block(number: int) -> Block:
    return Block(number, bytes.fromhex(header(number)["hash"][2:]), 1_000 + number)


def aggregated(share: int = 10**6) -> str:
    """What Multicall3 returns for one feed's sample."""
    stored = (VAULT, VAULT, 1, VAULT, 1, 10**18, 10**6, 10**12, 2, 40, -5, 0, 0)
    kinds = "(address,address,uint256,address,uint64,uint256,uint256,uint256,uint8,uint64,int128,uint64,uint64)"
    results = [(True, encode(["uint256"], [value])) for value in (share, 7, 8)]
    results.append((True, encode([kinds], [stored])))
    return "0x" + encode(["(bool,bytes)[]"], [results]).hex()


async def test_sample__recorded_answer__is_scaled_and_whole(net: Any) -> None:
    chain = Chain(await net.pool(await net.start(eth_call=aggregated(1_050_000))), ORACLE)
    (sample,) = await chain.sample([FEED], block(44))
    assert (sample.share_price, sample.total_assets, sample.total_supply) == (105 * 10**16, 7, 8)
    assert (sample.band, sample.reported_checkpoint, sample.checkpoint) == (2, 40, 44)
    assert await chain.sample([], block(44)) == []


async def test_sample__lying_endpoint__pyth_crosschain_679__raises(net: Any) -> None:
    honest, liar = await net.start(eth_call=aggregated()), await net.start(eth_call=aggregated(10**6 + 1))
    chain = Chain(await net.pool(honest, liar), ORACLE)
    with pytest.raises(ChainError, match="disagree"):
        await chain.sample([FEED], block(44))


async def test_block__other_hash_at_the_second_endpoint__raises(net: Any) -> None:
    one, other = await net.start(eth_getBlockByNumber=blocks(50)), await net.start(eth_getBlockByNumber=blocks(50, 1))
    with pytest.raises(ChainError, match="disagree"):
        await Chain(await net.pool(one, other), ORACLE).block(44)
    other.answers["eth_getBlockByNumber"] = blocks(50)
    assert (await Chain(await net.pool(one, other), ORACLE).block(44)).number == 44


async def test_block__that_only_one_endpoint_has__is_waited_for(net: Any) -> None:
    liar, lagging = await net.start(eth_getBlockByNumber=blocks(99)), await net.start(eth_getBlockByNumber=blocks(50))
    chain = Chain(await net.pool(liar, lagging), ORACLE)
    with pytest.raises(ChainError, match="does not know block 0x33"):
        await chain.block(51)
    assert (await chain.finalized()).number == 50
    assert (await Chain(await net.pool(liar, lagging), ORACLE, finality=5).finalized()).number == 45


async def test_block__another_number_than_asked__is_refused(net: Any) -> None:
    chain = Chain(await net.pool(await net.start(eth_getBlockByNumber=header(7))), ORACLE)
    with pytest.raises(ChainError, match="block 7 when asked for 8"):
        await chain.block(8)


@pytest.mark.parametrize("odd", [None, 5, "0x", [], {}, {"number": "x"}, header(1) | {"hash": "0x12"}])
async def test_block__odd_answers__are_chain_errors(net: Any, odd: Any) -> None:
    chain = Chain(await net.pool(await net.start(eth_getBlockByNumber=odd)), ORACLE)
    for question in (chain.head(), chain.finalized(), chain.block(1)):
        with pytest.raises(ChainError):
            await question


async def test_block__odd_answer__fails_over(net: Any) -> None:
    one, other = await net.start(eth_getBlockByNumber={}), await net.start(eth_getBlockByNumber=blocks(9))
    assert (await Chain(await net.pool(one, other, witnesses=1), ORACLE).head()).number == 9


@pytest.mark.parametrize(
    "odd", ["0x", "0x00", "0x" + "ff" * 64, None, 3, "0x" + encode(["(bool,bytes)[]"], [[]]).hex()]
)
async def test_sample__odd_answers__are_chain_errors(net: Any, odd: Any) -> None:
    with pytest.raises(ChainError):
        await Chain(await net.pool(await net.start(eth_call=odd)), ORACLE).sample([FEED], block(44))


async def test_sample__endpoint_without_eip_1898__is_asked_by_number_and_checked(net: Any) -> None:
    def call(_request: Any, at: Any) -> Any:
        if isinstance(at, dict):
            return net.error(-32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string")
        assert at == hex(44)
        return aggregated()

    endpoint = await net.start(eth_call=call, eth_getBlockByNumber=blocks(50))
    chain = Chain(await net.pool(endpoint), ORACLE)
    assert len(await chain.sample([FEED], block(44))) == 1
    endpoint.answers["eth_getBlockByNumber"] = blocks(50, salt=1)
    with pytest.raises(ChainError, match="another block 44"):
        await chain.sample([FEED], block(44))


async def test_sample__any_block__is_asked_by_hash(net: Any) -> None:
    endpoint = await net.start(eth_call=aggregated())
    await Chain(await net.pool(endpoint), ORACLE).sample([FEED], block(44))
    assert endpoint.asked[0][1][1] == {"blockHash": header(44)["hash"], "requireCanonical": True}


def log(checkpoint: int, **changes: Any) -> dict[str, Any]:
    types = ["bytes32", "bytes32", "int256", "uint8", "uint8", "bytes32", "uint256", "address"]
    values = (b"\x01" * 32, b"\x02" * 32, -7, 0, 1, b"\x03" * 32, 7, VAULT)
    topics = [interface("StrategyOracle").topic("Reported"), *(n.to_bytes(32, "big") for n in (1, checkpoint))]
    return {
        "address": ORACLE,
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode(types, values).hex(),
        "blockNumber": hex(checkpoint + 1),
        "blockHash": "0x" + "cc" * 32,
        "transactionHash": "0x" + "dd" * 32,
        "logIndex": "0x0",
    } | changes


def provider_of(limit: int, *found: dict[str, Any], error: Any) -> Any:
    def answer(query: dict[str, Any]) -> Any:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if last - first >= limit:
            return error
        return [one for one in found if first <= int(one["blockNumber"], 16) <= last]

    return answer


async def test_landed__provider_limits_the_range__halves_until_it_answers(net: Any) -> None:
    error = net.error(-32000, "query exceeds max block range 300")
    logs = provider_of(300, log(100), log(900), log(2_400), error=error)
    endpoint = await net.start(eth_getLogs=logs, eth_blockNumber="0xfff")
    chain = Chain(await net.pool(endpoint), ORACLE, log_chunk=2_000)
    found = await chain.landed(0, 2_500)
    assert [one.checkpoint for one in found] == [100, 900, 2_400]
    assert (found[0].answer, found[0].band, found[0].signers) == (-7, 1, 7)
    assert len(endpoint.asked) < 40
    endpoint.answers["eth_getLogs"] = error
    with pytest.raises(ChainError, match="max block range"):
        await chain.landed(0, 2_500)


async def test_landed__lagging_endpoint__is_not_taken_for_silence(net: Any) -> None:
    lagging = await net.start(eth_getLogs=[[]], eth_blockNumber="0x50")
    fresh = await net.start(eth_getLogs=[[log(90)]], eth_blockNumber="0x70")
    chain = Chain(await net.pool(lagging, fresh), ORACLE)
    assert [one.checkpoint for one in await chain.landed(0, 100)] == [90]
    with pytest.raises(ChainError, match="does not have block 100"):
        await Chain(await net.pool(lagging), ORACLE).landed(0, 100)


@pytest.mark.parametrize(
    "odd",
    [
        {"a": 1},
        [5],
        [log(90, address=VAULT)],
        [log(90, blockNumber="0xffff")],
        [log(90, topics=[])],
        [log(90, topics=["0x" + "00" * 32] * 3)],
        [log(90, data="0x")],
        [log(90, data="0x" + "ff" * 256)],
        [log(90, blockHash=None)],
    ],
)
async def test_landed__odd_logs__are_chain_errors(net: Any, odd: Any) -> None:
    endpoint = await net.start(eth_getLogs=[odd], eth_blockNumber="0x70")
    with pytest.raises(ChainError):
        await Chain(await net.pool(endpoint), ORACLE).landed(0, 100)


async def test_landed__removed_log__does_not_count(net: Any) -> None:
    endpoint = await net.start(eth_getLogs=[[log(90, removed=True)]], eth_blockNumber="0x70")
    assert await Chain(await net.pool(endpoint), ORACLE).landed(0, 100) == []


@pytest.mark.parametrize("odd", [None, 7, {}, "0x", "12", "0x" + "f" * 70])
async def test_accounts__odd_answers__are_chain_errors(net: Any, odd: Any) -> None:
    endpoint = await net.start(
        eth_getTransactionCount=odd, eth_getBalance=odd, eth_estimateGas=odd, eth_getBlockByNumber=odd
    )
    accounts = Accounts(await net.pool(endpoint))
    for question in (
        accounts.pending_nonce(VAULT),
        accounts.balance(VAULT),
        accounts.estimate(VAULT, VAULT, b""),
        accounts.standing(VAULT, block(1), []),
    ):
        with pytest.raises(ChainError):
            await question


GONE = ("missing trie node 01ab (path ) state 0xcd is not available", "header not found", "old data not available")


@pytest.mark.parametrize("words", GONE)
async def test_sample__old_state_at_two_of_three_endpoints__is_learned_from_them(net: Any, words: str) -> None:
    pruned = await net.start(eth_call=net.error(-32000, words))
    archives = [await net.start(eth_call=aggregated()), await net.start(eth_call=aggregated())]
    chain = Chain(await net.pool(pruned, *archives), ORACLE)
    assert [sample.feed for sample in await chain.sample([FEED], block(44))] == [1]


async def test_sample__old_state_at_one_of_two__says_what_is_lacking_and_where(net: Any) -> None:
    pruned, archive = await net.start(eth_call=net.error(-32000, GONE[0])), await net.start(eth_call=aggregated())
    chain = Chain(await net.pool(pruned, archive), ORACLE)
    with pytest.raises(PrunedError, match=f"only {archive.url} can tell.*{pruned.url}.*missing trie node") as caught:
        await chain.sample([FEED], block(44))
    assert state_gone(caught.value)
    trusting = Chain(await net.pool(pruned, archive, witnesses=1), ORACLE)
    assert [sample.feed for sample in await trusting.sample([FEED], block(44))] == [1]


async def test_sample__archive_out_of_order_for_now__is_not_taken_for_gone(net: Any) -> None:
    pruned = await net.start(eth_call=net.error(-32000, GONE[0]))
    archive = await net.start(eth_call=web.Response(status=503))
    for witnesses in (1, 2):
        chain = Chain(await net.pool(pruned, archive, witnesses=witnesses), ORACLE)
        with pytest.raises(ChainError) as caught:
            await chain.sample([FEED], block(44))
        assert not state_gone(caught.value)


async def test_sample__endpoint_that_takes_only_small_requests__is_asked_in_parts(net: Any) -> None:
    feeds = [dataclasses.replace(FEED, id=number) for number in range(1, 9)]
    single = bytes.fromhex(aggregated()[2:])
    ((one,),) = [decode(["(bool,bytes)[]"], single)]

    def call(request: dict[str, str], _at: Any) -> Any:
        if len(request["data"]) > 6_000:
            return web.Response(status=413)
        (calls,) = decode(["(address,bool,bytes)[]"], bytes.fromhex(request["data"][10:]))
        return "0x" + encode(["(bool,bytes)[]"], [list(one) * (len(calls) // 4)]).hex()

    endpoint = await net.start(eth_call=call)
    chain = Chain(await net.pool(endpoint), ORACLE)
    assert [sample.feed for sample in await chain.sample(feeds, block(44))] == list(range(1, 9))
    assert len(endpoint.asked) < 12
