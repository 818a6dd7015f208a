"""Who of the committee has voted on chain, and for which rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.chain import logs, parse
from node.chain.interface import interface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.chain.client import Chain

_CHUNK = 2_000
_MAX_NODES = 31


async def voters(chain: Chain, first: int, last: int, members: Sequence[str]) -> dict[tuple[int, int], set[str]]:
    """Return the members who voted in blocks first..last, by (feed, checkpoint).

    Witnesses must say the same, as of everything that a node acts on: an endpoint that invents votes would have it pay
    for one of its own, and one that hides them would keep it from joining the others.

    Raises:
        ChainError: the chain cannot be read, or endpoints do not say the same.
    """
    from eth_utils.address import to_checksum_address

    def read(log: logs.Log) -> tuple[int, int, str]:
        event = interface("StrategyOracle").event("Voted", log.topics, log.payload)
        feed, checkpoint = parse.small(event["feed"], "a feed"), parse.small(event["checkpoint"], "a checkpoint")
        return feed, checkpoint, str(to_checksum_address(event["voter"]))

    found: dict[tuple[int, int], set[str]] = {}
    topics = [interface("StrategyOracle").topic("Voted")]
    async for some in logs.scan(chain.pool, chain.oracle, topics, (first, last), _CHUNK, read, agree=True):
        for feed, checkpoint, voter in some:
            if voter in members:
                found.setdefault((feed, checkpoint), set()).add(voter)
    return found
