"""Carries the slashing protection from one journal to another, so that the key stays as bound as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.agreement.memory import Memory
from node.errors import JournalError
from node.journal.safety.protection import UNTOLD
from node.journal.safety.protection_file import (
    FORMAT,
    VERSION,
    Attested,
    Configuration,
    Document,
    Mark,
    Promise,
    Round,
)

if TYPE_CHECKING:
    from node.journal.journal import Journal

_Key = tuple[bytes, int, int]


@dataclass(frozen=True, slots=True)
class Merged:
    """What an import changed: `rounds` that the journal did not know so, `closed` of them that were open to it, and
    `marks` that rose."""

    rounds: int
    closed: int
    floor_raised: bool
    marks: int = 0


def collect(journal: Journal, chain_id: int, oracle: str, signer: str) -> Document:
    """Return all that binds `signer`, in an order that depends on nothing but itself.

    Raises:
        JournalError: the journal is another key's or another oracle's.
    """
    journal.bind(chain_id, oracle)
    journal.protection.own(signer)
    attested: dict[_Key, list[Attested]] = defaultdict(list)
    for row in journal.attestations.all():
        attested[row.config, row.feed, row.checkpoint].append(Attested(view=row.view, digest=_hex(row.digest)))
    promises = {key: _promise(memory) for key, memory in journal.promises.all()}
    votes = {(row.config, row.feed, row.checkpoint): _hex(row.ballot) for row in journal.votes.all()}
    closed = set(journal.protection.all_closed())
    heights = journal.protection.marks()
    marks: dict[bytes, list[Mark]] = defaultdict(list)
    for (config, feed), height in sorted(heights.items()):
        marks[config].append(Mark(feed=feed, checkpoint=height))
    rounds: dict[bytes, list[Round]] = defaultdict(list)
    for key in sorted({*attested, *promises, *votes, *closed}):
        config, feed, checkpoint = key
        if checkpoint <= heights.get((config, feed), UNTOLD):
            continue  # the mark says it all
        rounds[config].append(
            Round(
                feed=feed,
                checkpoint=checkpoint,
                attestations=tuple(sorted(attested[key], key=lambda one: one.view)),
                promise=promises.get(key),
                vote=votes.get(key),
                closed=key in closed,
            )
        )
    return Document(
        format=FORMAT,
        version=VERSION,
        signer=signer,
        chain=chain_id,
        oracle=oracle,
        floor=journal.protection.floor,
        configurations=tuple(
            Configuration(config=_hex(config), marks=tuple(marks[config]), rounds=tuple(rounds[config]))
            for config in sorted({*marks, *rounds})
        ),
    )


def merge(journal: Journal, document: Document, chain_id: int, oracle: str, signer: str) -> Merged:
    """Take a file's knowledge over; all of it or, when this raises, nothing.

    In a round of which the file says anything that the journal does not hold the very same way, or beyond, the node
    has been bound by another copy of itself: the round is closed, so that nothing that either knew can be contradicted.
    Of two marks the higher counts, and rounds up to it need no closing.

    Raises:
        JournalError: the file, or the journal, is another key's or another oracle's.
    """
    theirs = (document.signer.lower(), document.chain, document.oracle.lower())
    for what, found, own in zip(
        ("signing key", "chain", "oracle"), theirs, (signer.lower(), chain_id, oracle.lower()), strict=True
    ):
        if found != own:
            raise JournalError(f"the file is of another {what}: {found}, and this node's is {own}; nothing is imported")
    known, closed, marks = 0, 0, 0
    with journal.transaction():
        journal.bind(chain_id, oracle)
        journal.protection.own(signer)
        for configuration in document.configurations:
            config = _octets(configuration.config)
            for mark in configuration.marks:
                marks += journal.protection.raise_mark(config, mark.feed, mark.checkpoint)
            for found_round in configuration.rounds:
                if found_round.checkpoint <= journal.protection.mark(config, found_round.feed):
                    continue
                if _take(journal, config, found_round):
                    known += 1
                    closed += journal.protection.close(config, found_round.feed, found_round.checkpoint)
        raised = journal.protection.raise_floor(document.floor)
    return Merged(known, closed, raised, marks)


def _take(journal: Journal, config: bytes, found: Round) -> bool:
    """Store what is new about a round; say whether anything was, or stands against what is stored."""
    feed, checkpoint = found.feed, found.checkpoint
    news = found.closed and not journal.protection.closed(config, feed, checkpoint)
    held = journal.attestations.digests(config, feed, checkpoint)
    for attested in found.attestations:
        digest = _octets(attested.digest)
        if held.get(attested.view) != digest:
            news = True
            journal.attestations.adopt(config, feed, checkpoint, attested.view, digest)
    if found.vote is not None:
        ballot, own = _octets(found.vote), journal.votes.get(config, feed, checkpoint)
        if own is None or own.ballot != ballot:
            news = True
            journal.votes.adopt(config, feed, checkpoint, ballot)
    return news or (found.promise is not None and not _covers(journal, config, found))


def _covers(journal: Journal, config: bytes, found: Round) -> bool:
    """Say whether what the journal promised in a round holds all that the file says was promised."""
    theirs = found.promise
    ours = journal.promises.of(config, found.feed, found.checkpoint)
    if theirs is None or journal.protection.closed(config, found.feed, found.checkpoint):
        return True  # a closed round needs no promises
    if ours is None:
        return False
    prepared = (theirs.prepared_view, _octets(theirs.prepared_digest))
    lock = (theirs.lock_view, _octets(theirs.lock))
    return (
        theirs.left <= ours.left
        and (prepared[0] < ours.prepared_view or prepared == (ours.prepared_view, ours.prepared_digest))
        and (lock[0] < ours.lock_view or lock == (ours.lock_view, ours.lock))
    )


def rounds_in(document: Document) -> int:
    """Return how many rounds a file speaks of."""
    return sum(len(each.rounds) for each in document.configurations)


def newest(configurations: Iterable[Configuration]) -> int | None:
    """Return the newest checkpoint that a file speaks of."""
    found = [one.checkpoint for each in configurations for one in each.rounds]
    found += [one.checkpoint for each in configurations for one in each.marks]
    return max(found, default=None)


def _promise(memory: Memory) -> Promise:
    return Promise(
        left=memory.left,
        prepared_view=memory.prepared_view,
        prepared_digest=_hex(memory.prepared_digest),
        lock_view=memory.lock_view,
        lock=_hex(memory.lock),
    )


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])
