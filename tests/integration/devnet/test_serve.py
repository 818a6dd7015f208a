"""The devnet as a process of its own, and inside a loop."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import aiohttp
import aiomqtt
import pytest

from node.devnet.serve import Endpoints, run_devnet
from node.devnet.settings import ChainSettings, DevnetSettings

COMMAND = (sys.executable, "-W", "error", "-m", "node.devnet.serve", "--chain-id", "99", "--finality-depth", "1")
PATIENCE = 60


async def ask(url: str, method: str, *arguments: object) -> object:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(arguments)}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return (await response.json())["result"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_process__until_a_signal__serves_chain_and_broker_and_ends_in_silence(number: signal.Signals) -> None:
    pipe = asyncio.subprocess.PIPE
    async with asyncio.timeout(PATIENCE):
        process = await asyncio.create_subprocess_exec(*COMMAND, stdout=pipe, stderr=pipe)
        assert process.stdout is not None
        found = json.loads(await process.stdout.readline())
        assert await ask(found["rpc"], "eth_chainId") == "0x63"
        assert found["chain_id"] == 99
        host, port = found["broker"].removeprefix("mqtt://").split(":")
        async with aiomqtt.Client(host, int(port)) as client:
            await client.subscribe("a")
            process.send_signal(number)
            rest, errors = await process.communicate()
    assert (process.returncode, rest, errors) == (0, b"", b"")


async def test_process__port_taken__says_so_and_fails() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with asyncio.timeout(PATIENCE), server:
        port = server.sockets[0].getsockname()[1]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*COMMAND, "--rpc-port", str(port), stdout=pipe, stderr=pipe)
        out, errors = await process.communicate()
    assert process.returncode == 1
    assert out == b""
    assert errors.decode().startswith(f"the chain cannot listen on 127.0.0.1:{port}")


async def test_run_devnet__with_an_interval__makes_blocks_until_cancelled() -> None:
    ready: asyncio.Future[Endpoints] = asyncio.get_running_loop().create_future()
    settings = DevnetSettings(chain=ChainSettings(), block_interval=0.01)
    async with asyncio.timeout(PATIENCE):
        running = asyncio.create_task(run_devnet(settings, ready.set_result))
        endpoints = await ready
        while int(str(await ask(endpoints.rpc, "eth_blockNumber")), 16) < 3:
            pass
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(endpoints.rpc, "eth_chainId")
