"""How often, how much and how long: an endpoint's limits on us, and ours on it."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from node.chain.failures import RpcError, UnavailableError
from node.errors import ChainError


def limited(retry_after: str, **headers: str) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": retry_after} | headers)


async def test_rate__more_requests_than_that__wait_for_their_turn(net: Any) -> None:
    endpoint = await net.start(eth_x="0x1")
    pool = await net.pool(endpoint, rate=4.0, burst=2.0)
    start = net.now
    for _ in range(10):
        assert await pool.request("eth_x") == "0x1"
    assert net.now - start == pytest.approx(2.0)  # two at once, the other eight a quarter of a second apart
    assert pool.status()[0].waited == 8
    assert pool.status()[0].failures == 0


async def test_requests__answered__are_timed_and_tell_the_clocks_apart(net: Any) -> None:
    pool = await net.pool(await net.start(eth_x="0x1"))
    await pool.request("eth_x")
    [endpoint] = pool.endpoints
    assert endpoint.took.count == endpoint.requests == 1
    assert abs(endpoint.clock_offset) < 30  # it runs on this machine; a second goes by at most while a test waits
    endpoint._compare_clocks("Mon, 23 Nov 2020 02:00:00 GMT", 0.0)
    assert endpoint.clock_offset > 10**7
    endpoint._compare_clocks("no date", 0.0)
    assert endpoint.clock_offset > 10**7


async def test_rate__of_the_first_endpoint_used_up__others_are_asked(net: Any) -> None:
    first, second = await net.start(eth_x="0x1"), await net.start(eth_x="0x2")
    pool = await net.pool(first, second, rate=0.5, burst=3.0)
    assert [await pool.request("eth_x") for _ in range(6)] == ["0x1"] * 3 + ["0x2"] * 3
    assert not net.slept


async def test_rate__one_endpoint_and_many_requests_at_once__all_are_answered(net: Any) -> None:
    pool = await net.pool(await net.start(eth_x="0x1"), rate=1.0, burst=1.0)
    assert await asyncio.gather(*(pool.request("eth_x") for _ in range(30))) == ["0x1"] * 30
    assert max(net.slept) == pytest.approx(29, abs=29)


async def test_retry_after__date_by_the_servers_clock__is_waited_for(net: Any) -> None:
    skewed = datetime.now(UTC) - timedelta(days=3)
    answer = limited(format_datetime(skewed + timedelta(seconds=4), usegmt=True))
    answer.headers["Date"] = format_datetime(skewed, usegmt=True)
    pool = await net.pool(await net.start(eth_x=[answer, "0x1"]))
    assert await pool.request("eth_x") == "0x1"
    assert net.slept == [4.0]


async def test_retry_after__holds_every_request_to_that_endpoint(net: Any) -> None:
    endpoint = await net.start(eth_x=[limited("3"), "0x1"])
    pool = await net.pool(endpoint)
    asleep, over = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        net.slept.append(seconds)
        asleep.set()
        await over.wait()

    pool.endpoints[0]._sleep = sleep
    tasks = [asyncio.create_task(pool.request("eth_x"))]
    await asleep.wait()
    tasks += [asyncio.create_task(pool.request("eth_x")) for _ in range(4)]
    while len(net.slept) < 5:
        await asyncio.sleep(0)
    assert len(endpoint.asked) == 1
    net.now += 3
    over.set()
    assert await asyncio.gather(*tasks) == ["0x1"] * 5
    assert net.slept == [3.0] * 5


async def test_retry_after__longer_than_the_cap__the_only_endpoint_is_left_alone_that_long(net: Any) -> None:
    endpoint = await net.start(eth_x=[limited("120"), "0x1"])
    pool = await net.pool(endpoint, rounds=1)
    for _ in range(5):
        with pytest.raises(UnavailableError):
            await pool.request("eth_x")
        net.now += 20
    assert len(endpoint.asked) == 1
    net.now += 21
    assert await pool.request("eth_x") == "0x1"


async def test_retry_after__with_503__is_how_long_it_rests(net: Any) -> None:
    closed = web.Response(status=503, headers={"Retry-After": "100"})
    first, second = await net.start(eth_x=[closed, "0x1"]), await net.start(eth_x="0x2")
    pool = await net.pool(first, second, cooldown=15.0)
    assert await pool.request("eth_x") == "0x2"
    net.now += 99
    assert await pool.request("eth_x") == "0x2"
    net.now += 2
    assert await pool.request("eth_x") == "0x1"


async def test_code_32005__of_a_log_query_that_finds_too_much__is_no_rate_limit(net: Any) -> None:
    full = net.error(-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x5]")
    pool = await net.pool(await net.start(eth_getLogs=full))
    with pytest.raises(RpcError, match="more than 10000"):
        await pool.request("eth_getLogs", [{}])
    assert (pool.status()[0].limited, net.slept) == (0, [])


async def test_413__is_about_the_request_and_not_about_the_endpoint(net: Any) -> None:
    pool = await net.pool(await net.start(eth_x=web.Response(status=413)))
    with pytest.raises(RpcError, match="too large"):
        await pool.request("eth_x")
    assert pool.status()[0].failures == 0


async def test_answer__compressed_bomb__is_cut_off(net: Any) -> None:
    packed = gzip.compress(b'{"result": "' + b"0" * 50_000_000 + b'"}')
    assert len(packed) < 60_000
    bomb = web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    first, second = await net.start(eth_x=bomb), await net.start(eth_x="0x2")
    pool = await net.pool(first, second, max_bytes=1_000_000)
    assert await pool.request("eth_x") == "0x2"
    assert pool.status()[0].failures == 1


async def test_circuit__of_an_endpoint_that_hangs__lets_one_request_try_at_a_time(net: Any) -> None:
    async def hang() -> Any:
        await asyncio.sleep(30)

    endpoint = await net.start(eth_x=hang)
    pool = await net.pool(endpoint, timeout=0.2, rounds=1)
    with pytest.raises(ChainError):
        await pool.request("eth_x")
    assert pool.status()[0].circuit == "open"
    found = await asyncio.gather(*(pool.request("eth_x") for _ in range(12)), return_exceptions=True)
    assert all(isinstance(error, ChainError) for error in found)
    assert len(endpoint.asked) == 2
    net.now += 60
    assert (pool.status()[0].circuit, pool.status()[0].opened) == ("half-open", 1)


async def test_circuit__half_open__closes_with_the_first_good_answer(net: Any) -> None:
    first, second = await net.start(eth_x=web.Response(status=500)), await net.start(eth_x="0x2")
    pool = await net.pool(first, second, cooldown=10.0)
    for _ in range(3):
        assert await pool.request("eth_x") == "0x2"
        net.now += 100
    assert pool.status()[0].circuit == "half-open"
    first.answers["eth_x"] = "0x1"
    assert await pool.request("eth_x") == "0x1"
    assert (pool.status()[0].circuit, pool.status()[0].fault) == ("closed", "")
