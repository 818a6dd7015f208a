"""Everything that a notice can be about: what it means, what to do, how urgent it is."""

from __future__ import annotations

from typing import Final

from node.status.reasons import REASONS, Reason

LEVELS: Final[tuple[str, ...]] = ("info", "warning", "critical")
"""From the least urgent on."""

_OWN: Final = (
    Reason(
        "crossing-landed",
        "A strategy crossed a threshold, and the artworks bound to it changed on chain.",
        "There is nothing to do: this is what the network is for.",
        "info",
    ),
    Reason(
        "behind",
        "This node has not finished a look at the chain for a while, though no endpoint has failed.",
        "Wait while it catches up after an absence; if it stays, look at the load of this machine and its disk.",
    ),
    Reason(
        "rounds-missed",
        "Reports land without this node: it has a seat and signed none of the last ones.",
        "Look at patina status: brokers, renderer and endpoints; missed reports cost rewards and lead to suspension.",
    ),
    Reason(
        "low-stake",
        "The bond of this node does not suffice for a seat after the next rotation.",
        "Add to it with patina stake bond, before the era ends.",
    ),
    Reason(
        "seat-lost",
        "This node had a seat in the committee and has none any more.",
        "See why with patina stake status; a suspended node comes back with patina stake rejoin.",
    ),
    Reason(
        "slashed",
        "The stake of this node was slashed: proof was accepted that its key signed two reports for one view.",
        "Stop every node that holds this key, and find out where the second one came from; its keys are finished.",
        "critical",
    ),
    Reason(
        "evidence-found",
        "Another member of the committee signed two reports for one view, and this node holds the proof.",
        "There is nothing to do where staking.submit_evidence is on; otherwise use patina stake slash.",
        "info",
    ),
    Reason(
        "update-available",
        "The network's deployment file names a newer version of this software.",
        "Read the changelog, then update as the page on upgrading says.",
        "info",
    ),
    Reason(
        "publishing-failing",
        "A publishing target does not take this node's content.",
        "Look at the target and at its entry in the configuration; the node tries again by itself.",
    ),
    Reason(
        "certificate-ends",
        "A certificate that this node connects to brokers with ends soon, or has ended.",
        "Make a new one with patina certs renew, put it in its place, and restart the node.",
    ),
)

KINDS: Final[dict[str, Reason]] = {each.code: each for each in (*REASONS.values(), *_OWN)}
"""Every code, those of readiness first."""


def kind(code: str) -> Reason:
    """Return what a code means; a part of its own may name one that is not in the table."""
    return KINDS.get(code) or Reason(code, "A part of this node has trouble.", "Look in the log.")


def at_least(level: str, least: str) -> bool:
    """Whether a level is as urgent as another."""
    return LEVELS.index(level) >= LEVELS.index(least)


def table() -> str:
    """Return the table of docs/notices.md: every code with its level, what it means and what to do."""
    rows = [f"| `{each.code}` | {each.urgency} | {each.meaning} {each.remedy} |" for each in KINDS.values()]
    return "\n".join(["| code | level | what it means, what to do |", "| --- | --- | --- |", *rows])
