"""Who has bonded what, and attended how much: looked up in the staking contract now and then, for the network page."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from node.staking.events import staking_events
from node.staking.token import Token, read_token
from node.web.network import EraView

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.staking.locator import Locator
    from node.staking.types import Overview, Standing

EVERY_S: Final = 60.0
"""Seconds between two looks while nothing shows that anything has changed."""
BACK: Final = 20_000
"""Blocks before the first look in which judgements of eras are searched for."""
ERAS: Final = 4
"""Eras of a node that are shown, the latest ones."""


@dataclass(frozen=True)
class Stakes:
    """One look: `members` are the nodes of the committee in force in the order of its seats."""

    address: str
    overview: Overview
    token: Token
    members: tuple[Standing, ...]
    judged: dict[int, list[EraView]] = field(default_factory=dict)

    def eras(self, standing: Standing) -> list[EraView]:
        """A node's eras, the one that goes on first."""
        now = EraView(self.overview.era, standing.due, standing.attended)
        past = [era for era in self.judged.get(standing.node.id, ()) if era.era < now.era]
        return [now, *sorted(past, key=lambda era: -era.era)][:ERAS]


class StakesLook:
    """Keeps the last look; each takes five requests, and the first a few more."""

    def __init__(
        self, chain: Chain, multicall: str, locator: Locator, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._chain = chain
        self._multicall = multicall
        self._locator = locator
        self._clock = clock
        self._looked: float | None = None
        self._config = b""
        self._token: Token | None = None
        self._judged: dict[int, list[EraView]] = {}
        self._judged_until: int | None = None
        self._address = ""
        self.last: Stakes | None = None

    async def look(self, config: bytes, head: int) -> Stakes | None:
        """Return what is known, after asking again where it is time; None where no contract decides on seats.

        `config` is the digest in force, `head` the newest block's number.

        Raises:
            ChainError: the chain cannot be read; `last` is what was known before.
        """
        now = self._clock()
        if self._looked is not None and now - self._looked < EVERY_S and config == self._config:
            return self.last
        # Whatever comes of it, the next look waits its turn.
        self._looked, self._config = now, config
        staking = await self._locator.find()
        if staking is None:
            self.last = None
            return None
        if staking.address != self._address:
            self._address, self._token, self._judged, self._judged_until = staking.address, None, {}, None
        overview = await staking.overview()
        if not overview.obeyed or overview.oracle != self._chain.oracle:
            self.last = None
            return None
        if self._token is None:
            self._token = await read_token(self._chain.pool, self._multicall, overview.token)
        members = await staking.members(overview.number) if overview.number else ()
        standings = await staking.standings(members)
        await self._judge(staking.address, head)
        self.last = Stakes(staking.address, overview, self._token, tuple(standings), self._judged)
        return self.last

    async def _judge(self, address: str, head: int) -> None:
        """Take in what became of eras that are over."""
        first = max(0, head - BACK) if self._judged_until is None else self._judged_until + 1
        if first > head:
            return
        found = {number: list(eras) for number, eras in self._judged.items()}
        async for event in staking_events(self._chain.pool, address, (first, head), names=("Judged",)):
            told = event.fields
            eras = found.setdefault(int(told["id"]), [])
            era = EraView(
                int(told["era"]), int(told["due"]), int(told["attended"]), str(told["kept"]), str(told["lost"])
            )
            found[int(told["id"])] = [*(one for one in eras if one.era != era.era), era][-ERAS:]
        self._judged, self._judged_until = found, head
