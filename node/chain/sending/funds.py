"""Watches what an account holds: enough for what is queued, and enough for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from node.chain.sending.accounts import Accounts

log = structlog.get_logger("sender")

_EVERY = 60.0
"""Seconds between looks at a balance that suffices."""
ETHER = 10**18


class Funds:
    """An account's balance in wei; `low` once it is below `threshold` or cannot pay for what is queued."""

    def __init__(
        self, accounts: Accounts, address: str, threshold: int, counters: Counter[str], clock: Callable[[], float]
    ) -> None:
        self.balance: int | None = None
        self._accounts = accounts
        self._address = address
        self._threshold = threshold
        self._counters = counters
        self._clock = clock
        self._looked: float | None = None
        self._wanted = 0
        self._was_low = False

    @property
    def low(self) -> bool:
        """True while somebody should send money to this account."""
        return self.balance is not None and self.balance < max(self._threshold, self._wanted)

    async def look(self) -> None:
        """Ask for the balance where it was not for a while, or was not enough. Raises ChainError."""
        if self._looked is None or self.low or self._clock() - self._looked >= _EVERY:
            await self._read()

    async def suffice(self, cost: int, *, fresh: bool = False) -> bool:
        """Whether the account can pay `cost` wei (with all that is in flight) now; raises ChainError.

        `fresh`: what was known of its balance is not to be relied on.
        """
        if fresh or self.balance is None or self.balance < cost:
            await self._read()
        enough = self.balance is not None and self.balance >= cost
        self._wanted = 0 if enough else cost
        self._tell()
        return enough

    def spent(self) -> None:
        """What was known is outdated: look again before long."""
        self._looked = None

    async def _read(self) -> None:
        self.balance = await self._accounts.balance(self._address)
        self._looked = self._clock()
        self._tell()

    def _tell(self) -> None:
        if self.low and not self._was_low:
            self._counters["low_balance"] += 1
            log.error(
                "the account is nearly empty: send it some ether",
                address=self._address,
                ether=_ether(self.balance or 0),
                below=_ether(max(self._threshold, self._wanted)),
            )
        elif self._was_low and not self.low:
            log.info("the account has enough again", address=self._address, ether=_ether(self.balance or 0))
        self._was_low = self.low


def _ether(wei: int) -> str:
    """Wei as ether, to six places."""
    return f"{wei // ETHER}.{wei % ETHER // 10**12:06d}"
