"""What a replay plays on: a devnet as a process of its own, the contracts on it, and the hands that move them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_hash.auto import keccak

from node.chain.types import NOBODY, TOKENS_PER_EDITION, Policy
from node.devnet import deploy
from node.devnet.genesis import dev_account
from node.devnet.settings import ChainSettings
from node.errors import ReplayError
from node.keys.environment import without_secrets

if TYPE_CHECKING:
    from node.devnet.account import Account, Contract
    from node.devnet.replay.track import Track

CADENCE = 10
"""Blocks between checkpoints: room for every transaction of a round before the next row."""
READY_SECONDS = 60
STOP_SECONDS = 10
COINS = 10**21
"""Wei that each node gets to pay with."""
COMMAND = (sys.executable, "-m", "node.devnet.serve")


@dataclass(frozen=True)
class StagedFeed:
    """A vault with its feed and edition on the stage."""

    id: int
    edition: int
    vault: deploy.Vault
    collection: str

    @property
    def first_token(self) -> int:
        """The id of the edition's first token."""
        return self.edition * TOKENS_PER_EDITION + 1


@dataclass(frozen=True)
class Opening:
    """What an edition is opened with: its track, its two content digests, and how many tokens it has."""

    track: Track
    recipe: bytes
    placeholder: bytes
    tokens: int


