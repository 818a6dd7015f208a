"""Asks every endpoint, side by side, who it is and how it stands: chain, newest and final block, latency, its clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from node.chain import parse
from node.chain.endpoints.endpoint import Endpoint
from node.chain.endpoints.pool import RpcPool
from node.chain.types import Block
from node.errors import ChainError
from node.settings import pool_settings

if TYPE_CHECKING:
    import aiohttp

    from node.config import Config
    from node.keys.secrets import SecretUrl

PINGS: Final = 4
"""Requests whose times are measured; the first one opens the connection and does not count."""
AHEAD: Final = 100_000
"""Blocks between a final and a newest block beyond which the node does not believe an endpoint either."""
_PING: Final = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'


@dataclass
class Reach:
    """One endpoint. `fault` says why it is of no use, "" for one that answers; times are in seconds.

    `offsets` are how far this machine's clock is ahead of the Date headers, each within about half a second; `apart`
    is how far it is ahead of the newest block's time.
    """

    url: SecretUrl
    name: str
    endpoint: Endpoint
    fault: str = ""
    chain_id: int | None = None
    head: Block | None = None
    apart: float = 0.0
    lag: int = 0
    final: Block | None = None
    final_fault: str = ""
    genesis: bytes | None = None
    code: bytes | None = None
    latency: float | None = None
    offsets: list[float] = field(default_factory=list)

    @property
    def fanciful(self) -> bool:
        """Whether its newest block is further ahead of its own final one than any chain's: nobody could read it."""
        return self.head is not None and self.final is not None and self.head.number - self.final.number > AHEAD


@dataclass(frozen=True)
class Survey:
    """All endpoints in the configured order."""

    endpoints: Sequence[Reach]
    max_lag: int

    def sound(self, chain_id: int) -> list[Reach]:
        """Those that can be read: of the right chain, those that lag last."""
        right = [one for one in self.endpoints if not (one.fault or one.fanciful) and one.chain_id == chain_id]
        near = [one for one in right if one.lag <= self.max_lag]
        return near or right


async def survey(config: Config, now: Callable[[], float]) -> Survey:
    """Ask every endpoint; what one does wrong is noted and never raised."""
    chosen = config.chain
    async with RpcPool(chosen.endpoints, pool_settings(config)) as pool, open_session() as session:
        found = [
            Reach(url, endpoint.name, endpoint) for url, endpoint in zip(chosen.endpoints, pool.endpoints, strict=True)
        ]
        await asyncio.gather(*(_meet(one, config, session, now) for one in found))
        # Once more, at one time for all: how far they are apart says nothing else.
        await asyncio.gather(*(_head(one, session, now) for one in found if not one.fault))
        heads = sorted(one.head.number for one in found if one.head and one.chain_id == chosen.id and not one.fanciful)
        for one in found:
            if heads and one.head and one.chain_id == chosen.id:
                # Of three and more the second-highest counts, as for the node: one alone makes nobody stale.
                one.lag = max(0, heads[-2 if len(heads) > 2 else -1] - one.head.number)
    return Survey(found, chosen.max_lag_blocks)


def open_session() -> aiohttp.ClientSession:
    """A session as the node's own: no cookies, no proxies from the environment."""
    import aiohttp

    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


async def _meet(one: Reach, config: Config, session: aiohttp.ClientSession, now: Callable[[], float]) -> None:
    async def ask(method: str, *params: Any) -> Any:
        return await one.endpoint.call(session, method, list(params))

    try:
        one.chain_id = parse.quantity(await ask("eth_chainId"), "its chain id")
        await _ping(one, config.chain.timeout_ms / 1000, session, now)
        if one.chain_id != config.chain.id:
            return
        one.genesis = await _first_block(ask)
        one.code = parse.octets(await ask("eth_getCode", config.chain.oracle, "latest"), "eth_getCode")
        await _head(one, session, now)
        await _final(one, config, ask)
    except ChainError as error:
        one.fault = str(error).removeprefix(f"{one.name}: ")


async def _first_block(ask: Any) -> bytes | None:
    """The hash of block 0; None where the endpoint does not keep it, which is its good right."""
    try:
        return parse.block(await ask("eth_getBlockByNumber", "0x0", False), "block 0").hash
    except ChainError:
        return None


async def _head(one: Reach, session: aiohttp.ClientSession, now: Callable[[], float]) -> None:
    try:
        told = await one.endpoint.call(session, "eth_getBlockByNumber", ["latest", False])
        one.head = parse.block(told, "its newest block")
        one.apart = now() - one.head.timestamp
    except ChainError as error:
        one.fault = str(error).removeprefix(f"{one.name}: ")


async def _final(one: Reach, config: Config, ask: Any) -> None:
    finality = config.chain.finality
    try:
        if finality == "finalized":
            one.final = parse.block(await ask("eth_getBlockByNumber", "finalized", False), "the final block")
        elif one.head is not None:
            number = max(0, one.head.number - finality)
            one.final = parse.block(await ask("eth_getBlockByNumber", hex(number), False), f"block {number}")
    except ChainError as error:
        one.final_fault = str(error).removeprefix(f"{one.name}: ")


async def _ping(one: Reach, patience: float, session: aiohttp.ClientSession, now: Callable[[], float]) -> None:
    """Measure a few plain requests; what fails here has answered before, and is told by what is asked next."""
    import aiohttp

    times: list[float] = []
    for _ in range(PINGS):
        began = time.monotonic()
        try:
            async with session.post(
                one.url.reveal(),
                data=_PING,
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=patience),
                allow_redirects=False,  # a redirect would carry the key to another host
            ) as response:
                spent = time.monotonic() - began
                if (second := date_of(response.headers.get("Date"))) is not None:
                    # The header is cut to whole seconds, and was written half way through the request.
                    one.offsets.append(now() - spent / 2 - (second + 0.5))
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
            return
        times.append(spent)
    one.latency = median(times[1:])


def date_of(header: str | None) -> float | None:
    """The Unix time of an HTTP date (RFC 9110, section 5.6.7); None for what is none."""
    if header is None or len(header) > 40:
        return None
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
