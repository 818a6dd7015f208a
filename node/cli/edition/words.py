"""What policies, bands and states of editions mean, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.chain.types import EditionState

if TYPE_CHECKING:
    from node.chain.types import Edition, Policy

STATES = {EditionState.SELLING: "selling", EditionState.CLOSED: "closed", EditionState.REVEALED: "revealed"}


def bands(moods: Sequence[str], policy: Policy) -> list[tuple[str, str]]:
    """Every band with its mood and the growth that it stands for."""
    from node.content.metadata import percent

    edges = [percent(threshold) for threshold in policy.thresholds]
    found = []
    for band, mood in enumerate(moods):
        if not edges:
            text = "any"
        elif band == 0:
            text = f"below {edges[0]}"
        elif band == len(edges):
            text = f"{edges[-1]} and above"
        else:
            text = f"{edges[band - 1]} to {edges[band]}"
        found.append((f"band {band + 1}", f"{mood:<12} {text}"))
    return found


def royalty_text(receiver: str, points: int) -> str:
    """What later sales owe, `points` in hundredths of a percent."""
    return f"{points / 100:g} % is asked for {receiver}" if points else "nothing is asked for"


def next_step(edition: Edition, head: int) -> str:
    """What can be done with an edition now."""
    if edition.state == EditionState.SELLING:
        left = edition.supply - edition.minted
        return f"{left} left: patina edition mint {edition.id}" if left else f"patina edition close {edition.id}"
    if edition.state == EditionState.CLOSED:
        if not edition.minted:
            return "over: nothing was sold"
        if not any(edition.randomness) and head <= edition.reveal_block:
            return f"to be revealed from block {edition.reveal_block + 1} on, {edition.reveal_block + 1 - head} to go"
        return f"patina edition reveal {edition.id}"
    return "painted" if any(edition.content_root) else "to be painted at the next checkpoint"
