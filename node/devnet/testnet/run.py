"""Runs a testnet in a box: chain, broker, contracts, nodes of its own and a market, all of them or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from node.devnet.genesis import dev_account
from node.devnet.replay.network import Network, create_members
from node.devnet.serve import Endpoints, serve_devnet
from node.devnet.testnet.contracts import TITLE, Ground, Recorder, lay, open_market, seat
from node.devnet.testnet.market import POLICY, STEP_BLOCKS, WAD, move_prices
from node.devnet.testnet.record import record, refuse_what_is_there
from node.errors import PatinaError

if TYPE_CHECKING:
    from pathlib import Path

    from node.devnet.replay.network import Member
    from node.devnet.replay.stage import Opening
    from node.devnet.settings import DevnetSettings, NetworkSettings
    from node.staking.types import Params

TOKENS: Final = 6
OWNER: Final = 0
STRATEGIST: Final = 1
"""Which development accounts own the contracts, and move the share price."""
_LOOK_SECONDS: Final = 1.0
_IDLE_STEP: Final = 5.0
"""Seconds that a price stands still where blocks come on demand alone."""

_PATIENCE: Final = {"grace_ms": 5_000, "view_ms": 12_000, "repeat_ms": 500}
"""How the network's own nodes time agreement. Blocks come faster here than a newcomer looks for them (every four
seconds unless it was told otherwise): who leads waits that long for the last member, so that all who work are paid."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Testnet:
    """What a newcomer needs to know: where all of it is reached, who joined already, and the rules."""

    __test__ = False  # pytest, that is no test

    endpoints: Endpoints
    deployment: Path
    oracle: str
    staking: str
    rules: Params
    feed: int
    vault: str
    """The vault that the feed is on, for feeds of one's own."""
    nodes: tuple[str, ...]
    """The pages of the network's own nodes."""


async def run_testnet(
    settings: DevnetSettings,
    network: NetworkSettings,
    prepare: Callable[[Path], object],
    on_ready: Callable[[Testnet], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Run everything until cancelled, and then stop it; `on_ready` is told once that newcomers can join.

    `prepare` empties the nodes' folder. It is called once the ports are had, so that a second devnet by mistake does
    not take the folder from under the first.

    Raises:
        PatinaError: a port cannot be had, a file is in the way, or a part does not start.
    """
    refuse_what_is_there(network.deployment)
    say(f"starting {'anvil' if settings.anvil else 'an embedded chain'} and an embedded broker")
    try:
        async with serve_devnet(settings) as devnet, asyncio.TaskGroup() as group:
            if network.nodes:
                await asyncio.to_thread(prepare, network.folder)
            group.create_task(_blocks(devnet.make_blocks))
            async with _testnet(settings, network, devnet.endpoints, group, say) as testnet:
                on_ready(testnet)
                await asyncio.Event().wait()
    except* PatinaError as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def _blocks(make: Callable[[], Awaitable[None]]) -> None:
    await make()


@asynccontextmanager
async def _testnet(
    settings: DevnetSettings,
    network: NetworkSettings,
    endpoints: Endpoints,
    group: asyncio.TaskGroup,
    say: Callable[[str], None],
) -> AsyncIterator[Testnet]:
    import aiohttp

    from node.devnet.account import Account, connect

    web3 = connect(endpoints.rpc)
    seed = settings.chain.seed
    try:
        async with aiohttp.ClientSession() as session:
            say("deploying oracle, stake token, staking, collection and a vault with a feed")
            ground = await lay(Recorder(web3, dev_account(seed, OWNER)), network.nodes)
            members = await _members(ground, network, endpoints, say)
            opening = await asyncio.to_thread(_opening, members) if network.painted else None
            market = await open_market(ground, Account(web3, dev_account(seed, STRATEGIST)), opening)
            pages = tuple(member.process.url for member in members)
            await record(ground, network.deployment, pages)
            running = Network(members, session)
            try:
                if members:
                    say(f"starting {_count(len(members))}, each a process of its own")
                    await running.start()
                    group.create_task(_watch(members))
                pause = settings.block_interval * STEP_BLOCKS or _IDLE_STEP
                group.create_task(move_prices(market.strategist, market.vault, network.seed, pause))
                oracle, staking = ground.oracle.address, ground.stake.staking.address
                vault = market.vault.contract.address
                yield Testnet(endpoints, network.deployment, oracle, staking, ground.rules, market.feed, vault, pages)
            finally:
                if members:
                    say("stopping the nodes")
                await running.stop()
    finally:
        await web3.provider.disconnect()


async def _members(
    ground: Ground, network: NetworkSettings, endpoints: Endpoints, say: Callable[[str], None]
) -> list[Member]:
    if not network.nodes:
        return []
    say(f"making {_count(network.nodes)}, and bonding stake for each seat")
    members = await asyncio.to_thread(
        create_members,
        network.nodes,
        network.folder,
        chain_id=endpoints.chain_id,
        oracle=ground.oracle.address,
        rpc=endpoints.rpc,
        broker=endpoints.broker,
        poll_ms=500,
        adapt=_patient,
    )
    await seat(ground, members)
    return members


def _count(nodes: int) -> str:
    return f"{nodes} node{'s' if nodes > 1 else ''}"


def _patient(_: int, settings: dict[str, Any]) -> None:
    settings["agreement"] = {**settings["agreement"], **_PATIENCE}


def _opening(members: Sequence[Member]) -> Opening:
    """Give every node the recipe of the one edition, as an artist does."""
    from node.devnet.history import History, Row
    from node.devnet.replay.runner import opening
    from node.devnet.replay.track import Track

    history = History(TITLE, tuple(Row(line, "", None, WAD) for line in range(POLICY.window)))
    track = Track(TITLE, history, POLICY.thresholds, POLICY.window, POLICY.hysteresis)
    return opening(track, 1, TOKENS, members)


async def _watch(members: Sequence[Member]) -> None:
    """Say so where one of the network's nodes ends by itself; the others go on."""
    told: set[Path] = set()
    while True:
        for process in (member.process for member in members):
            if process.wanted and not process.running and process.folder not in told:
                told.add(process.folder)
                log.warning("a node has ended by itself", node=process.folder.name, log=str(process.log_path))
        await asyncio.sleep(_LOOK_SECONDS)
