"""A share price that wanders by itself: drawn from a seed, and brought about by a vault's real profits and losses."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import structlog
from eth_hash.auto import keccak

from node.chain.types import Policy
from node.devnet.deploy import set_price
from node.errors import ChainError

if TYPE_CHECKING:
    from node.devnet.account import Account
    from node.devnet.deploy import Vault

WAD: Final = 10**18
PERCENT: Final = WAD // 100
STEP: Final = 3 * PERCENT // 10
"""The most that a price moves at once."""
PULL: Final = 40
"""By how much of its distance a price is drawn back to where it began, at each step: one part in so many."""
POLICY: Final = Policy(
    cadence=10,
    window=3,
    lookback=0,
    heartbeat=30,
    hysteresis=PERCENT // 10,
    thresholds=(-PERCENT, -PERCENT // 2, PERCENT // 2, PERCENT),
)
"""Thresholds among which a wandering price keeps crossing, and a report every 30 blocks where it does not."""
STEP_BLOCKS: Final = 4
"""How many blocks a price stands still."""

log = structlog.get_logger(__name__)


def prices(seed: bytes, first: int = WAD) -> Iterator[int]:
    """Every price (wad) from `first` on, without end: a random walk that never strays far, the same for a seed."""
    away = 0
    for number in itertools.count():
        yield first * (WAD + away) // WAD
        drawn = int.from_bytes(keccak(b"patina/devnet/market/" + number.to_bytes(8, "big") + seed), "big")
        away += drawn % (2 * STEP + 1) - STEP - away // PULL


async def move_prices(strategist: Account, vault: Vault, seed: bytes, pause: float) -> None:
    """Bring the vault's share from price to price, `pause` seconds apart, until cancelled."""
    for price in prices(seed):
        try:
            await set_price(strategist, vault, price)
        except ChainError as error:
            log.warning("the share price stays where it is", error=str(error))
        await asyncio.sleep(pause)
