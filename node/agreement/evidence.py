"""The observations that a report rests on, and what follows from them: the same for every node that checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.agreement.committee import Committee
from node.agreement.effects import Trigger
from node.agreement.median import median, medians
from node.agreement.messages import Observation
from node.agreement.report import Report
from node.agreement.seat import Verify


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a content root is rendered from, besides the block: medians, in wads."""

    answer: int
    signals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quorum's observations: raw envelopes, the observers' bitmap, their answers ascending, and the medians."""

    envelopes: tuple[bytes, ...]
    observers: int
    observations: tuple[int, ...]
    inputs: Inputs


def matches(observation: Observation, trigger: Trigger) -> bool:
    """Whether an observation speaks of the same block, with as many signals, as this node's own measurement."""
    return (
        observation.feed == trigger.feed
        and observation.checkpoint == trigger.checkpoint
        and observation.block_hash == trigger.block_hash
        and len(observation.signals) == len(trigger.signals)
    )


def gather(envelopes: Sequence[bytes], trigger: Trigger, committee: Committee, verify: Verify) -> Evidence | None:
    """The evidence in raw envelopes, or None if one of the observations does not stand.

    They must be a quorum or more, each signed by another member, in ascending order, about this very checkpoint
    and the block that this node itself sees there. The answers need not resemble this node's own: the median of
    2f+1 or more signed answers is between two honest ones whoever chose them.
    """
    if not committee.quorum <= len(envelopes) <= committee.n:
        return None
    observers, last = 0, -1
    found: list[Observation] = []
    for raw in envelopes:
        inner = verify(raw)
        if inner is None or not isinstance(inner.message, Observation):
            return None
        if inner.sender <= last or not matches(inner.message, trigger):
            return None
        last = inner.sender
        observers |= 1 << inner.sender
        found.append(inner.message)
    answers = tuple(sorted(observation.answer for observation in found))
    inputs = Inputs(median(answers), medians([observation.signals for observation in found]))
    return Evidence(tuple(envelopes), observers, answers, inputs)


def compose(trigger: Trigger, evidence: Evidence, origin: int, root: bytes) -> Report:
    """The report of these observations and this content root, as first proposed in the view `origin`."""
    return Report(
        feed=trigger.feed,
        checkpoint=trigger.checkpoint,
        block_hash=trigger.block_hash,
        view=origin,
        observers=evidence.observers,
        observations=evidence.observations,
        signals=evidence.inputs.signals,
        content_root=root,
    )
