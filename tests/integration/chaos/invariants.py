"""What must hold after every kind of chaos, in one place: each function names whatever is not as it must be."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from math import floor

from tests.integration.chaos.evidence import WAD, Evidence


def faults(evidence: Evidence) -> list[str]:
    """Return everything that is wrong, in words; nothing, if all is well."""
    return [
        *crossings(evidence),
        *answers(evidence),
        *equivocations(evidence),
        *unfounded(evidence),
        *sent_twice(evidence),
        *unwritten(evidence),
        *false_samples(evidence),
    ]


def crossings(evidence: Evidence) -> list[str]:
    """Every crossing that was asked for landed exactly once, in order, with its artworks, and nothing else did."""
    found = []
    crossed = [(one.previous_band, one.band) for one in evidence.landed if one.band != one.previous_band]
    if crossed != evidence.asked:
        found.append(f"crossings {evidence.asked} were asked for, {crossed} landed")
    places = Counter((one.feed, one.checkpoint) for one in evidence.landed)
    found += [f"{count} reports landed for {place}" for place, count in places.items() if count > 1]
    found += [
        f"checkpoint {one.checkpoint}: landed and {'painted' if any(one.content_root) else 'repainted nothing'}"
        for one in evidence.landed
        if any(one.content_root) != bool(evidence.paintings)
    ]
    others = len(evidence.landed) - len(crossed)
    if others > evidence.paintings:
        found.append(f"{others} reports landed that crossed nothing, {evidence.paintings} may")
    return found


def answers(evidence: Evidence) -> list[str]:
    """Every answer is the one that the chain's own samples give, reckoned here once more."""
    found = []
    for one in evidence.landed:
        if one.checkpoint % evidence.cadence:
            found.append(f"a report landed for block {one.checkpoint}, which is no checkpoint")
            continue
        run = [evidence.prices[one.checkpoint - back * evidence.cadence] for back in range(evidence.window)]
        answer = floor((Fraction(sorted(run)[evidence.window // 2], WAD) - 1) * WAD)
        if one.answer != answer:
            found.append(f"checkpoint {one.checkpoint}: {one.answer} landed, the chain's samples give {answer}")
    return found


def equivocations(evidence: Evidence) -> list[str]:
    """No journal has two digests for one view, and over all of them no two have a quorum for one checkpoint."""
    found = []
    seats: defaultdict[tuple[object, ...], defaultdict[bytes, set[int]]] = defaultdict(lambda: defaultdict(set))
    for journal in evidence.journals:
        given: dict[tuple[object, ...], bytes] = {}
        for row in journal.promises:
            where = (row.config, row.place, row.view)
            if given.setdefault(where, row.digest) != row.digest:
                found.append(f"{journal.name} equivocated at {row.place}, view {row.view}")
            # A vote and a signature are two roads to one landing: the oracle takes the first that is whole.
            seats[row.config, row.place, row.view is None][row.digest].add(journal.seat)
    for (_, place, vote), digests in seats.items():
        strong = [digest for digest, who in digests.items() if len(who) >= evidence.quorum]
        if len(strong) > 1:
            found.append(f"{len(strong)} {'ballots' if vote else 'reports'} have a quorum at {place}")
    return found


def unfounded(evidence: Evidence) -> list[str]:
    """What landed was promised: every seat that the chain names has written it down, and a quorum of them did."""
    promised: defaultdict[tuple[object, bytes], set[int]] = defaultdict(set)
    for journal in evidence.journals:
        for row in journal.promises:
            promised[row.place, row.digest].add(journal.seat)
    found = []
    for one in evidence.landed:
        known = promised[(one.feed, one.checkpoint), one.report_digest]
        named = {seat for seat in range(one.signers.bit_length()) if one.signers >> seat & 1}
        if len(named) < evidence.quorum:
            found.append(f"checkpoint {one.checkpoint}: landed with {len(named)} signers")
        if named - known:
            found.append(f"checkpoint {one.checkpoint}: seats {sorted(named - known)} signed and did not write it down")
    return found


def sent_twice(evidence: Evidence) -> list[str]:
    """One successful transmit for each report that landed by one, one vote a member, one transaction a key."""
    found = []
    calls = {one.hash: one.call for one in evidence.mined}
    succeeded = Counter(one.place for one in evidence.mined if one.call == "transmit" and one.succeeded)
    wanted = Counter((one.feed, one.checkpoint) for one in evidence.landed if calls.get(one.tx_hash) == "transmit")
    if succeeded != wanted:
        found.append(f"successful transmits {dict(succeeded)}, reports landed by them {dict(wanted)}")
    found += [
        f"checkpoint {one.checkpoint} landed by a transaction of nobody's"
        for one in evidence.landed
        if calls.get(one.tx_hash) not in ("transmit", "vote")
    ]
    mined = set(calls)
    found += [
        f"{journal.name}: {len(row.attempts & mined)} transactions of {row.key!r} were mined"
        for journal in evidence.journals
        for row in journal.sent
        if len(row.attempts & mined) > 1
    ]
    for journal in evidence.journals:
        # By journal, not by sender: of two copies of a node neither knows what the other has sent.
        known = {attempt for row in journal.sent for attempt in row.attempts}
        each = Counter((one.call, one.place) for one in evidence.mined if one.place is not None and one.hash in known)
        found += [
            f"{journal.name} had {count} {call}s for {place} mined"
            for (call, place), count in each.items()
            if count > 1
        ]
    return found


def unwritten(evidence: Evidence) -> list[str]:
    """Every transaction was in a journal before it went out."""
    known = {attempt for journal in evidence.journals for row in journal.sent for attempt in row.attempts}
    return [
        f"{one.sender} sent 0x{one.hash.hex()} and no journal knows" for one in evidence.mined if one.hash not in known
    ]


def false_samples(evidence: Evidence) -> list[str]:
    """No journal holds a sample of a block that is not in the chain: nothing was read that was not final."""
    return [
        f"{journal.name} sampled block {row.checkpoint} as 0x{row.block_hash.hex()}, which is not in the chain"
        for journal in evidence.journals
        for row in journal.samples
        if not journal.deceived and evidence.hashes[row.checkpoint : row.checkpoint + 1] != [row.block_hash]
    ]
