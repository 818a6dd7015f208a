"""What makes a proposal valid, and the inputs that follow from it: the same for every node that checks."""

from __future__ import annotations

from dataclasses import dataclass

from node.agreement.committee import Committee
from node.agreement.effects import Trigger
from node.agreement.median import median, medians
from node.agreement.messages import Observation, Opened, Proposal, Timeout
from node.agreement.seat import Verify


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a content root is rendered from, besides the block: medians, in wads."""

    answer: int
    signals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid proposal: its raw envelope, the observers' bitmap, their answers ascending, and the inputs."""

    proposal: Proposal
    raw: bytes
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


def check_proposal(opened: Opened, trigger: Trigger, committee: Committee, verify: Verify) -> Accepted | None:
    """The accepted form of a proposal, or None if one of its observations does not stand.

    They must be 2f+1 or more, each signed by another member, in ascending order, about this very checkpoint and
    the block that this node itself sees there. The answers need not resemble this node's own: the median of
    2f+1 signed answers is between two honest ones whoever chose them.
    """
    proposal = opened.message
    if not isinstance(proposal, Proposal):
        return None
    if not committee.quorum <= len(proposal.observations) <= committee.n:
        return None
    observers, last = 0, -1
    found: list[Observation] = []
    for raw in proposal.observations:
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
    return Accepted(proposal, opened.raw, observers, answers, inputs)


def check_certificate(proposal: Proposal, committee: Committee, verify: Verify) -> list[Opened] | None:
    """The Timeouts that let the proposal's view be entered, or None if they are not a quorum's."""
    if proposal.view == 0:
        return []
    found: dict[int, Opened] = {}
    for raw in proposal.timeouts:
        inner = verify(raw)
        if inner is None or not isinstance(inner.message, Timeout):
            return None
        timeout = inner.message
        if (timeout.feed, timeout.checkpoint) != (proposal.feed, proposal.checkpoint):
            return None
        if timeout.view < proposal.view - 1:
            return None
        found[inner.sender] = inner
    return list(found.values()) if len(found) >= committee.quorum else None
