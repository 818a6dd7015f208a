"""Brings an agreed report to the chain: senders take turns, and each looks at the chain before it pays."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from eth_hash.auto import keccak

from node.errors import ChainError, JournalUnwritableError, RevertError

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.agreement.effects import Transmit
    from node.chain.client import Chain
    from node.chain.sending.sender import Sender
    from node.rounds.landings import Landings

RETRY_MS = 1_000
"""The least time between two attempts to send a report."""

log = structlog.get_logger("transmit")


def turn(digest: bytes, index: int, n: int) -> int:
    """Return when (0 first) a committee member sends: an order that the report decides and nobody chooses."""
    return _order(digest, n).index(index)


@lru_cache(maxsize=64)
def _order(digest: bytes, n: int) -> tuple[int, ...]:
    return tuple(sorted(range(n), key=lambda member: keccak(digest + member.to_bytes(1, "big"))))


class Transmitter:
    """Sends one transaction per report, a stage after the sender before it.

    `previous`: the committee's configuration is the one before the one in force. The chain may know it better, since
    this is set at final blocks: a report that is refused one way is sent the other way next. Which one is a way of
    saying under which committee the signatures are, so that nothing else can be made of them.
    """

    def __init__(
        self,
        chain: Chain,
        committee: Committee,
        index: int,
        sender: Sender,
        landings: Landings,
        *,
        stage_ms: int,
        enabled: bool,
    ) -> None:
        self._chain = chain
        self._committee = committee
        self._index = index
        self._sender = sender
        self._landings = landings
        self._stage_ms = stage_ms
        self._enabled = enabled
        self.previous = False

    async def transmit(self, effect: Transmit) -> None:
        """Wait for this node's turn, then send, unless the report (or a newer one of its feed) landed meanwhile."""
        if not self._enabled:
            return
        feed, checkpoint = effect.key
        mine = turn(effect.digest, self._index, self._committee.n)
        await asyncio.sleep(mine * self._stage_ms / 1000)
        key = f"report {self._committee.config_digest.hex()[:8]} {feed} {checkpoint} {effect.view}"
        refused = False
        while True:
            previous = self.previous != refused
            data = self._chain.transmit_calldata(effect.report, effect.signers, effect.signatures, previous=previous)
            try:
                if self._overtaken(feed, checkpoint):
                    return
                tx = await self._sender.send(key + " previous" * previous, self._committee.oracle, data)
            except (RevertError, ChainError, JournalUnwritableError) as error:
                # A refusal means most often that another sender was first, which `_overtaken` will see; but one
                # endpoint that lags or stands on a fork refuses too. So it is looked at again until the round ends.
                log.info("report not sent", feed=feed, checkpoint=checkpoint, why=str(error))
                refused = isinstance(error, RevertError) and not refused
                await asyncio.sleep(max(self._stage_ms, RETRY_MS) / 1000)
                continue
            log.info("report sent", feed=feed, checkpoint=checkpoint, tx="0x" + tx.hex(), turn=mine, previous=previous)
            return

    def _overtaken(self, feed: int, checkpoint: int) -> bool:
        """Say whether a report landed after this checkpoint: the oracle takes none for it any more."""
        newest = self._landings.block_of_last(feed)
        return newest is not None and newest > checkpoint
