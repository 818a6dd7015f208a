"""Events of the staking contract, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from node.chain import logs
from node.chain.interface import artifact, interface

if TYPE_CHECKING:
    from node.chain.endpoints.pool import RpcPool
    from node.chain.logs import Log


@dataclass(frozen=True, slots=True)
class StakingEvent:
    """One event: `fields` by the names that the contract gives them; addresses in lower case."""

    name: str
    fields: dict[str, Any]
    block_number: int
    tx_hash: bytes


def parse_event(log: Log) -> StakingEvent | None:
    """The event in a log of the staking contract; None for one that the contract does not declare.

    Raises:
        ChainError: the log does not decode as what its topic says.
    """
    name = _topics().get(log.topics[0]) if log.topics else None
    if name is None:
        return None
    fields = interface("NodeStaking").event(name, log.topics, log.payload)
    return StakingEvent(name, fields, log.block_number, log.tx_hash)


async def staking_events(
    pool: RpcPool, staking: str, blocks: tuple[int, int], *, names: Sequence[str] = (), chunk: int = 2_000
) -> AsyncIterator[StakingEvent]:
    """Yield the contract's events in blocks first..last, oldest first; those of `names`, or all. Raises ChainError."""
    async for some in logs.scan(pool, staking, [], blocks, chunk, parse_event):
        for event in some:
            if event is not None and (not names or event.name in names):
                yield event


@cache
def _topics() -> dict[bytes, str]:
    """Each event's name by its first topic."""
    names = [entry["name"] for entry in artifact("NodeStaking")["abi"] if entry["type"] == "event"]
    return {interface("NodeStaking").topic(name): name for name in names}
