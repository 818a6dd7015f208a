"""The devnet on Foundry's anvil: the same accounts, finality, contracts and reorganisations as the embedded chain."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from node.devnet import deploy
from node.devnet.account import Account, Contract, connect
from node.devnet.anvil import find_anvil, serve_anvil
from node.devnet.genesis import dev_account
from node.devnet.replay.stage import Stage
from node.devnet.rpc.server import serve_chain
from node.devnet.settings import ChainSettings
from node.errors import ChainError
from tests.integration.devnet.test_deploy import KEYS, SIGNERS, plan

SETTINGS = ChainSettings(chain_id=4711, finality_depth=12)
CHAINS = [
    "embedded",
    pytest.param("anvil", marks=pytest.mark.skipif(find_anvil() is None, reason="anvil is not on the PATH")),
]
needs_anvil = pytest.mark.skipif(find_anvil() is None, reason="anvil is not on the PATH")


@pytest.fixture(params=CHAINS)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    serve = serve_anvil if request.param == "anvil" else serve_chain
    async with serve(SETTINGS) as chain:  # type: ignore[operator]
        web3 = connect(chain.url)
        account = Account(web3, dev_account(SETTINGS.seed, 0))
        nothing = Contract("StrategyOracle", account.address)
        yield Stage(account, chain.url, "", SETTINGS.chain_id, nothing, nothing)
        await web3.provider.disconnect()


def account_of(stage: Stage) -> Account:
    return stage._account


async def test_chain__either__has_the_accounts_the_contracts_and_the_finality(stage: Stage) -> None:
    account = account_of(stage)
    assert await account.web3.eth.chain_id == SETTINGS.chain_id
    assert await account.web3.eth.get_balance(account.web3.to_checksum_address(account.address)) == 10**24
    await stage.mine(40)
    assert (await stage.height(), await stage.height("finalized")) == (40, 28)
    multicall = account.web3.to_checksum_address("0xca11bde05977b3631167028862be2a173976ca11")
    assert len(await account.web3.eth.get_code(multicall)) == 3808
    block = await account.web3.eth.get_block(40)
    assert block["timestamp"] == SETTINGS.genesis_time + 40 * SETTINGS.block_time


async def test_deploy__either__is_open_revealed_and_fed(stage: Stage) -> None:
    found = await deploy.deploy(account_of(stage), SIGNERS, KEYS, [plan("falconx")])
    assert await account_of(stage).read(found.oracle, "feed_count") == 1
    edition = await account_of(stage).read(found.collection, "edition", 1)
    assert edition[-1] == 3  # revealed, so the reveal block's header was proven by its hash


@pytest.mark.parametrize("depth", [1, 10])
async def test_reorganise__either__replaces_every_block_and_loses_its_transactions(stage: Stage, depth: int) -> None:
    account = account_of(stage)
    await stage.mine(20)
    await account.transfer(SIGNERS[0], 5)
    await stage.mine(depth - 1)
    head = await stage.height()
    before = [(await account.web3.eth.get_block(head - back))["hash"] for back in range(depth + 1)]
    assert await account.web3.eth.get_balance(SIGNERS[0]) == 5  # type: ignore[arg-type]
    await stage.reorganise(depth)
    assert await stage.height() == head
    after = [(await account.web3.eth.get_block(head - back))["hash"] for back in range(depth + 1)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False] * depth + [True]
    assert await account.web3.eth.get_balance(SIGNERS[0]) == 0  # type: ignore[arg-type]
    await account.transfer(SIGNERS[0], 7)  # its nonce is free again
    assert await account.web3.eth.get_balance(SIGNERS[0]) == 7  # type: ignore[arg-type]


async def test_automine__off__transactions_wait_for_a_block(stage: Stage) -> None:
    await stage.automine(False)
    sending = asyncio.create_task(account_of(stage).transfer(SIGNERS[1], 1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await asyncio.shield(sending)
    await stage.mine()
    await sending


@needs_anvil
async def test_serve_anvil__odd_finality__is_refused() -> None:
    with pytest.raises(ChainError, match="even one from 2 up"):
        async with serve_anvil(ChainSettings(finality_depth=3)):
            pass


@needs_anvil
async def test_serve_anvil__killed_while_it_runs__is_noticed() -> None:
    async with asyncio.timeout(60), serve_anvil() as chain:
        waiting = asyncio.create_task(chain.wait())
        chain.process.kill()
        with pytest.raises(ChainError, match="ended with status -9"):
            await waiting
    # npm's program is a script that starts another one: that must not be left behind.
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        while True:
            try:
                await session.post(chain.url, json={})
            except aiohttp.ClientConnectorError:
                break
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                await asyncio.sleep(0.05)  # what it had taken before it was gone is cut off; then nobody is there


async def test_serve_anvil__not_installed__says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChainError, match="npm install"):
        async with serve_anvil():
            pass


@needs_anvil
async def test_process__with_anvil__announces_itself_and_takes_anvil_along_when_it_ends() -> None:
    command = (sys.executable, "-m", "node.devnet.serve", "--anvil", "--chain-id", "99", "--block-interval", "0.1")
    pipe = asyncio.subprocess.PIPE
    async with asyncio.timeout(60):
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        assert process.stdout is not None
        found = json.loads(await process.stdout.readline())
        web3 = connect(found["rpc"])
        while await web3.eth.block_number < 2:
            await asyncio.sleep(0.05)
        await web3.provider.disconnect()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()  # noqa: ASYNC240
        process.send_signal(signal.SIGTERM)
        rest, errors = await process.communicate()
    assert (process.returncode, rest, errors) == (0, b"", b"")
    assert len(children) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(children[0]), 0)
