"""Asks endpoints and brokers, while a node is set up, whether they are what they were named for."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Final

from node.errors import ChainError, ConfigError, printable

PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reached:
    """What an endpoint says: its chain, or why it says nothing (`fault`)."""

    chain_id: int | None
    fault: str = ""


def ask_endpoint(url: str) -> Reached:
    """The chain that an endpoint serves, within a few seconds."""
    from node.chain import parse

    async def work() -> Reached:
        from node.chain.endpoints.pool import PoolSettings, RpcPool

        async with RpcPool([url], PoolSettings(timeout=PATIENCE_S, rounds=1)) as pool:
            return Reached(parse.quantity(await pool.request("eth_chainId"), "its chain id"))

    try:
        return asyncio.run(work())
    except ChainError as error:
        return Reached(None, printable(str(error).rpartition(": ")[2]))  # without the URL, which stands above


def doubt_of_endpoint(url: str, wanted: int | None) -> str | None:
    """Why an endpoint may be the wrong one, or None; `wanted` is the chain that it has to serve, if that is known."""
    found = ask_endpoint(url)
    if found.fault:
        return f"it does not answer now: {found.fault}"
    if wanted not in (None, found.chain_id):
        return f"it serves chain {found.chain_id}, and the network is on chain {wanted}"
    return None


def doubt_of_oracle(address: str, url: str) -> str | None:
    """Why an address may not be the oracle's, or None."""
    from node.chain.client import Chain

    async def work() -> None:
        from node.chain.endpoints.pool import PoolSettings, RpcPool

        async with RpcPool([url], PoolSettings(timeout=PATIENCE_S, rounds=1)) as pool:
            await Chain(pool, address).configuration()

    try:
        asyncio.run(work())
    except ChainError as error:
        return f"no oracle answers there now: {printable(str(error))}"
    return None


def is_staked(address: str, url: str) -> bool:
    """Whether the oracle obeys a staking contract, as far as the endpoint says so."""
    from node.chain.client import Chain
    from node.chain.types import NOBODY

    async def work() -> bool:
        from node.chain.endpoints.pool import PoolSettings, RpcPool

        async with RpcPool([url], PoolSettings(timeout=PATIENCE_S, rounds=1)) as pool:
            return await Chain(pool, address).staking() != NOBODY

    try:
        return asyncio.run(work())
    except ChainError:
        return False


def doubt_of_broker(url: str) -> str | None:
    """Why a broker may be the wrong one, or None; only a connection is tried, without TLS and without a login."""
    from node.gossip.dial import dial
    from node.gossip.settings import BrokerSettings

    async def work() -> None:
        async with asyncio.timeout(PATIENCE_S):
            (await dial(settings.host, settings.port, None)).close()

    try:
        settings = BrokerSettings(url)
        asyncio.run(work())
    except ConfigError:
        return None  # the configuration's own check says what is wrong with it
    except TimeoutError:
        return f"it takes no connection within {PATIENCE_S:g} s"
    except OSError as error:
        told = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        return f"it takes no connection now: {printable(told)}"
    return None
