"""Failover, limits, secrets and disagreement of JSON-RPC endpoints."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from node.chain.endpoints.pool import RpcPool
from node.chain.failures import CallRevertError, RpcError
from node.errors import ChainError, RevertError

REASON = "08c379a0" + f"{32:064x}" + f"{4:064x}" + b"nope".hex().ljust(64, "0")


def limited(retry_after: str | None = None) -> web.Response:
    return web.Response(status=429, headers={} if retry_after is None else {"Retry-After": retry_after})


async def test_request__first_endpoint_well__asks_no_other(net: Any) -> None:
    first, second = await net.start(eth_x="0x1"), await net.start(eth_x="0x2")
    pool = await net.pool(first, second)
    assert await pool.request("eth_x", ["a"]) == "0x1"
    assert first.asked == [("eth_x", ["a"])]
    assert not second.asked


async def test_pool__no_endpoint__is_refused() -> None:
    with pytest.raises(ChainError, match="at least one"):
        RpcPool([])


@pytest.mark.parametrize(
    "broken",
    [
        web.Response(status=503),
        web.Response(status=500, text="oops"),
        web.Response(status=200, text="<html>"),
        web.Response(status=200, text="[1, 2"),
        web.Response(status=200, text="[]"),
        web.Response(status=200, text='{"jsonrpc": "2.0", "id": 1}'),
        web.Response(status=200, text='{"error": "words"}'),
        web.Response(status=200, text="[" * 100_000),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:9/stolen"}),
        web.Response(status=200, body=b"\xff\xfe\x00"),
    ],
)
async def test_request__broken_answer__fails_over(net: Any, broken: web.Response) -> None:
    first, second = await net.start(eth_x=broken), await net.start(eth_x="0x2")
    pool = await net.pool(first, second)
    assert await pool.request("eth_x") == "0x2"
    # For a while the broken one is asked last.
    assert await pool.request("eth_x") == "0x2"
    assert len(first.asked) == 1
    net.now += 60
    first.answers["eth_x"] = "0x1"
    assert await pool.request("eth_x") == "0x1"
    assert pool.status()[0].fault == ""


async def test_request__unreachable_and_silent__fails_over(net: Any) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(30)

    silent, well = await net.start(eth_x=never), await net.start(eth_x="0x2")
    pool = await net.pool("http://127.0.0.1:1/", silent, well, timeout=0.2)
    assert await pool.request("eth_x") == "0x2"
    assert [status.fault.split()[0] for status in pool.status()[:2]] == ["unreachable", "no"]


async def test_request__answer_too_large__fails_over(net: Any) -> None:
    first, second = await net.start(eth_x="0x" + "00" * 5_000), await net.start(eth_x="0x2")
    pool = await net.pool(first, second, max_bytes=1_000)
    assert await pool.request("eth_x") == "0x2"


async def test_429_with_retry_after__foundry_10938_keeperhub_478__is_waited_for_then_failed_over(net: Any) -> None:
    first = await net.start(eth_x=[limited("3"), "0x1"])
    second = await net.start(eth_x="0x2")
    pool = await net.pool(first, second)
    assert await pool.request("eth_x") == "0x1"
    assert net.slept == [3.0]
    assert not second.asked
    first.answers["eth_x"] = [limited("2"), limited("2"), "0x1"]
    assert await pool.request("eth_x") == "0x2"
    assert net.slept == [3.0, 2.0]
    assert pool.status()[0].limited == 3


async def test_429__longer_than_the_cap__fails_over_at_once_and_rests_that_long(net: Any) -> None:
    first, second = await net.start(eth_x=limited("120")), await net.start(eth_x="0x2")
    pool = await net.pool(first, second, retry_after_cap=5.0)
    assert await pool.request("eth_x") == "0x2"
    assert net.slept == []
    net.now += 119
    await pool.request("eth_x")
    assert len(first.asked) == 1
    net.now += 2
    await pool.request("eth_x")
    assert len(first.asked) == 2


async def test_429__dates_nonsense_and_json_rpc_limits__are_understood(net: Any) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    for answer, wait in ((limited(past), 0.0), (limited("soon"), 1.0), (limited(), 1.0), (limited("-5"), 1.0)):
        net.slept.clear()
        pool = await net.pool(await net.start(eth_x=[answer, "0x1"]))
        assert await pool.request("eth_x") == "0x1"
        assert sum(net.slept) == wait
    limit = net.error(-32005, "daily request count exceeded")
    pool = await net.pool(await net.start(eth_x=limit), await net.start(eth_x="0x2"))
    assert await pool.request("eth_x") == "0x2"


@pytest.mark.parametrize(
    ("code", "message", "data", "words"),
    [
        (3, "execution reverted: nope", "0x" + REASON, "nope"),
        (-32000, "execution reverted", "0x" + REASON, "nope"),
        (-32015, "VM execution error.", "Reverted 0x" + REASON, "nope"),
        (-32603, "Internal error", {"message": "x", "data": "0x" + REASON}, "nope"),
        (-32000, "execution reverted: nope", None, "nope"),
        (3, "execution reverted", "0x", "without a reason"),
        (3, "execution reverted", "0x4e487b71" + f"{0x11:064x}", "panic 0x11"),
        (3, "execution reverted", "0xdeadbeef", "error 0xdeadbeef"),
        (3, "execution reverted", "0x08c379a0ffff", "error 0x08c379a0"),
    ],
)
async def test_revert__never_fails_over(net: Any, code: int, message: str, data: Any, words: str) -> None:
    revert = net.error(code, message, data)
    first, second = await net.start(eth_call=revert), await net.start(eth_call="0x2")
    pool = await net.pool(first, second)
    with pytest.raises(RevertError, match=words) as caught:
        await pool.request("eth_call")
    assert isinstance(caught.value, CallRevertError)
    assert not second.asked
    assert pool.status()[0].failures == 0
    second.answers["eth_call"] = revert
    with pytest.raises(RevertError, match=words):
        await pool.agree(lambda ask: ask("eth_call", []))


async def test_error__that_is_no_revert__asks_the_others_then_tells(net: Any) -> None:
    unknown = net.error(-32000, "header not found", "0x" + "ab" * 32)
    first, second = await net.start(eth_call=unknown), await net.start(eth_call="0x2")
    pool = await net.pool(first, second)
    assert await pool.request("eth_call") == "0x2"
    second.answers["eth_call"] = unknown
    with pytest.raises(RpcError, match="header not found") as caught:
        await pool.request("eth_call")
    assert caught.value.code == -32000
    assert not net.slept


async def test_error__to_a_broadcast__is_the_answer(net: Any) -> None:
    low = net.error(-32000, "nonce too low")
    first, second = await net.start(eth_sendRawTransaction=low), await net.start(eth_sendRawTransaction="0x2")
    pool = await net.pool(first, second)
    with pytest.raises(RpcError, match="nonce too low"):
        await pool.request("eth_sendRawTransaction", ["0x"])
    assert not second.asked


async def test_all_down__tries_again_after_a_pause_then_names_each(net: Any) -> None:
    first, second = await net.start(eth_x=web.Response(status=502)), await net.start(eth_x=web.Response(status=503))
    pool = await net.pool(first, second, rounds=2)
    with pytest.raises(ChainError) as caught:
        await pool.request("eth_x")
    assert "HTTP 502" in str(caught.value)
    assert "HTTP 503" in str(caught.value)
    assert len(first.asked) == len(second.asked) == 2
    assert len(net.slept) == 1


async def test_stale_endpoint__pyth_crosschain_679__is_noticed_and_asked_last(net: Any) -> None:
    stale = await net.start(eth_blockNumber="0x10", eth_x="old")
    fresh = await net.start(eth_blockNumber="0x64", eth_x="new")
    pool = await net.pool(stale, fresh, max_lag=8)
    assert await pool.request("eth_x") == "old"
    await pool.probe()
    assert await pool.request("eth_x") == "new"
    assert await pool.request("eth_x") == "new"
    assert pool.status()[0].fault == "stale: 84 blocks behind"
    stale.answers["eth_blockNumber"] = "0x63"
    await pool.probe()
    assert await pool.request("eth_x") == "old"
    assert pool.status()[0].fault == ""


async def test_probe__broken_heads__spare_the_others(net: Any) -> None:
    broken = [await net.start(eth_blockNumber=value) for value in ({}, None, "x", web.Response(status=500))]
    well = await net.start(eth_blockNumber="0x64")
    pool = await net.pool(*broken, well)
    await pool.probe()
    assert [status.head for status in pool.status()] == [None, None, None, None, 100]


async def test_lying_endpoint__pyth_crosschain_679__disagreement_is_an_error(net: Any) -> None:
    first, second = await net.start(eth_x="0x1"), await net.start(eth_x="0x2")
    pool = await net.pool(first, second)
    with pytest.raises(ChainError, match="disagree"):
        await pool.agree(lambda ask: ask("eth_x", []))
    second.answers["eth_x"] = "0x1"
    assert await pool.agree(lambda ask: ask("eth_x", [])) == "0x1"


async def test_agree__majority_of_three__wins_and_the_liar_is_asked_last(net: Any) -> None:
    liar, *honest = await net.start(eth_x="0x2"), await net.start(eth_x="0x1"), await net.start(eth_x="0x1")
    pool = await net.pool(liar, *honest)
    assert await pool.agree(lambda ask: ask("eth_x", [])) == "0x1"
    assert pool.status()[0].fault == "disagreed with the majority"
    await pool.request("eth_x")
    assert len(liar.asked) == 1


async def test_agree__silent_endpoint__stalls_the_node_rarely(net: Any) -> None:
    dead = "http://127.0.0.1:1/"
    pool = await net.pool(dead, await net.start(eth_x="0x2"), cooldown=10.0, witnesses=1)
    tries = []
    for _ in range(120):
        assert await pool.agree(lambda ask: ask("eth_x", [])) == "0x2"
        assert await pool.each(lambda ask: ask("eth_x", [])) == ["0x2"]
        net.now += 5
        tries.append(pool.status()[0].requests)
    # At 0, 10, 30, 70, 150, 310 seconds: each silence is believed twice as long as the one before.
    assert tries[-1] == 6
    assert tries[:3] == [1, 1, 2]


async def test_each__some_fail__gives_the_others_answers(net: Any) -> None:
    broken = await net.start(eth_x=web.Response(status=500))
    pool = await net.pool(await net.start(eth_x=1), broken, await net.start(eth_x=2))
    assert sorted(await pool.each(lambda ask: ask("eth_x", []))) == [1, 2]


SECRET = "s3cretKey0123456789abcdef"


@pytest.mark.parametrize(
    "template",
    [
        "http://127.0.0.1:{port}/v3/" + SECRET,
        "http://127.0.0.1:{port}/?apikey=" + SECRET,
        "http://user:" + SECRET + "@127.0.0.1:{port}/rpc",
    ],
)
async def test_planted_secret__near_mpc_2362_vega_11319__is_shown_nowhere(
    net: Any, template: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = net.error(-32000, f"project {SECRET} is unknown, see https://x.example/{SECRET}")
    server = await net.start(eth_echo=echo, eth_down=web.Response(status=500, text=SECRET))
    port = server.url.rpartition(":")[2]
    alive, dead = template.format(port=port), template.format(port=1)
    shown: list[str] = []
    pool = await net.pool(alive, dead)
    for method in ("eth_echo", "eth_down"):
        with pytest.raises(ChainError) as caught:
            await pool.request(method, [])
        error: BaseException | None = caught.value
        shown += traceback.format_exception(caught.value)
        while error is not None:  # chained errors are printed too
            shown.append(repr(error) + str(error.args))
            error = error.__cause__ or error.__context__
    shown += [repr(pool), str(pool.status()), repr(pool.endpoints), caplog.text]
    assert not [text for text in shown if SECRET in text]
    assert "127.0.0.1" in shown[-4]


async def test_ccip_read__cve_2026_40072__is_off_everywhere(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from eth_abi.abi import encode
    from web3 import AsyncHTTPProvider, AsyncWeb3

    trap = await net.start()
    # EIP-3668: OffchainLookup(address,string[],bytes,bytes4,bytes), which asks the caller to fetch a URL.
    target = AsyncWeb3.to_checksum_address("0x" + "11" * 20)
    urls = [trap.url + "/{sender}/{data}"]
    arguments = (target, urls, b"\x01", b"\x02\x03\x04\x05", b"")
    lookup = "0x556f1830" + encode(["address", "string[]", "bytes", "bytes4", "bytes"], arguments).hex()
    chain = await net.start(eth_call=net.error(3, "execution reverted", lookup), eth_chainId="0x1")

    # What web3 does by itself, without its list of forbidden hosts: so that this test can fail.
    monkeypatch.setattr("web3.utils.async_exception_handling.async_validate_ccip_url_host", _allow)
    unguarded = AsyncHTTPProvider(chain.url)
    unguarded.ccip_read_allow_http = True
    with contextlib.suppress(Exception):
        await AsyncWeb3(unguarded).eth.call({"to": target})
    await unguarded.disconnect()
    assert trap.hits > 0
    trap.hits = 0

    pool = await net.pool(chain)
    with pytest.raises(RevertError, match="0x556f1830"):
        await pool.request("eth_call", [{"to": target}, "latest"])
    assert trap.hits == 0


async def _allow(*_: object) -> None:
    return None


def test_import__of_node_chain__brings_no_web3() -> None:
    code = (
        "import sys, node.chain, node.chain.types, node.chain.client, node.chain.endpoints.pool,"
        " node.chain.endpoints.wakeup, node.chain.sending.sender, node.journal\n"
        "assert not {'web3', 'eth_account', 'aiohttp', 'sqlite_utils'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
