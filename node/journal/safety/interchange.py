"""Carries the slashing protection from one journal to another, so that the key stays as bound as it was."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from node.agreement.memory import Memory
from node.errors import JournalError
from node.journal.safety.protection import UNTOLD, Key
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
    marks: dict[bytes, list[Mark]] = defaultdict(list)
    for (config, feed), height in sorted(journal.protection.marks().items()):
        marks[config].append(Mark(feed=feed, checkpoint=height))
    rounds: dict[bytes, list[Round]] = defaultdict(list)
    for config, found in _rounds(journal):
        rounds[config].append(found)
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


def _rounds(journal: Journal) -> Iterator[tuple[bytes, Round]]:
    """Each round that binds the key and that no mark speaks for, with its config; one at a time is held in memory."""
    heights = journal.protection.marks()
    # (round, rank, what is known of it): ranks keep what cannot be compared apart.
    told: Iterator[tuple[Key, int, Any]] = heapq.merge(
        ((key, 0, (view, digest)) for key, view, digest in journal.attestations.in_order()),
        ((key, 1, memory) for key, memory in journal.promises.in_order()),
        ((key, 2, ballot) for key, ballot in journal.votes.in_order()),
        ((key, 3, None) for key in journal.protection.all_closed()),
        key=lambda one: one[:2],
    )
    for (config, feed, checkpoint), parts in groupby(told, key=lambda one: one[0]):
        if checkpoint <= heights.get((config, feed), UNTOLD):
            continue  # the mark says it all
        attested: list[Attested] = []
        promise, vote, closed = None, None, False
        for _, rank, what in parts:
            if rank == 0:
                attested.append(Attested(view=what[0], digest=_hex(what[1])))
            elif rank == 1:
                promise = _promise(what)
            elif rank == 2:
                vote = _hex(what)
            else:
                closed = True
        yield (
            config,
            Round(
                feed=feed,
                checkpoint=checkpoint,
                attestations=tuple(attested),
                promise=promise,
                vote=vote,
                closed=closed,
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
    configs = [(_octets(each.config), each) for each in document.configurations]
    with journal.transaction():
        journal.bind(chain_id, oracle)
        journal.protection.own(signer)
        return _absorb(
            journal,
            document.floor,
            ((config, mark.feed, mark.checkpoint) for config, each in configs for mark in each.marks),
            ((config, found) for config, each in configs for found in each.rounds),
        )


def take_over(journal: Journal, other: Journal) -> Merged:
    """Take over what another copy of this key's journal knows, as `merge` does from a file; all of it or nothing.

    The other journal is read as this one is written: memory does not grow with what they hold.
    """
    marks = [(config, feed, height) for (config, feed), height in other.protection.marks().items()]
    with journal.transaction():
        return _absorb(journal, other.protection.floor, marks, _rounds(other))


def would_take_over(journal: Journal, other: Journal) -> Merged:
    """Return what `take_over` would change, and change nothing."""
    with suppress(_TriedError), journal.transaction():
        found = take_over(journal, other)
        raise _TriedError
    return found


class _TriedError(Exception):
    """Ends a transaction of which nothing is to stay."""


def _absorb(
    journal: Journal, floor: int, marks: Iterable[tuple[bytes, int, int]], rounds: Iterable[tuple[bytes, Round]]
) -> Merged:
    """Raise marks and floor, store what is new of rounds, and close those; within a transaction."""
    raised = sum(journal.protection.raise_mark(*mark) for mark in marks)
    known, closed = 0, 0
    for config, found in rounds:
        if found.checkpoint > journal.protection.mark(config, found.feed) and _take(journal, config, found):
            known += 1
            closed += journal.protection.close(config, found.feed, found.checkpoint)
    return Merged(known, closed, journal.protection.raise_floor(floor), raised)


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
