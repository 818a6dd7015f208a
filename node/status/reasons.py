"""What each readiness code means, and what its operator can do: one sentence each, in this one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Urgency = Literal["critical", "warning", "info"]
"""critical: something is or may soon be lost; warning: the node does not do its work; info: this may well be meant."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One code that `/readyz`, `patina status` and the metric `patina_not_ready` may show."""

    code: str
    meaning: str
    remedy: str
    urgency: Urgency = "warning"

    @property
    def runbook(self) -> str:
        """Where `docs/runbook.md` says more: the anchor of its section."""
        return f"runbook.md#{self.code}"


_KNOWN: Final = (
    Reason(
        "chain-not-read-yet",
        "No final block has been read since this node started.",
        "Wait a minute; if it stays, look at chain.endpoints with patina check.",
    ),
    Reason(
        "chain-unreachable",
        "No chain endpoint has given a usable answer for two minutes.",
        "Run patina check to see what each endpoint says, and correct or add one in chain.endpoints.",
    ),
    Reason(
        "final-block-stands-still",
        "Endpoints answer, but no new block has become final for thirty minutes.",
        "Compare with a block explorer: if the chain itself does not finalise, wait; otherwise replace the endpoints.",
    ),
    Reason(
        "endpoints-disagree",
        "Endpoints say different things about the same block, so nothing is signed on either's word.",
        "Look in the log for who said what, remove the endpoint that is wrong, and add a third one.",
    ),
    Reason(
        "too-few-endpoints",
        "Fewer endpoints answer than must say the same (chain.witnesses) before this node signs.",
        "Mend or replace the endpoints that patina status names, or add another provider's.",
    ),
    Reason(
        "standby",
        "This node has no seat in the committee in force: it follows the chain and takes no part in rounds.",
        "Nothing, where that is meant; otherwise patina stake status says what a seat takes.",
        "info",
    ),
    Reason(
        "seat-not-taken",
        "This node has a seat, and a broker's settings keep it from taking it.",
        "Run patina check: it names the certificate or setting that cannot be used; the node tries again by itself.",
    ),
    Reason(
        "no-broker",
        "No MQTT broker hands on what this node publishes, so it hears no other node.",
        "Look at each broker's error in patina status; without any broker members vote on chain, each at its own cost.",
    ),
    Reason(
        "renderer-unfit",
        "Nothing on this machine can draw pictures with the right bytes, so rounds that repaint are not signed.",
        "See the workers in patina status, then try render.engine auto, or another device.",
    ),
    Reason(
        "journal-not-writable",
        "The journal takes no writes, so nothing is signed until it does.",
        "Free some disk space, and check the owner and mode of node.directory; the node goes on by itself.",
        "critical",
    ),
    Reason(
        "journal-too-old",
        "This key has signed, or may have signed, what the journal knows nothing of, so nothing is signed.",
        "Stop every other node with this key, then follow patina protection; never delete the journal.",
        "critical",
    ),
    Reason(
        "too-old",
        "The network's deployment file asks for a newer version of this software than this node runs.",
        "Update now, as the page on upgrading says: the node may not understand the others any more.",
        "critical",
    ),
    Reason(
        "low-balance",
        "The account that pays for transactions is nearly empty.",
        "Send ether to the address that patina status shows, or lower transmit.low_balance_ether if this is enough.",
    ),
    Reason(
        "own-key-signed-twice",
        "Proof exists that this node's key signed two reports for one round, which is slashable.",
        "Stop every node that holds this key at once, find the second copy, and make a new key before going on.",
        "critical",
    ),
)

REASONS: Final[dict[str, Reason]] = {reason.code: reason for reason in _KNOWN}
"""Every code that a node can give, in the order in which an operator would look."""


def explain(code: str) -> Reason:
    """Return what a code means; of one that a newer node gives, that this program does not know it."""
    return REASONS.get(code) or Reason(
        code, "This program does not know the code.", "See the runbook of the node's own version."
    )


def explained(codes: Iterable[str]) -> list[Reason]:
    """Return what each of the codes means, in their order."""
    return [explain(code) for code in codes]