class Stage:
    """One chain with an oracle and a collection, and the account that owns everything on it."""

    def __init__(
        self,
        account: Account,
        rpc: str,
        broker: str,
        chain_id: int,
        oracle: Contract,
        collection: Contract,
        cadence: int = CADENCE,
    ) -> None:
        self.cadence = cadence
        self._account = account
        self._collection = collection
        self._oracle = oracle
        self.rpc = rpc
        self.broker = broker
        self.chain_id = chain_id

    @property
    def account(self) -> Account:
        """Who owns everything here."""
        return self._account

    @property
    def contract(self) -> Contract:
        """The oracle."""
        return self._oracle

    @property
    def oracle(self) -> str:
        """The oracle's address."""
        return self._oracle.address

    async def seat(self, members: Sequence[tuple[str, bytes]]) -> None:
        """Make (address, transport key) pairs the committee, and give each coins to pay with."""
        for address, _ in members:
            await self._account.transfer(address, COINS)
        signers, keys = [address for address, _ in members], [key for _, key in members]
        await deploy.set_committee(self._account, self._oracle, signers, keys)

    async def open(self, openings: Sequence[Opening]) -> list[StagedFeed]:
        """Open a feed and an edition on a vault of its own for each track; sell, close and reveal them all."""
        return [await self._open(opening) for opening in openings]

    async def _open(self, opening: Opening) -> StagedFeed:
        account, track = self._account, opening.track
        first = track.history.rows[0].price
        plan = deploy.EditionPlan(
            name=track.title,
            symbol="YIELD",
            first_price=first,
            policy=Policy(self.cadence, track.window, 0, 0, track.hysteresis, track.thresholds),
            recipe=opening.recipe,
            placeholder=opening.placeholder,
            secret=keccak(b"patina replay secret" + opening.recipe),
            supply=opening.tokens,
        )
        vault = await deploy.deploy_vault(account, plan.name, plan.symbol, first)
        number = int(await account.read(self._collection, "next_edition"))
        feed = await deploy.open_feed(account, self._oracle, vault, plan.policy, self._collection, number)
        await deploy.open_edition(account, self._collection, feed, plan)
        await deploy.sell_out(account, self._collection, number, account.address)
        await deploy.reveal(account, self._collection, number, plan.secret)
        await deploy.deploy_aggregator(account, self._oracle, feed)
        return StagedFeed(feed, number, vault, self._collection.address)

    async def open_unpainted(self, track: Track) -> StagedFeed:
        """Open a feed that paints nothing, on a vault of its own."""
        rule = Policy(self.cadence, track.window, 0, 0, track.hysteresis, track.thresholds)
        from node.devnet.account import Contract

        vault = await deploy.deploy_vault(self._account, track.title, "YIELD", track.history.rows[0].price)
        nothing = Contract("DynamicCollection", NOBODY)
        feed = await deploy.open_feed(self._account, self._oracle, vault, rule, nothing, 0)
        return StagedFeed(feed, 0, vault, NOBODY)

    async def band(self, feed: StagedFeed) -> int:
        """Return the feed's band as it stands at the head."""
        return int(await self._account.read(self._oracle, "band", feed.id))

    async def set_price(self, feed: StagedFeed, price: int) -> None:
        """Let the strategy report the profit or loss that brings a share to `price` (wad)."""
        await deploy.set_price(self._account, feed.vault, price)

    async def next_checkpoint(self) -> int:
        """Mine up to the next checkpoint and until it is final; return its block number."""
        head = await self.height("latest")
        checkpoint = (head // self.cadence + 1) * self.cadence
        await self._account.mine(checkpoint - head)
        behind = checkpoint - await self.height("finalized")
        if behind > 0:
            await self._account.mine(behind)
        return checkpoint

    async def mine(self, blocks: int = 1) -> None:
        """Make blocks, with whatever transactions wait."""
        await self._account.mine(blocks)

    async def automine(self, on: bool) -> None:
        """Let the chain make a block for each transaction, or let transactions wait for `mine`."""
        await self._account.rpc("evm_setAutomine", on)

    async def reorganise(self, depth: int) -> None:
        """Replace the last `depth` blocks by as many others; their transactions, and those that wait, are lost.

        In between the head is lower, as it is on an endpoint that follows another branch for a moment. Whoever sends
        a transaction anew in just that moment finds it in the first of the new blocks.
        """
        head = await self._account.rpc("eth_getBlockByNumber", "latest", False)
        base = await self._account.rpc("eth_getBlockByNumber", hex(int(head["number"], 16) - depth), False)
        await self._account.rpc("anvil_rollback", depth)
        await self._account.rpc("anvil_dropAllTransactions")
        # Another time makes another block: without it a block that was empty before would come back as it was.
        await self._account.rpc("evm_setNextBlockTimestamp", int(base["timestamp"], 16) + 1)
        await self._account.mine(depth)

    async def height(self, tag: str = "latest") -> int:
        """Return the number of the block that a tag stands for."""
        return int((await self._account.rpc("eth_getBlockByNumber", tag, False))["number"], 16)


@asynccontextmanager
async def open_stage(
    log: Path,
    *,
    anvil: bool = False,
    cadence: int = CADENCE,
    finality_depth: int = 2,
) -> AsyncIterator[Stage]:
    """Start a devnet, deploy oracle and collection on it, and stop it in the end. What it says goes to `log`.

    `cadence` is that of the feeds to be opened, `finality_depth` how far the chain's final block lies behind its
    head. With `anvil` the chain is Foundry's.

    Raises:
        ReplayError: the devnet does not start.
    """
    from node.devnet.account import Account, connect

    command = [*COMMAND, "--finality-depth", str(finality_depth), *(["--anvil"] if anvil else [])]
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env=without_secrets(),
        )
    web3 = None
    try:
        devnet = await _announced(process, log)
        web3 = connect(devnet["rpc"])
        account = Account(web3, dev_account(ChainSettings().seed, 0))
        oracle = await deploy.deploy_oracle(account, [], [])
        collection = await deploy.deploy_collection(account, oracle)
        yield Stage(account, devnet["rpc"], devnet["broker"], devnet["chain_id"], oracle, collection, cadence)
    finally:
        if web3 is not None:
            await web3.provider.disconnect()
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _announced(process: asyncio.subprocess.Process, log: Path) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - it was asked for above
    try:
        async with asyncio.timeout(READY_SECONDS):
            line = await process.stdout.readline()
        found: dict[str, Any] = json.loads(line)
    except (TimeoutError, ValueError):
        raise ReplayError(f"the devnet did not start: see {log}") from None
    return found
