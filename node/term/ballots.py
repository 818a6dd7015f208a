"""Votes that were cast under one configuration and may count under the next: the oracle counts what is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from node.chain.interface import interface
from node.journal.configurations import VACANT
from node.voting.ballot import ballot, vote_key

if TYPE_CHECKING:
    from node.journal import Journal

log = structlog.get_logger("term")


def adopt_votes(journal: Journal, config: bytes) -> int:
    """Note what this node's votes that have not landed stand for under a new configuration; return how many.

    A vote's transaction names no configuration: mined after a change it is a ballot under the new one, and a report
    that lands by it names this node. Without the note that would look like a vote from another journal (`Guard`).
    """
    if config == VACANT:
        return 0
    adopted = 0
    for vote in journal.votes.all():
        newest = journal.reports.of(vote.feed, 1)
        if vote.config == config or (newest and newest[0].block_number > vote.checkpoint):
            continue
        sent = journal.transactions.get(vote_key(vote.config, vote.feed, vote.checkpoint))
        if sent is None:
            continue
        call = interface("StrategyOracle").call(sent.calldata)
        if call is None:
            continue
        feed, checkpoint, block_hash, _, signals, root = call[1]
        named = ballot(config, feed, checkpoint, block_hash, signals, root)
        adopted += journal.votes.adopt(config, feed, checkpoint, named)
    if adopted:
        log.info("votes that may count under the new configuration", votes=adopted)
    return adopted
