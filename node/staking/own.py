"""Reads now and then what the staking contract holds of this node: bond, seat, rewards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import structlog

from node.errors import ChainError
from node.staking.token import Token, read_token

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.staking.locator import Locator
    from node.staking.types import Account, Overview

EVERY_S: Final = 60.0
"""Seconds between looks: seats and bonds change with eras, and nothing waits for these figures."""

State = Literal["unregistered", "slashed", "suspended", "leaving", "seated", "candidate", "registered"]
"""What a node is to the contract; of several the first in this order counts."""

log = structlog.get_logger("staking")


@dataclass(frozen=True, slots=True)
class Holding:
    """What was found: `account` None for a signer that no node registered. `owed` and `owed_stake` can be collected.

    `account` and `owed` are in wei but for the stake, which is in the units of `token`.
    """

    token: Token
    overview: Overview
    account: Account | None
    owed: int
    owed_stake: int

    @property
    def state(self) -> State:
        """What this node is to the contract."""
        if self.account is None:
            return "unregistered"
        node = self.account.node
        if node.slashed:
            return "slashed"
        if node.suspended:
            return "suspended"
        if node.leaving:
            return "leaving"
        if node.seated:
            return "seated"
        return "candidate" if node.candidate else "registered"


class OwnStake:
    """Keeps the last answer; what cannot be read leaves the one before, with its age."""

    def __init__(
        self,
        chain: Chain,
        locator: Locator,
        signer: str,
        multicall: str,
        *,
        every: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain = chain
        self._locator = locator
        self._signer = signer
        self._multicall = multicall
        self._every = every
        self._clock = clock
        self._token: Token | None = None
        self._read: float | None = None
        self.found: Holding | None = None
        """None before the first look, and where no contract decides on seats."""

    @property
    def age(self) -> float | None:
        """Seconds since the contract was read; None before."""
        return None if self._read is None else self._clock() - self._read

    def status(self) -> dict[str, object] | None:
        """Figures for status pages: amounts in base units, as decimal text; None where there is no contract."""
        held, age = self.found, self.age
        if held is None or age is None:
            return None
        account = held.account
        figures: dict[str, object] = {
            "state": held.state,
            "token": {"symbol": held.token.symbol, "decimals": held.token.decimals},
            "era": held.overview.era,
            "era_ends": held.overview.era_ends,
            "minimum": str(held.overview.params.minimum),
            "owed": str(held.owed),
            "owed_stake": str(held.owed_stake),
            "age_s": round(age, 1),
        }
        if account is not None:
            figures |= {
                "node": account.node.id,
                "bond": str(account.node.bond),
                "unbonding": str(account.node.unbonding),
                "strikes": account.node.strikes,
                "claimable": str(account.claimable),
                "pending": str(account.pending),
                "reports_due": account.due,
                "reports_attended": account.attended,
            }
        return figures

    async def run(self) -> None:
        """Look until cancelled; whatever fails is tried again."""
        while True:
            try:
                await self.look()
            except ChainError as error:
                log.info("own stake not read, trying again", error=str(error))
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Read once.

        Raises:
            ChainError: the contract cannot be read.
        """
        staking = await self._locator.find()
        if staking is None:
            self.found = None
            return
        overview = await staking.overview()
        if self._token is None or self._token.address != overview.token:
            self._token = await read_token(self._chain.pool, self._multicall, overview.token)
        number = await staking.node_of_signer(self._signer)
        account = await staking.account(number) if number else None
        owed, owed_stake = await staking.owed(self._signer)
        self.found = Holding(self._token, overview, account, owed, owed_stake)
        self._read = self._clock()
