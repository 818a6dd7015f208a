"""What the staking contract says of a node without a seat, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from node.errors import ChainError

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.staking.locator import Locator
    from node.staking.types import Node, Overview

log = structlog.get_logger("term")


class Staked:
    """Tells why a signer has no seat, where a contract decides on seats."""

    def __init__(self, chain: Chain, locator: Locator, signer: str) -> None:
        self._chain = chain
        self._locator = locator
        self._signer = signer

    async def why(self) -> str:
        """Return the reason; empty where no contract decides, or it cannot be read at present."""
        try:
            staking = await self._locator.find()
            if staking is None:
                return ""
            found = await staking.overview()
            if not found.obeyed or found.oracle != self._chain.oracle:
                return ""
            number = await staking.node_of_signer(self._signer)
            if number == 0:
                return f"no node with this key is registered with the staking contract {staking.address}"
            node = await staking.node(number)
            if node.signer != self._signer and not node.slashed:
                return (
                    f"node {number} was given another signing key, {node.signer}: run it with that one, "
                    "for this one never gets a seat again"
                )
            return why_unseated(node, found, await staking.nodes(found.candidates))
        except ChainError as error:
            log.info("the staking contract cannot be asked for the reason", error=str(error))
            return ""


def why_unseated(node: Node, found: Overview, candidates: Sequence[Node]) -> str:
    """Return why a registered node has no seat, and what would give it one."""
    minimum, ends = found.params.minimum, f"{datetime.fromtimestamp(found.era_ends, UTC):%Y-%m-%d %H:%M} UTC"
    if node.slashed:
        return f"node {node.id} was slashed: it and its keys are finished, and never get a seat again"
    if node.suspended:
        return (
            f"node {node.id} was suspended in era {node.suspended_in} for the reports that it missed: "
            "its operator can let it rejoin from the era after that on"
        )
    if node.leaving:
        return f"node {node.id} is leaving, as its operator wished"
    if node.bond < minimum:
        return f"node {node.id} has a bond of {node.bond}, and {minimum} is the least"
    ahead = sum(_before(other, node) for other in candidates if _electable(other))
    if ahead >= found.params.seats or not node.candidate:
        return f"node {node.id} is outbid: {ahead} candidates come before it, and there are {found.params.seats} seats"
    if node.seated:
        return (
            f"node {node.id} is elected, and takes its seat once that is final, or at the next rotation where its key "
            "is newer than the committee"
        )
    return f"node {node.id} is a candidate among the first, and is seated when the committee rotates, from {ends} on"


def _electable(node: Node) -> bool:
    return not (node.slashed or node.suspended or node.leaving)


def _before(other: Node, node: Node) -> bool:
    """Say whether another candidate is elected first: the higher bond, then the lower id."""
    return other.id != node.id and (-other.bond, other.id) < (-node.bond, node.id)
