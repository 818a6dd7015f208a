"""An endpoint's circuit breaker: how long others are asked first, and when one request may try it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from node.chain.failures import UnavailableError

Circuit = Literal["closed", "open", "half-open"]

_TRIP = 3
"""Failures in a row that open the circuit; silence opens it at once."""


class Breaker:
    """After a failure an endpoint rests: others are asked first, for longer each time that it fails in a row.

    Where it has failed several times, or gave no answer at all, its circuit is *open*: whoever has nobody else to
    ask may still ask it, but one request at a time. Once the rest is over the circuit is *half-open*: the first
    request is the probe, and what comes meanwhile goes elsewhere or waits for its outcome. A good answer closes it.
    """

    def __init__(self, name: str, cooldown: float, clock: Callable[[], float]) -> None:
        """`cooldown`: seconds of the first rest; it doubles five times."""
        self.name = name
        self._cooldown = cooldown
        self._clock = clock
        self._gate = asyncio.Lock()
        self._streak = 0
        self._firm = False
        self._silent = False
        self._tripped = False
        self._probing = False
        self._rests_until = 0.0
        self.failures = 0
        self.opened = 0
        self.fault = ""

    @property
    def circuit(self) -> Circuit:
        """The state, in the pattern's own words."""
        if not self._tripped:
            return "closed"
        return "open" if self._clock() < self._rests_until else "half-open"

    @property
    def resting(self) -> bool:
        """True for a while after a failure, and while a probe is out: others are asked first."""
        return self._probing or self._clock() < self._rests_until

    @property
    def rests_until(self) -> float:
        """When it may be asked first again, on the breaker's clock."""
        return self._rests_until

    @property
    def gone(self) -> bool:
        """True while it rests because it gave no answer at all: waiting for it again would stall the node."""
        return self.resting and self._silent

    def failed(self, fault: str, seconds: float | None = None, *, firm: bool = False, silent: bool = False) -> None:
        """Note a failure. A `firm` rest is not ended by the next good answer; `silent`: there was no answer."""
        wait = self._cooldown * 2 ** min(self._streak, 5) if seconds is None else seconds
        self.failures += 1
        self.fault = fault
        self._streak += 1
        self._firm = firm
        self._silent = silent
        self._rests_until = self._clock() + wait
        if (silent or self._streak >= _TRIP) and not self._tripped:
            self._tripped = True
            self.opened += 1

    def worked(self) -> None:
        """Note a good answer."""
        self._tripped = False
        if not (self._firm and self._clock() < self._rests_until):
            self.fault = ""
            self._rests_until = 0.0
            self._streak = 0
            self._firm = self._silent = False

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Wait until one more request may be made; UnavailableError when a probe that it waited for has failed."""
        if self._tripped:
            seen = self.failures
            async with self._gate:
                if self._tripped:
                    if self.failures > seen:
                        raise UnavailableError(f"{self.name}: not asked again so soon: {self.fault}")
                    self._probing = True
                    try:
                        yield
                    finally:
                        self._probing = False
                    return
        yield
