"""Where the staking contract is: where the configuration says, or else whichever the oracle obeys."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from node.staking.contract import Staking, find_staking

if TYPE_CHECKING:
    from node.chain.client import Chain

AGAIN_S: Final = 60.0
"""Seconds for which the oracle's answer is taken to hold."""


class Locator:
    """Finds the staking contract, and notices when the oracle gets another one."""

    def __init__(
        self,
        chain: Chain,
        multicall: str,
        configured: str | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`configured`: the contract's address, None for what the oracle says."""
        self._chain = chain
        self._multicall = multicall
        self._configured = configured
        self._clock = clock
        self._found: Staking | None = None
        self._asked: float | None = None

    @property
    def known(self) -> str | None:
        """The address as last found; None before, or where there is none."""
        return None if self._found is None else self._found.address

    async def find(self) -> Staking | None:
        """The staking contract; None where there is none. Raises ChainError when the oracle cannot be asked."""
        now = self._clock()
        if self._asked is not None and now - self._asked < AGAIN_S:
            return self._found
        address = self._configured or await find_staking(self._chain.pool, self._chain.oracle)
        if address is None:
            self._found = None
        elif self._found is None or self._found.address != address:
            self._found = Staking(self._chain.pool, address, multicall=self._multicall)
        self._asked = now
        return self._found
