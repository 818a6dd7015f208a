"""Many feeds at one checkpoint: how many requests it takes to sample them, and how long until all are decided."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from eth_utils.crypto import keccak

from benchmarks.latency.accounts import Hasty
from benchmarks.table import lines
from keepers.signals import HORIZON
from keepers.vaults import VaultKeeper
from node.agreement.effects import Trigger
from node.artworks.paint import Paint
from node.chain import calls
from node.chain.client import Chain
from node.chain.endpoints.pool import Ask, RpcPool
from node.chain.feeds import sample_units
from node.chain.interface import interface
from node.chain.types import MULTICALL3, Block, Feed, Policy
from node.devnet.anvil import find_anvil, serve_anvil
from node.devnet.rpc.server import serve_chain
from node.devnet.settings import ChainSettings
from node.journal import Journal
from node.keeper import NodeContext
from node.log.lines import configure
from node.rounds.landings import Landings

FEEDS = 1_000
ROUNDS = 7
GOAL_MS = 1_000
"""Goal: so many milliseconds from the final checkpoint block until every feed is decided."""
WAD = 10**18
NOBODY = "0x" + "00" * 20
CADENCE = 4
"""Blocks between checkpoints: more than the chain takes to make one final, so that each is handled by itself."""
POLICY = Policy(CADENCE, 3, 0, 0, 0, (WAD // 100, 3 * WAD // 100, 5 * WAD // 100))
GAS = 2 * 10**9
"""The chain's gas limit, which is also anvil's cap of an eth_call."""


class Quiet:
    """Agreement as far as a keeper sees it, while nothing is triggered; counts what begins all the same."""

    def __init__(self) -> None:
        self.begun = 0

    async def begin(self, _: Trigger, __: Paint) -> None:
        """Count a round."""
        self.begun += 1

    def in_flight(self, _: int) -> int | None:
        """No round is open."""
        return None


@dataclass
class Stage:
    """A chain with many vaults, each with a feed, and a node's own reader, journal and keeper."""

    account: Hasty
    oracle: str
    pool: RpcPool
    chain: Chain
    keeper: VaultKeeper
    rounds: Quiet
    feeds: list[Feed]
    kind: str

    async def checkpoint(self) -> Block:
        """Make the next checkpoint block and the blocks that make it final."""
        head = await self.account.height()
        final = (head // CADENCE + 1) * CADENCE
        await self.account.mine(final - head + ChainSettings().finality_depth)
        return await self.chain.block(final)


@asynccontextmanager
async def open_stage(folder: Path, count: int) -> AsyncIterator[Stage]:
    """Put `count` vaults and feeds on anvil, or on the embedded chain where there is none."""
    async with AsyncExitStack() as stack:
        settings = ChainSettings(gas_limit=GAS)
        anvil = find_anvil() is not None
        if anvil:
            url = (await stack.enter_async_context(serve_anvil(settings))).url
        else:
            url = (await stack.enter_async_context(serve_chain(settings))).url
        pool = RpcPool([url])
        stack.push_async_callback(pool.aclose)
        account = Hasty(pool)
        oracle = await _deploy(account, count)
        chain = Chain(pool, oracle)
        journal = stack.enter_context(Journal(folder))
        rounds = Quiet()
        context = NodeContext(
            cast(Any, SimpleNamespace()),
            chain,
            journal,
            Landings(chain, journal, 0),
            rounds,
            *(cast(Any, None) for _ in range(2)),
        )
        feeds = await chain.feeds(await chain.head())
        yield Stage(account, oracle, pool, chain, VaultKeeper(context), rounds, feeds, "anvil" if anvil else "embedded")


async def _deploy(account: Hasty, count: int) -> str:
    """An oracle with a feed and an edition on each of `count` vaults, all of one asset and with one deposit each."""
    asset = await account.create("TestToken", "Asset", "AST", 18)
    oracle = await account.create("StrategyOracle")
    collection = await account.create("DynamicCollection", "Patina", "PATNA", oracle, 2, "")
    token, vault, contract = interface("TestToken"), interface("YieldVault"), interface("StrategyOracle")
    account.queue(asset, token.encode("mint", account.address, 10**30))
    vaults = [account.queue_create("YieldVault", asset, "Vault", "V", 0, account.address) for _ in range(count)]
    await account.settle()
    for address in vaults:
        account.queue(asset, token.encode("approve", address, 2**256 - 1))
        account.queue(address, vault.encode("deposit", 10**21, account.address))
    await account.settle()
    for number, address in enumerate(vaults, 1):
        account.queue(oracle, contract.encode("open_feed", address, astuple(POLICY), collection, number))
        edition = (
            6,
            0,
            number,
            keccak(b"recipe"),
            keccak(b"placeholder"),
            keccak(b"commitment %d" % number),
            NOBODY,
            0,
        )
        account.queue(collection, interface("DynamicCollection").encode("open_edition", *edition))
    await account.settle()
    return oracle


@dataclass
class Measured:
    """One checkpoint: seconds, and requests."""

    call: float
    sampled: float
    decided: float
    listed: float
    processor: float
    """The node's own share of listing and deciding."""
    sample_requests: int
    requests: int


async def measure(stage: Stage) -> Measured:
    """Play one checkpoint and time each part of it, the whole as the keeper does it."""
    block = await stage.checkpoint()
    call = await _one_call(stage, block)
    [endpoint] = stage.pool.endpoints
    before, started = endpoint.requests, time.perf_counter()
    samples = await stage.chain.sample(stage.feeds, block)
    sampled, sample_requests = time.perf_counter() - started, endpoint.requests - before
    if len(samples) != len(stage.feeds):
        raise RuntimeError(f"{len(samples)} of {len(stage.feeds)} feeds answered")
    started, processor = time.perf_counter(), time.process_time()
    feeds = await stage.chain.feeds(block)
    listed = time.perf_counter() - started
    before, started = endpoint.requests, time.perf_counter()
    await stage.keeper.final_head(block, feeds)
    decided, requests = time.perf_counter() - started, endpoint.requests - before
    processor = time.process_time() - processor
    return Measured(call, sampled, decided, listed, processor, sample_requests, requests)


async def _one_call(stage: Stage, block: Block) -> float:
    """The same eth_call without the node's decoding: what the endpoint and the wire take."""
    batch = [call for unit in sample_units(stage.oracle, stage.feeds) for call in unit.calls]
    spent = 0.0

    async def question(ask: Ask) -> int:
        async def timed(method: str, params: list[Any]) -> Any:
            nonlocal spent
            started = time.perf_counter()
            answer = await ask(method, params)
            spent += time.perf_counter() - started
            return answer

        return len(await calls.aggregate(timed, MULTICALL3, batch, block))

    await stage.pool.ask(question)
    return spent


async def played(count: int, rounds: int, history: int = HORIZON) -> tuple[str, list[Measured]]:
    """Fill the journal with a history as long as signals look back, then measure so many checkpoints."""
    with tempfile.TemporaryDirectory(prefix="patina-bench-") as folder:
        async with open_stage(Path(folder), count) as stage:
            for _ in range(history):
                await stage.keeper.final_head(await stage.checkpoint(), stage.feeds)
            found = [await measure(stage) for _ in range(rounds)]
            if stage.rounds.begun:
                raise RuntimeError("a round began where nothing changed")
            return stage.kind, found


@cache
def rows(count: int = FEEDS, rounds: int = ROUNDS, history: int = HORIZON) -> list[dict[str, Any]]:
    """Every figure as one row: what, median, unit, and the goal where there is one. Measured once."""
    configure("warning")  # a keeper tells of every feed that abstains, and here all do until they have a history
    kind, found = asyncio.run(played(count, rounds, history))

    def ms(values: Sequence[float]) -> int:
        return round(statistics.median(values) * 1000)

    of = f"{count:,} feeds"
    return [
        _row(f"{of}: requests that sample them", max(one.sample_requests for one in found), "requests", 1),
        _row(f"{of}: all requests of the checkpoint", max(one.requests for one in found), "requests"),
        _row(f"{of}: final block to all decided", ms([one.listed + one.decided for one in found]), "ms", GOAL_MS),
        _row("  listed, with the new head", ms([one.listed for one in found]), "ms"),
        _row("  sampled, decided and journaled", ms([one.decided for one in found]), "ms"),
        _row("  of it, sampled", ms([one.sampled for one in found]), "ms"),
        _row(f"  of it, that one eth_call at {kind}", ms([one.call for one in found]), "ms"),
        _row("  this node's processor time in all", ms([one.processor for one in found]), "ms"),
    ]


def _row(what: str, median: int, unit: str, goal: int | None = None) -> dict[str, Any]:
    return {"what": what, "median": median, "unit": unit, "goal": goal}


def main() -> int:
    """Print the table; 1 if the samples took more than one request. Times are only reported."""
    sys.stdout.write("\n".join(lines("many feeds, one checkpoint", rows())) + "\n")
    return int(rows()[0]["median"] > 1)


if __name__ == "__main__":
    sys.exit(main())
