"""Real processes on journals that are older than their keys' signatures, and on keys that run already."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.types import Landed
from node.config.text import render_toml
from node.devnet import deploy
from node.devnet.account import Account, connect
from node.devnet.genesis import dev_account
from node.devnet.history import parse_history
from node.devnet.replay.network import Network, create_members
from node.devnet.replay.stage import Stage, StagedFeed, open_stage
from node.devnet.replay.track import Track, percentage, percentages
from node.devnet.rpc.server import serve_chain
from node.errors import RefusalError
from node.journal import Journal
from node.keys.secrets import Secret
from node.keys.signing import EthKeystore

HISTORY = parse_history(b"share_price\n1.00\n1.00\n", "test", "test")
TRACK = Track("Vault", HISTORY, percentages("1%,3%,5%,7%"), 1, percentage("0.1%"))
WAD = 10**18
OLD, SPARE = 0, 3  # the member with the old journal, and one that may be missed


@dataclass
class World:
    """A chain, a feed that paints nothing, and four nodes."""

    stage: Stage
    feed: StagedFeed
    network: Network
    chain: Chain

    @property
    def home(self) -> Path:
        """The folder of the node with the old journal."""
        return self.network.members[OLD].process.folder

    async def cross(self, percent: int) -> Landed:
        """Bring a share to 1.00 plus so many percent, and return the report that lands."""
        await self.stage.set_price(self.feed, WAD + percent * WAD // 100)
        checkpoint = await self.stage.next_checkpoint()
        while True:
            landed = await self.chain.landed(checkpoint, (await self.chain.head()).number)
            if landed and landed[-1].checkpoint == checkpoint:
                await self.stage.mine(3)
                return landed[-1]
            await asyncio.sleep(0.05)

    async def until_reason(self, reason: str) -> None:
        """Wait until the node with the old journal gives one reason alone why it is not ready."""
        process = self.network.members[OLD].process
        async with aiohttp.ClientSession() as session:
            while True:
                answer = await process.get(session, "/readyz")
                if answer is not None and answer["reasons"] == [reason]:
                    return
                await asyncio.sleep(0.05)

    def restore(self, backup: Path) -> None:
        """Put an old state folder in the place of the node's own; what this user's nodes remember is lost too."""
        shutil.rmtree(self.home / "state")
        shutil.copytree(backup, self.home / "state")
        shutil.rmtree(self.home.parent / ".state")

    def signed(self) -> int:
        """How many reports the node's journal says that it has signed."""
        path = self.home / "state" / "journal.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM attestations").fetchone()[0])


def patina(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "node.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with open_stage(folder / "devnet.log") as stage, aiohttp.ClientSession() as session:
        members = await asyncio.to_thread(
            create_members,
            4,
            folder,
            chain_id=stage.chain_id,
            oracle=stage.oracle,
            rpc=stage.rpc,
            broker=stage.broker,
        )
        await stage.seat([(member.address, member.transport_key) for member in members])
        feed = await stage.open_unpainted(TRACK)
        pool, network = RpcPool([stage.rpc]), Network(members, session)
        try:
            await network.start()
            yield World(stage, feed, network, Chain(pool, stage.oracle))
        finally:
            await network.stop()
            await pool.aclose()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_restored_backup__signs_nothing_until_its_protection_is_imported(tmp_path: Path) -> None:
    """Incidents: a node never equivocates through a restored backup; two copies of one node started by mistake."""
    async with world(tmp_path) as here:
        node = here.network.members[OLD].process
        await node.stop()
        backup = tmp_path / "backup"
        shutil.copytree(here.home / "state", backup)
        await node.start()
        await here.network.wait_ready(node)
        await here.network.members[SPARE].process.stop()
        first = await here.cross(2)  # a quorum is three: it has signed this one
        assert first.signers >> OLD & 1

        # The same key from another folder, while it runs.
        copy = tmp_path / "elsewhere" / "copy"
        shutil.copytree(here.home, copy)
        second = await asyncio.to_thread(patina, "run", "--config", copy)
        assert second.returncode == 1
        assert f"in use by process {node.pid}" in second.stderr
        assert str(here.home) in second.stderr

        await node.stop()
        file = tmp_path / "protection.json"
        exported = await asyncio.to_thread(patina, "protection", "export", file, "--config", here.home)
        assert exported.returncode == 0, exported.stderr

        await here.network.members[SPARE].process.start()
        await here.network.wait_ready(here.network.members[SPARE].process)
        here.restore(backup)
        await node.start()
        await here.until_reason("journal-too-old")
        without = await here.cross(4)
        assert not without.signers >> OLD & 1
        assert here.signed() == 0
        shown = await asyncio.to_thread(patina, "protection", "show", "--config", here.home)
        assert shown.returncode == 1
        assert f"checkpoint {first.checkpoint}" in shown.stdout

        await node.stop()
        imported = await asyncio.to_thread(patina, "protection", "import", file, "--config", here.home)
        assert imported.returncode == 0, imported.stdout + imported.stderr
        await node.start()
        await here.network.wait_ready(node)
        await here.network.members[SPARE].process.stop()
        assert (await here.cross(6)).signers >> OLD & 1


async def test_resolve__chain_at_hand__gives_up_everything_up_to_its_newest_block(tmp_path: Path) -> None:
    async with serve_chain() as server:
        account = Account(connect(server.url), dev_account(server.chain.settings.seed, 0))
        try:
            oracle = await deploy.deploy_oracle(account, [account.address], [b"t" * 32])
            await account.mine(40)
            head = int(await account.web3.eth.block_number)
        finally:
            await account.web3.provider.disconnect()
        EthKeystore.import_key(tmp_path / "keys" / "signing.json", b"k" * 32, Secret("x"), scrypt_n=2)
        chain = {"id": server.chain.settings.chain_id, "oracle": oracle.address, "endpoints": [server.url]}
        settings: dict[str, dict[str, Any]] = {"chain": chain, "gossip": {"brokers": [{"url": "mqtt://a"}]}}
        (tmp_path / "config.toml").write_text(render_toml(settings))
        resolved = await asyncio.to_thread(patina, "protection", "resolve", "--yes", "--config", tmp_path)
        assert resolved.returncode == 0, resolved.stdout + resolved.stderr
        assert f"up to checkpoint {head}" in resolved.stdout
    with Journal(tmp_path / "state") as journal:
        with pytest.raises(RefusalError):
            journal.attest(b"c" * 32, 1, head, 0, b"d" * 32, b"")
        assert journal.attest(b"c" * 32, 1, head + 1, 0, b"d" * 32, b"")
