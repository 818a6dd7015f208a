"""How many endpoints must say the same before the node believes it, and what is told when they do not."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog
from aiohttp import web

from node.chain.client import Chain
from node.chain.failures import (
    DisagreementError,
    MissingError,
    PrunedError,
    UnwitnessedError,
    WrongChainError,
    state_gone,
)
from node.errors import ChainError, RevertError

ORACLE = "0x" + "0a" * 20
DOWN = "http://127.0.0.1:1/"


def x(ask: Any) -> Any:
    return ask("eth_x", [])


def header(number: int, salt: int = 0) -> dict[str, str]:
    hashes = {"hash": f"0x{salt:02x}{number:062x}", "parentHash": f"0x{number - 1:064x}"}
    return {"number": hex(number), "timestamp": hex(1_000 + number)} | hashes


async def test_agree__one_of_two_down__believes_nothing_until_it_is_back(net: Any) -> None:
    broken, well = await net.start(eth_x=web.Response(status=500)), await net.start(eth_x="0x2")
    pool = await net.pool(broken, well)
    for _ in range(5):
        with pytest.raises(UnwitnessedError, match=r"only .* can tell, and 2 of 2 .*chain\.witnesses.*HTTP 500"):
            await pool.agree(x)
        net.now += 4
    assert pool.counters["unwitnessed"] == 5
    assert pool.trouble == ["too-few-endpoints"]
    broken.answers["eth_x"] = "0x2"
    assert await pool.agree(x) == "0x2"  # at the very next try, however long it was out of order
    net.now += 61
    assert pool.trouble == []


async def test_agree__one_of_two_unreachable__is_tried_again_each_time(net: Any) -> None:
    pool = await net.pool(DOWN, await net.start(eth_x="0x2"))
    for _ in range(3):
        with pytest.raises(UnwitnessedError):
            await pool.agree(x)
    assert await pool.request("eth_x") == "0x2"
    assert pool.status()[0].requests == 3


async def test_agree__one_witness_is_enough__believes_the_one_that_is_left_and_counts_it(net: Any) -> None:
    broken, well = await net.start(eth_x=web.Response(status=500)), await net.start(eth_x="0x2")
    pool = await net.pool(broken, well, witnesses=1)
    assert await pool.agree(x) == "0x2"
    assert pool.counters["believed_alone"] == 1
    # While both answer, both are heard.
    broken.answers["eth_x"] = "0x3"
    with pytest.raises(DisagreementError):
        await pool.agree(x)


async def test_agree__one_of_three_down__two_are_enough(net: Any) -> None:
    pool = await net.pool(DOWN, await net.start(eth_x="0x2"), await net.start(eth_x="0x2"))
    for _ in range(3):
        assert await pool.agree(x) == "0x2"
    assert pool.status()[0].requests == 1
    assert not pool.counters["unwitnessed"]


async def test_agree__three_witnesses_wanted__asks_three(net: Any) -> None:
    endpoints = [await net.start(eth_x="0x2") for _ in range(4)]
    pool = await net.pool(*endpoints, witnesses=3)
    assert await pool.agree(x) == "0x2"
    assert [len(one.asked) for one in endpoints] == [1, 1, 1, 0]
    endpoints[1].answers["eth_x"] = endpoints[2].answers["eth_x"] = web.Response(status=500)
    with pytest.raises(UnwitnessedError, match="3 of 4"):
        await pool.agree(x)


@pytest.mark.parametrize("wanted", [1, 2, 9])
async def test_agree__single_endpoint__is_all_there_is(net: Any, wanted: int) -> None:
    pool = await net.pool(await net.start(eth_x="0x2"), witnesses=wanted)
    assert await pool.agree(x) == "0x2"


async def test_agree__all_down_for_a_moment__asks_again_after_a_pause(net: Any) -> None:
    once = [web.Response(status=502), "0x2"]
    pool = await net.pool(await net.start(eth_x=list(once)), await net.start(eth_x=list(once)))
    assert await pool.agree(x) == "0x2"
    assert len(net.slept) == 1


async def test_disagreement__pyth_crosschain_679__is_counted_and_says_who_said_what_without_keys(
    net: Any, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "s3cretKey0123456789abcdef"
    one, other = await net.start(f"/v3/{secret}", eth_x="0x1"), await net.start(eth_x=f"0x2 from /v3/{secret}")
    other.url += f"/?key={secret}"
    pool = await net.pool(one, other)
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(DisagreementError, match="nothing is signed") as caught:
                await pool.agree(x, "block 44")
    assert pool.counters["disagreements"] == 3
    assert pool.trouble == ["endpoints-disagree"]
    (told,) = logs  # the same again within a minute would fill the log
    assert (told["event"], told["about"], told["outvoted"]) == ("endpoints disagree", "block 44", False)
    first, second = told["said"]
    assert first.startswith("http://127.0.0.1:")
    assert first.endswith(" says 0x1")
    assert "says 0x2 from" in second
    assert secret not in str(logs) + str(caught.value) + caplog.text + str(pool.status())
    net.now += 61
    with structlog.testing.capture_logs() as logs, pytest.raises(DisagreementError):
        await pool.agree(x, "block 44")
    assert len(logs) == 1


async def test_disagreement__about_a_block__names_both_hashes(net: Any) -> None:
    one = await net.start(eth_getBlockByNumber=header(44))
    other = await net.start(eth_getBlockByNumber=header(44, salt=1))
    chain = Chain(await net.pool(one, other), ORACLE)
    with structlog.testing.capture_logs() as logs, pytest.raises(DisagreementError):
        await chain.block(44)
    assert [said.partition(" says ")[2] for said in logs[0]["said"]] == [header(44)["hash"], header(44, salt=1)["hash"]]
    assert logs[0]["about"] == "block 44"


async def test_agree_each__items_in_dispute__are_named_and_counted(net: Any) -> None:
    one, other = await net.start(eth_x=["0x1", "0x2"]), await net.start(eth_x=["0x1", "0x3"])
    one.answers["eth_x"], other.answers["eth_x"] = (lambda: ["0x1", "0x2"]), (lambda: ["0x1", "0x3"])
    pool = await net.pool(one, other)
    with structlog.testing.capture_logs() as logs:
        assert await pool.agree_each(x, "disputed", ["feed 7", "feed 8"]) == ["0x1", "disputed"]
    assert [(told["about"], len(told["said"])) for told in logs] == [("feed 8", 2)]
    assert pool.counters["disagreements"] == 1


async def test_majority__of_three__is_told_with_the_one_that_was_outvoted(net: Any) -> None:
    liar, *honest = await net.start(eth_x="0x2"), await net.start(eth_x="0x1"), await net.start(eth_x="0x1")
    pool = await net.pool(liar, *honest)
    with structlog.testing.capture_logs() as logs:
        assert await pool.agree(x) == "0x1"
    assert (logs[0]["outvoted"], len(logs[0]["said"]), pool.counters["outvoted"]) == (True, 3, 1)
    assert pool.trouble == []


async def test_revert__told_by_one_of_two__is_a_disagreement_and_by_both_a_revert(net: Any) -> None:
    revert = net.error(3, "execution reverted: nope")
    one, other = await net.start(eth_x=revert), await net.start(eth_x="0x2")
    pool = await net.pool(one, other)
    with pytest.raises(DisagreementError):
        await pool.agree(x)
    other.answers["eth_x"] = revert
    with pytest.raises(RevertError, match="nope"):
        await pool.agree(x)
    assert len(one.asked) == len(other.asked) == 2


async def test_endpoint_behind__is_waited_for_and_counted(net: Any) -> None:
    fresh, behind = await net.start(eth_getBlockByNumber=header(44)), await net.start(eth_getBlockByNumber=None)
    pool = await net.pool(fresh, behind)
    chain = Chain(pool, ORACLE)
    with pytest.raises(MissingError):
        await chain.block(44)
    assert pool.counters["lagging"] == 1
    behind.answers["eth_getBlockByNumber"] = header(44)
    assert (await chain.block(44)).number == 44


async def test_other_chain__one_of_two__is_asked_nothing_and_named(net: Any) -> None:
    right = await net.start(eth_chainId="0x1", eth_x="0x2")
    wrong = await net.start(eth_chainId="0x5", eth_x="0x2")
    pool = await net.pool(wrong, right)
    pool.chain_id = 1
    assert await pool.request("eth_x") == "0x2"
    with pytest.raises(UnwitnessedError, match="serves chain 5, the configuration says 1"):
        await pool.agree(x)
    assert {method for method, _ in wrong.asked} == {"eth_chainId"}
    assert [method for method, _ in right.asked].count("eth_chainId") == 1
    assert pool.status()[0].fault == "serves chain 5, the configuration says 1"
    # It is asked again after a while: a proxy may have been put right.
    asked = len(wrong.asked)
    await pool.request("eth_x")
    assert len(wrong.asked) == asked
    net.now += 120
    wrong.answers["eth_chainId"] = "0x1"
    assert await pool.agree(x) == "0x2"


async def test_other_chain__behind_a_balancer_after_an_outage__is_noticed(net: Any) -> None:
    endpoint = await net.start(eth_chainId="0x1", eth_x=["0x2", web.Response(status=503), "0x2"])
    pool = await net.pool(endpoint, rounds=1)
    chain = Chain(pool, ORACLE, chain_id=1)
    assert await chain.chain_id() == 1
    assert await pool.request("eth_x") == "0x2"
    with pytest.raises(ChainError, match="HTTP 503"):
        await pool.request("eth_x")
    endpoint.answers["eth_chainId"] = "0x5"
    with pytest.raises(WrongChainError, match="serves chain 5"):
        await pool.request("eth_x")


async def test_pruned__of_three__two_archives_are_enough(net: Any) -> None:
    gone = net.error(-32000, "missing trie node 01ab (path ) state 0xcd is not available")
    pruned = await net.start(eth_x=gone)
    archives = [await net.start(eth_x="0x2"), await net.start(eth_x="0x2")]
    pool = await net.pool(pruned, *archives)
    assert await pool.agree(x) == "0x2"
    assert pool.status()[0].pruned == 1
    assert pool.status()[0].fault == ""


async def test_pruned__one_of_two__says_which_one_lacks_it_and_may_be_overruled(net: Any) -> None:
    gone = net.error(-32000, "missing trie node 01ab")
    pruned, archive = await net.start(eth_x=gone), await net.start(eth_x="0x2")
    pool = await net.pool(pruned, archive)
    with pytest.raises(PrunedError, match=r"only .* can tell.*chain\.witnesses.*missing trie node") as caught:
        await pool.agree(x)
    assert state_gone(caught.value)
    assert pool.counters["pruned"] == 1
    # Whoever trusts the archive alone learns from it, wherever in the list it stands.
    assert await (await net.pool(pruned, archive, witnesses=1)).agree(x) == "0x2"
    archive.answers["eth_x"] = web.Response(status=500)
    with pytest.raises(ChainError) as caught:
        await pool.agree(x)
    assert not state_gone(caught.value)  # the archive is only out of order: it will be back


async def test_endpoints__two_keys_at_one_provider__are_told_apart(net: Any) -> None:
    server = await net.start(eth_x="0x1")
    pool = await net.pool(server.url + "/one", server.url + "/two")
    names = [status.name for status in pool.status()]
    assert names == [f"{server.url}/... (number 1)", f"{server.url}/... (number 2)"]
