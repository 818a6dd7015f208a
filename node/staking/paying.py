"""Which feeds pay for their reports: looked at before a round is begun, and so before anything is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from node.staking.locator import Locator

log = structlog.get_logger("staking")


class Paying:
    """Tells which feeds a node leaves alone that works for pay only."""

    def __init__(self, locator: Locator, *, serve_unpaid: bool) -> None:
        self._locator = locator
        self._serve_unpaid = serve_unpaid

    async def unpaid(self, feeds: Sequence[int]) -> set[int]:
        """Those feeds whose rounds this node does not enter, having said so.

        None of them where the node serves all, or where there is no staking contract, so that nobody is paid at all.
        Raises ChainError when the contract cannot be asked.
        """
        if self._serve_unpaid or not feeds:
            return set()
        staking = await self._locator.find()
        if staking is None:
            return set()
        pays = await staking.pays(feeds)
        found = {feed for feed in feeds if not pays[feed]}
        for feed in sorted(found):
            log.info("abstains: the feed does not pay", feed=feed, staking=staking.address)
        return found
