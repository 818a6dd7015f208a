"""`patina devnet` as a newcomer starts it, in an empty folder: what stands, what moves, and what stays behind."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from eth_hash.auto import keccak

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.types import Feed, Landed
from node.deployment.file import SOURCES, Deployment, load
from node.devnet.anvil import find_anvil
from node.devnet.faucet import fund, is_devnet
from node.staking.contract import Staking

COMMAND = (sys.executable, "-W", "error", "-m", "node.cli", "devnet", "--json", "--port", "0", "--broker-port", "0")
PATIENCE = 120
SOMEBODY = "0x" + "11" * 20
needs_anvil = pytest.mark.skipif(find_anvil() is None, reason="anvil is not on the PATH")


@asynccontextmanager
async def devnet(folder: Path, *arguments: str) -> AsyncIterator[dict[str, Any]]:
    """What it says once newcomers can join; stopped by SIGTERM, and then nothing of it may be left."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, stdout=pipe, stderr=pipe, cwd=folder)
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise AssertionError((await process.communicate())[1].decode())
        facts = json.loads(line)
        yield facts
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        rest, errors = await process.communicate()
    assert (process.returncode, rest) == (0, b"")
    assert errors.decode().endswith("stopped\n")
    assert "warning" not in errors.decode()
    assert processes_of(folder, facts) == []


def processes_of(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    """Command lines that have to do with a devnet: its nodes' folder, or its chain's port."""
    port = str(facts.get("rpc")).rpartition(":")[2]
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(str(folder)) for word in words) or ("anvil" in words[0] and port in words):
            found.append(" ".join(words))
    return found


async def check_contracts(deployment: Deployment, pool: RpcPool) -> None:
    assert deployment.contracts.keys() == SOURCES.keys()
    for contract in deployment.contracts.values():
        assert contract.block is not None
        code = [
            bytes.fromhex((await pool.request("eth_getCode", [contract.address, hex(block)]))[2:])
            for block in (contract.block - 1, contract.block)
        ]
        assert code[0] == b""
        assert keccak(code[1]) == contract.code_hash
    genesis = await pool.request("eth_getBlockByNumber", ["0x0", False])
    assert genesis["hash"] == "0x" + deployment.genesis_hash.hex()


async def turned(staking: Staking) -> int:
    """Wait for the first era to end and the next to begin."""
    while (era := (await staking.overview()).era) < 2:
        await asyncio.sleep(0.2)
    return era


async def moved(chain: Chain, feed: Feed, first: int) -> None:
    """Wait for another share price than the first."""
    while (await chain.sample([feed], await chain.head()))[0].share_price == first:
        await asyncio.sleep(0.2)


async def landed(chain: Chain) -> Landed:
    """Wait for the first report."""
    while not (found := await chain.landed(0, (await chain.head()).number)):
        await asyncio.sleep(0.2)
    return found[0]


@pytest.mark.slow
async def test_devnet__in_an_empty_folder__has_all_that_a_newcomer_needs_and_goes_on_by_itself(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        async with devnet(tmp_path, "--nodes", "1", "--block-interval", "0.05") as facts:
            deployment = load(tmp_path / "deployment.json")
            assert facts["deployment"] == str(tmp_path / "deployment.json")
            assert (deployment.oracle, deployment.staking) == (facts["oracle"], facts["staking"])
            assert len(processes_of(tmp_path, facts)) == 1
            async with RpcPool([facts["rpc"]]) as pool:
                chain, staking = Chain(pool, deployment.oracle), Staking(pool, facts["staking"])
                await check_contracts(deployment, pool)
                assert (await chain.configuration()).config_digest == deployment.config_digest
                rules = (await staking.overview()).params
                assert (rules.seats, rules.least_seats) == (2, 1)
                assert await fund(facts["rpc"], SOMEBODY, 5) == 5
                [feed] = await chain.feeds()
                assert await staking.pays([feed.id]) == {feed.id: True}

                opened = await chain.sample([feed], await chain.block(feed.opened_at))
                report = await landed(chain)
                assert (report.feed, report.config_digest) == (feed.id, deployment.config_digest)
                assert await turned(staking) >= 2
                await moved(chain, feed, opened[0].share_price)
        with pytest.raises(aiohttp.ClientConnectionError):
            async with aiohttp.ClientSession() as session:
                await session.get(facts["rpc"])


async def test_devnet__told_to_stop_while_its_nodes_start__stops_them_too(tmp_path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    async with asyncio.timeout(PATIENCE):
        process = await asyncio.create_subprocess_exec(*COMMAND, "--nodes", "1", stdout=pipe, stderr=pipe, cwd=tmp_path)
        assert process.stderr is not None
        while not (line := await process.stderr.readline()).startswith(b"starting 1 node,"):
            assert line
        while not processes_of(tmp_path, {}):
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, errors = await process.communicate()
    assert (process.returncode, out, errors) == (0, b"", b"stopping the nodes\nstopped\n")
    assert processes_of(tmp_path, {}) == []


async def test_devnet__where_one_runs_already__is_refused_and_takes_nothing_from_it(tmp_path: Path) -> None:
    (tmp_path / "devnet").mkdir()
    for name in (".patina-replay", "node.log"):
        (tmp_path / "devnet" / name).write_text("of the one that runs")
    other = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with asyncio.timeout(PATIENCE), other:
        taken = str(other.sockets[0].getsockname()[1])
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--port", taken, stdout=pipe, stderr=pipe, cwd=tmp_path
        )
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"patina: the chain cannot listen on" in errors
    assert (tmp_path / "devnet" / "node.log").exists()
    assert not (tmp_path / "deployment.json").exists()


@needs_anvil
async def test_devnet__on_anvil_without_nodes__has_the_same_and_replaces_an_older_file(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_text('{"format": 1, "network": "patina:devnet", "contracts": {}}')
    async with asyncio.timeout(PATIENCE), devnet(tmp_path, "--nodes", "0", "--anvil") as facts:
        async with RpcPool([facts["rpc"]]) as pool:
            deployment = load(tmp_path / "deployment.json")
            await check_contracts(deployment, pool)
        assert (facts["nodes"], deployment.config_digest) == ([], None)
        assert await is_devnet(facts["rpc"])
        assert await fund(facts["rpc"], SOMEBODY, 7) == 7
        assert len(processes_of(tmp_path, facts)) >= 1
