"""What a feed comes to now: from samples that are at hand, or a few that are asked of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from node.agreement.median import median
from node.errors import ChainError
from node.explain.numbers import WAD
from node.explain.views import Measured

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.types import Block, Feed, Sample

MOST: Final = 16
"""Checkpoints that are asked of the chain: each is a request for a state that endpoints may not keep for long."""


def measured(feed: Feed, samples: Sequence[Sample]) -> Measured | None:
    """Return the answer at the last of some samples, oldest first (docs/architecture.md, "Numbers"); None where
    history is too short for the feed's window."""
    if not samples:
        return None
    prices = {sample.checkpoint: sample.share_price for sample in samples}
    last, policy = samples[-1].checkpoint, feed.policy
    try:
        window = [prices[last - back * policy.cadence] for back in range(policy.window)]
        basis = feed.basis
        if policy.lookback:
            basis = median([prices[last - (policy.lookback + back) * policy.cadence] for back in range(policy.window)])
    except KeyError:
        return None
    if basis <= 0:
        return None
    return Measured(last, median(window) * WAD // basis - WAD)


async def measure(chain: Chain, feed: Feed, final: Block) -> Measured | None:
    """Measure a feed at the last final checkpoint; None where that takes too much, or endpoints keep too little."""
    policy = feed.policy
    last = final.number // policy.cadence * policy.cadence
    backs = list(range(policy.window))
    if policy.lookback:
        backs = sorted({*backs, *(policy.lookback + back for back in backs)})
    blocks = [last - back * policy.cadence for back in reversed(backs)]
    if len(blocks) > MOST or blocks[0] < feed.opened_at:
        return None
    samples = []
    try:
        for number in blocks:
            samples += await chain.sample([feed], await chain.block(number))
    except ChainError:
        return None
    return measured(feed, samples)
