"""The faults themselves: what is injected is what is claimed, and is counted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest
from eth_utils.address import to_checksum_address

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.devnet.rpc.server import DevnetServer, serve_chain
from node.devnet.settings import ChainSettings
from node.voting.seen import voters
from tests.integration.chaos.faults.broker import Broker
from tests.integration.chaos.faults.disk import disks
from tests.integration.chaos.faults.endpoint import Endpoint, serve_endpoints
from tests.integration.chaos.faults.misbehaviour import (
    FalseFinality,
    FalseHashes,
    FalseLogs,
    FalsePrices,
    Hangup,
    Lag,
    NoLogs,
    Refuse,
    Stall,
)

WAD = 10**18
HEAD, DEPTH, LATE = 60, 12, 20
WRITER = """
import sys
while True:
    try:
        with open(sys.argv[1], "ab") as file:
            file.write(bytes(10_000))
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
    sys.stdin.readline()
"""


@dataclass
class World:
    chain: DevnetServer
    endpoint: Endpoint
    session: aiohttp.ClientSession
    tx: str = ""

    async def ask(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        async with self.session.post(self.endpoint.url, json=body) as response:
            answer = await response.json()
            assert answer["id"] == 7
            return answer["result"] if "result" in answer else answer["error"]["message"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with (
        serve_chain(ChainSettings(finality_depth=DEPTH)) as chain,
        serve_endpoints(chain.url, 1) as [endpoint],
        aiohttp.ClientSession() as session,
    ):
        found = World(chain, endpoint, session)
        await chain.run(chain.chain.mine, HEAD - 1)
        sent = await chain.run(chain.chain.fund, b"\x11" * 20, 5)
        found.tx = "0x" + sent.hex()
        yield found


async def test_endpoint__without_a_fault__passes_everything_on(world: World) -> None:
    assert await world.ask("eth_blockNumber") == hex(HEAD)
    batch: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": at, "method": "eth_chainId", "params": []} for at in (3, 1, 2)
    ]
    async with world.session.post(world.endpoint.url, json=batch) as response:
        assert [(one["id"], one["result"]) for one in await response.json()] == [(at, "0x7a69") for at in (3, 1, 2)]
    assert not world.endpoint.harm
    assert world.endpoint.requests == 2


async def test_refuse__says_429_and_when_to_come_back(world: World) -> None:
    world.endpoint.fault = Refuse(3)
    async with world.session.post(world.endpoint.url, json={"method": "eth_chainId"}) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert world.endpoint.harm["refused with 429"] == 1


async def test_stall_and_hangup__give_no_answer(world: World) -> None:
    world.endpoint.fault = Hangup()
    with pytest.raises(aiohttp.ClientError):
        await world.ask("eth_chainId")
    world.endpoint.fault = Stall()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await world.ask("eth_chainId")
    assert dict(world.endpoint.harm) == {"cut off": 1, "left without an answer": 1}


async def test_lag__knows_nothing_of_the_last_blocks(world: World) -> None:
    world.endpoint.fault = Lag(LATE)
    late = HEAD - LATE

    async def height(tag: str) -> int:
        return int((await world.ask("eth_getBlockByNumber", tag, False))["number"], 16)

    assert await world.ask("eth_blockNumber") == hex(late)
    assert await height("latest") == late
    assert await height("finalized") == late - DEPTH
    assert await height(hex(late)) == late
    assert await world.ask("eth_getBlockByNumber", hex(late + 1), False) is None
    assert await world.ask("eth_getBalance", "0x" + "11" * 20, "latest") == "0x0"
    assert await world.ask("eth_getBalance", "0x" + "11" * 20, hex(HEAD)) == "header not found"
    assert await world.ask("eth_getTransactionReceipt", world.tx) is None
    assert await world.ask("eth_getLogs", {"fromBlock": hex(late + 1), "toBlock": hex(HEAD)}) == []
    assert await world.ask("eth_getLogs", {"fromBlock": hex(0), "toBlock": "latest"}) == []
    known = await world.endpoint.ask("eth_getBlockByNumber", hex(HEAD), False)
    by_hash = {"blockHash": known["hash"]}
    assert await world.ask("eth_call", {"to": "0x" + "11" * 20}, by_hash) == "header not found"
    assert world.endpoint.harm[f"answered {LATE} blocks late"] == 10


async def test_false_prices__change_what_looks_like_one_and_nothing_else() -> None:
    lie = FalsePrices()
    words = [WAD, WAD + WAD // 50, 5, 1_000 * WAD]
    answer = "0x" + "".join(f"{word:064x}" for word in words)
    false = lie.falsify({"method": "eth_call"}, answer)
    assert [int(false[at : at + 64], 16) for at in range(2, len(false), 64)] == [
        WAD,
        (WAD + WAD // 50) * 11 // 10,
        5,
        1_000 * WAD,
    ]
    assert lie.falsify({"method": "eth_getLogs"}, answer) == answer


async def test_false_hashes__every_block_has_another(world: World) -> None:
    true = await world.ask("eth_getBlockByNumber", "0x5", False)
    world.endpoint.fault = FalseHashes()
    false = await world.ask("eth_getBlockByNumber", "0x5", False)
    assert false["hash"] != true["hash"]
    assert false | {"hash": true["hash"]} == true
    assert await world.ask("eth_getBlockByNumber", hex(HEAD + 1), False) is None
    assert dict(world.endpoint.harm) == {"gave a false block hash": 1}


async def test_false_finality__newest_block_is_called_final(world: World) -> None:
    assert int((await world.ask("eth_getBlockByNumber", "finalized", False))["number"], 16) == HEAD - DEPTH
    world.endpoint.fault = FalseFinality()
    assert int((await world.ask("eth_getBlockByNumber", "finalized", False))["number"], 16) == HEAD
    assert dict(world.endpoint.harm) == {"called a block final too early": 1}


async def test_false_logs__a_node_that_believed_them__would_read_reports_and_votes_of_everybody(world: World) -> None:
    members = ["0x" + bytes([number] * 20).hex() for number in (1, 2, 3)]
    oracle = "0x" + "55" * 20
    chain = Chain(RpcPool([world.endpoint.url]), oracle)
    try:
        world.endpoint.fault = FalseLogs(1, members, 16)
        assert [(one.feed, one.checkpoint) for one in await chain.landed(1, HEAD)] == [(1, 48), (1, 32)]
        assert len({one.tx_hash for one in await chain.landed(1, HEAD)}) == 2
        votes = await voters(chain, 1, HEAD, [to_checksum_address(one) for one in members])
        assert {place: len(who) for place, who in votes.items()} == {(1, 48): 3, (1, 32): 3}
        assert world.endpoint.harm["invented reports and votes"] == 3
        world.endpoint.fault = NoLogs()
        assert await chain.landed(1, HEAD) == []
    finally:
        await chain.pool.aclose()


@pytest.mark.parametrize("embedded", [False, True], ids=["installed", "embedded"])
async def test_broker__that_swallows_messages__answers_questions_and_hands_on_nothing_else(
    tmp_path: Path, embedded: bool
) -> None:
    broker = Broker(tmp_path, embedded=embedded)
    topics = ["patina/x/observation/node", "patina/x/probe/node"]

    async def heard(client: aiomqtt.Client) -> list[str]:
        for topic in topics:
            await client.publish(topic, b"word")
        found: list[str] = []
        async for message in client.messages:
            found.append(str(message.topic))
            if found[-1] == topics[-1]:
                return found
        return found

    try:
        await broker.start()
        async with asyncio.timeout(30), aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe("patina/x/+/+")
            assert await heard(client) == topics
            broker.censor()
            while await heard(client) != topics[1:]:
                await asyncio.sleep(0.05)
            broker.release()
            while await heard(client) != topics:
                await asyncio.sleep(0.05)
    finally:
        await broker.stop()


@pytest.mark.parametrize("embedded", [False, True], ids=["installed", "embedded"])
async def test_broker__killed_frozen_and_started_again__is_on_its_port(tmp_path: Path, embedded: bool) -> None:
    broker = Broker(tmp_path, embedded=embedded)
    try:
        await broker.start()
        assert await broker.listening()
        await broker.kill()
        assert not await broker.listening()
        await broker.start()
        broker.freeze()
        await broker.stop()  # even a frozen one ends
        assert not await broker.listening()
    finally:
        await broker.stop()


async def test_disk__every_kind_there_is__takes_nothing_when_full_and_everything_when_free(tmp_path: Path) -> None:
    """RLIMIT_FSIZE needs no rights, so one kind there is on every machine."""
    kinds = await disks(tmp_path / "probe")
    assert kinds
    for disk in kinds:
        folder = tmp_path / disk.kind
        folder.mkdir()
        await disk.prepare(folder)
        try:
            command = disk.command((sys.executable, "-c", WRITER, str(folder / "file")))
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
            assert process.stdin is not None
            assert process.stdout is not None
            said = [await process.stdout.readline()]
            for change in (disk.fill, disk.free):
                change(process.pid)
                process.stdin.write(b"\n")
                said.append(await process.stdout.readline())
            process.kill()
            await process.wait()
            process._transport.close()  # type: ignore[attr-defined]
            assert said[0] == said[2] == b"written\n", (disk.kind, said)
            assert said[1] in (b"No space left on device\n", b"File too large\n")
        finally:
            await disk.remove()
