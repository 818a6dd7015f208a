"""A committee of node processes on one machine with a feed whose band changes whenever its price is set anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from eth_hash.auto import keccak

from benchmarks.latency.broker import find_mosquitto, serve_mosquitto
from benchmarks.latency.tap import Tap, tapped
from node.agreement.committee import Committee
from node.artworks.studio import describe
from node.chain.types import Policy
from node.content.edition import build_placeholder
from node.content.store import BlockStore
from node.devnet import deploy
from node.devnet.account import Account, Contract, connect
from node.devnet.anvil import find_anvil
from node.devnet.genesis import dev_account
from node.devnet.replay.network import Member, Network, create_members
from node.devnet.replay.stage import open_stage
from node.devnet.settings import ChainSettings
from node.render.recipe import Recipe

WAD = 10**18
CADENCE = 10
SUPPLY = 2
FINAL_AFTER = ChainSettings().finality_depth
POLL_MS = 50
"""The least that the configuration takes for `chain.poll_ms`."""
FALLBACK_MS = 4_000
"""The configuration's own value."""
LOW, HIGH = WAD, WAD * 102 // 100


@dataclass
class Scene:
    """Everything that a measurement needs to touch."""

    account: Account
    vault: deploy.Vault
    feed: int
    committee: Committee
    network: Network
    tap: Tap
    chain: str
    broker: str
    looks: str
    """How the nodes learn of a new block."""

    async def height(self) -> int:
        """The head's number."""
        return int(await self.account.web3.eth.block_number)

    async def mine(self, blocks: int) -> None:
        """Make blocks."""
        await self.account.mine(blocks)

    async def set_price(self, price: int) -> None:
        """Bring a share to `price` (wad) by a profit or loss of the strategy; one block."""
        await deploy.set_price(self.account, self.vault, price)


@asynccontextmanager
async def open_network(folder: Path, *, nodes: int = 4) -> AsyncIterator[Scene]:
    """Start chain, broker and nodes, and put a feed on the chain. Its edition is not revealed: nothing is painted.

    Where the chain announces its heads (anvil does), nodes look when it does, and else as often as the configuration
    lets them.

    The chain is anvil and the broker Mosquitto where they are installed, else the embedded ones; `Scene.chain`
    and `Scene.broker` say which.
    """
    async with AsyncExitStack() as stack:
        anvil, mosquitto = find_anvil(), find_mosquitto()
        stage = await stack.enter_async_context(open_stage(folder / "devnet.log", anvil=anvil is not None))
        broker = stage.broker
        if mosquitto is not None:
            broker = await stack.enter_async_context(serve_mosquitto(mosquitto, folder))
        members = await asyncio.to_thread(
            create_members,
            nodes,
            folder,
            chain_id=stage.chain_id,
            oracle=stage.oracle,
            rpc=stage.rpc,
            broker=broker,
            poll_ms=FALLBACK_MS if anvil else POLL_MS,
            adapt=partial(_announced, stage.rpc) if anvil else lambda *_: None,
        )
        signers, keys = [member.address for member in members], [member.transport_key for member in members]
        await stage.seat(list(zip(signers, keys, strict=True)))
        web3 = connect(stage.rpc)
        stack.push_async_callback(web3.provider.disconnect)
        account = Account(web3, dev_account(ChainSettings().seed, 0))
        vault, feed = await _feed(account, Contract("StrategyOracle", stage.oracle), members)
        committee = Committee(stage.chain_id, stage.oracle, signers, keys)
        network = Network(members, await stack.enter_async_context(aiohttp.ClientSession()))
        tap = await stack.enter_async_context(tapped(broker, committee))
        stack.push_async_callback(network.stop)
        await network.start()
        names = "anvil" if anvil else "embedded", "Mosquitto" if mosquitto else "embedded"
        looks = f"at each announced head, else every {FALLBACK_MS:,} ms" if anvil else f"every {POLL_MS} ms"
        yield Scene(account, vault, feed, committee, network, tap, *names, looks)


def _announced(rpc: str, _: int, settings: dict[str, Any]) -> None:
    # Anvil serves both on one port.
    settings["chain"]["websockets"] = [rpc.replace("http", "ws", 1)]


async def _feed(account: Account, oracle: Contract, members: Sequence[Member]) -> tuple[deploy.Vault, int]:
    """Open a feed and its edition, which stays on sale: what reports change are answer and band."""
    collection = await deploy.deploy_collection(account, oracle)
    policy = Policy(CADENCE, 1, 0, 0, 0, (WAD // 100,))
    vault = await deploy.deploy_vault(account, "Vault", "V", LOW)
    number = int(await account.read(collection, "next_edition"))
    feed = await deploy.open_feed(account, oracle, vault, policy, collection, number)
    plan = deploy.EditionPlan("Vault", "V", LOW, policy, *_published(members, number), keccak(b"secret"), SUPPLY)
    await deploy.open_edition(account, collection, feed, plan)
    return vault, feed


def _published(members: Sequence[Member], edition: int) -> tuple[bytes, bytes]:
    """Give every node the recipe and the placeholder, as artists do; their digests."""
    recipe, placeholder = Recipe.for_bands(2, "bench"), b""
    for member in members:
        home = member.process.folder
        (home / "recipes" / "bench.json").write_bytes(recipe.canonical)
        store = BlockStore(home / "state" / "blocks")
        store.put(recipe.canonical)
        placeholder = build_placeholder(store, recipe.name, describe(recipe), edition, SUPPLY)
    return recipe.digest, placeholder
