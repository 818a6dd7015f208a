"""What a node says of itself: figures for status pages, and a code for everything that keeps it from its work."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from node.clock import milliseconds
from node.settings import fees
from node.status.transactions import describe

if TYPE_CHECKING:
    from node.parts import Parts
    from node.term.term import Term

TRANSACTIONS: Final = 10
"""Transactions that a status page shows, the newest ones."""


def reasons(parts: Parts) -> list[str]:
    """Return a short code for everything that keeps the node from its work."""
    term = parts.terms.current
    found = parts.health.reasons(
        None if term is None else term.gossip.connected,
        parts.renderers.fault,
        doubtful=parts.guard.doubtful(),
        stalled=any(each.rounds.stalled for each in parts.terms.all),
        standby=term is None and not parts.terms.fault,
    )
    if parts.terms.fault:
        found.append("seat-not-taken")
    found += parts.chain.pool.trouble
    if parts.sender.funds.low:
        found.append("low-balance")
    return found + parts.duty.reasons()


def status(parts: Parts) -> dict[str, object]:
    """Return the node's figures for status pages; no secrets among them."""
    terms = parts.terms
    term, committee = terms.current, terms.committee()
    final, head = parts.health.final, parts.health.head
    return {
        "name": parts.config.node.name,
        "version": _version(),
        "up_s": (milliseconds() - parts.health.started_ms) // 1_000,
        "address": parts.address,
        "state": "standby" if term is None else "seated",
        "standby": terms.standby,
        "member": None if term is None else term.index,
        "committee": 0 if committee is None else committee.n,
        "quorum": 0 if committee is None else committee.quorum,
        "config_digest": None if committee is None else "0x" + committee.config_digest.hex(),
        "previous_terms": [_previous(each, terms.until) for each in terms.all if each is not term],
        "oracle": parts.chain.oracle,
        "chain": {
            "id": parts.chain_id,
            "final": None if final is None else final.number,
            "head": None if head is None else head.number,
            "final_time": None if final is None else final.timestamp,
            "error": parts.health.chain_error,
            "endpoints": [asdict(each) for each in parts.chain.pool.status()],
            "counters": dict(parts.chain.pool.counters),
            "websockets": parts.wakeup.status(),
        },
        "sender": parts.sender.status(),
        "staking": parts.duty.status(),
        "brokers": {
            "configured": len(parts.config.gossip.brokers),
            "connected": 0 if term is None else term.gossip.connected,
            "each": [] if term is None else term.gossip.status(),
            "silent_s": 0.0 if term is None else round(term.gossip.silent_for(), 1),
        },
        "feeds": parts.standings.status(),
        "peers": [] if term is None else _peers(term),
        "cursors": parts.journal.cursors.all(),
        "rounds": [
            {
                "feed": each.key.feed,
                "checkpoint": each.key.checkpoint,
                "view": each.view,
                "leader": each.leader,
                "phase": each.phase,
                "observations": each.observations,
                "attestations": each.attestations,
            }
            for one in terms.all
            for each in one.rounds.status()
        ],
        "voting": {} if term is None else term.voter.status(),
        "images_rendered": parts.studio.painted,
        "rendering": {**parts.renderers.status(), "found_again": parts.drawings.found},
        "notices": parts.notices.status(),
        "artworks_missing": parts.collector.missing,
        "publishing": parts.publisher.status(),
        "disk": parts.disk.status(),
        "messages": dict(sum((each.counters for each in terms.all), Counter())),
        "transactions": _transactions(parts),
    }


@cache
def _version() -> str:
    return version("patina")


def _peers(term: Term) -> list[dict[str, object]]:
    """The members of the committee in force, and seconds since each was last heard; None: not since the term began."""
    ago = [None] * term.committee.n if term.hearing is None else term.hearing.ago()
    return [
        {
            "member": member,
            "address": address,
            "own": member == term.index,
            "heard_s": None if heard is None or member == term.index else round(heard, 1),
        }
        for member, (address, heard) in enumerate(zip(term.committee.signers, ago, strict=True))
    ]


def _transactions(parts: Parts) -> list[dict[str, object]]:
    """The newest transactions in words, without what is long."""
    rows = parts.journal.transactions.last(TRANSACTIONS)
    described = describe(parts.journal, rows, fees(parts.config), time.time())
    return [one.document() for one in described]


def _previous(term: Term, until: int) -> dict[str, object]:
    """A term that goes on beside the one in force: `until` is the block time (s) from which its reports are refused."""
    return {
        "config_digest": "0x" + term.config.hex(),
        "member": term.index,
        "committee": term.committee.n,
        "rounds": len(term.rounds.status()),
        "until": until,
    }
