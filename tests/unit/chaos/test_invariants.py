"""The judgement over chaos: quiet where all is well, and loud for each thing that must not happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from node.chain.types import Landed
from tests.integration.chaos.evidence import WAD, Evidence, Journal, Mined, Promise, Sample, Sent
from tests.integration.chaos.invariants import faults

CONFIG = b"c" * 32
DIGEST, OTHER, BALLOT = b"d" * 32, b"o" * 32, b"b" * 32
REPORT_TX, VOTE_TXS, STRAY = b"\1" * 32, [bytes([2, seat]) * 16 for seat in range(3)], b"\3" * 32
BY_REPORT, BY_VOTE = (1, 32), (1, 64)


def landed(place: tuple[int, int], answer: int, bands: tuple[int, int], digest: bytes, tx: bytes) -> Landed:
    return Landed(*place, CONFIG, digest, answer, *bands, bytes(32), 0b0111, "0x", place[1] + 5, b"h" * 32, tx, 0)


def good() -> Evidence:
    """Four seats; the first crossing landed by a report, the second by votes."""
    journals = [Journal(f"node-{seat + 1}", seat) for seat in range(4)]
    for seat, journal in enumerate(journals):
        journal.promises += [Promise(CONFIG, BY_REPORT, 0, DIGEST), Promise(CONFIG, BY_VOTE, None, BALLOT)]
        journal.samples += [Sample(number, bytes([number]) * 32) for number in (0, 32, 64)]
        journal.sent.append(Sent("report", frozenset([REPORT_TX, bytes([9, seat]) * 16] if seat == 0 else ())))
        journal.sent.append(Sent("vote", frozenset([VOTE_TXS[seat]] if seat < 3 else ())))
    mined = [Mined(REPORT_TX, "A0", True, "transmit", BY_REPORT)]
    mined += [Mined(tx, f"A{seat}", True, "vote", BY_VOTE) for seat, tx in enumerate(VOTE_TXS)]
    return Evidence(
        asked=[(0, 2), (2, 1)],
        landed=[
            landed(BY_REPORT, WAD // 40, (0, 2), DIGEST, REPORT_TX),
            landed(BY_VOTE, WAD // 80, (2, 1), BALLOT, VOTE_TXS[2]),
        ],
        mined=mined,
        journals=journals,
        hashes=[bytes([number]) * 32 for number in range(100)],
        prices={32: WAD + WAD // 40, 64: WAD + WAD // 80},
        quorum=3,
        cadence=32,
        window=1,
    )


def crossing_missing(found: Evidence) -> None:
    found.asked.append((1, 3))


def crossing_twice(found: Evidence) -> None:
    found.landed.append(found.landed[0])
    found.asked.append((0, 2))


def landed_for_nothing(found: Evidence) -> None:
    found.landed.append(replace(found.landed[1], checkpoint=96, previous_band=1, band=1))
    found.prices[96] = found.prices[64]


def painted_without_an_edition(found: Evidence) -> None:
    found.landed[0] = replace(found.landed[0], content_root=b"r" * 32)


def edition_not_painted(found: Evidence) -> None:
    found.landed = [replace(one, content_root=b"r" * 32) for one in found.landed]
    found.landed[1] = replace(found.landed[1], content_root=bytes(32))
    found.paintings = 1


def false_answer(found: Evidence) -> None:
    found.landed[0] = replace(found.landed[0], answer=WAD // 40 + 1)


def no_checkpoint(found: Evidence) -> None:
    found.landed[0] = replace(found.landed[0], checkpoint=33)


def one_journal_two_digests(found: Evidence) -> None:
    found.journals[2].promises.append(Promise(CONFIG, BY_REPORT, 0, OTHER))


def one_journal_two_ballots(found: Evidence) -> None:
    found.journals[2].promises.append(Promise(CONFIG, BY_VOTE, None, OTHER))


def two_quorums_over_two_views(found: Evidence) -> None:
    for journal in found.journals[1:]:
        journal.promises.append(Promise(CONFIG, BY_REPORT, 1, OTHER))


def signed_and_not_written(found: Evidence) -> None:
    found.journals[1].promises.pop(0)


def too_few_signers(found: Evidence) -> None:
    found.landed[0] = replace(found.landed[0], signers=0b0011)


def one_report_two_transmits(found: Evidence) -> None:
    found.journals[1].sent.append(Sent("again", frozenset([STRAY])))
    found.mined.append(Mined(STRAY, "A1", True, "transmit", BY_REPORT))


def one_key_mined_twice(found: Evidence) -> None:
    found.mined.append(Mined(bytes([9, 0]) * 16, "A0", True, "", None))


def one_sender_twice_for_one_place(found: Evidence) -> None:
    found.journals[0].sent.append(Sent("report, view 1", frozenset([STRAY])))
    found.mined.append(Mined(STRAY, "A0", False, "transmit", BY_REPORT))


def sent_and_not_written(found: Evidence) -> None:
    found.mined.append(Mined(STRAY, "A3", True, "", None))


def landed_by_a_stranger(found: Evidence) -> None:
    found.mined = [one for one in found.mined if one.hash != REPORT_TX]


def sampled_a_block_that_is_gone(found: Evidence) -> None:
    found.journals[3].samples.append(Sample(96, b"x" * 32))


def sampled_a_block_that_never_was(found: Evidence) -> None:
    found.journals[3].samples.append(Sample(128, bytes([128]) * 32))


PLANTED: dict[Callable[[Evidence], None], str] = {
    crossing_missing: "were asked for",
    crossing_twice: "2 reports landed for",
    landed_for_nothing: "crossed nothing",
    painted_without_an_edition: "checkpoint 32: landed and painted",
    edition_not_painted: "checkpoint 64: landed and repainted nothing",
    false_answer: "the chain's samples give",
    no_checkpoint: "no checkpoint",
    one_journal_two_digests: "node-3 equivocated",
    one_journal_two_ballots: "node-3 equivocated",
    two_quorums_over_two_views: "2 reports have a quorum",
    signed_and_not_written: r"seats \[1\] signed",
    too_few_signers: "landed with 2 signers",
    one_report_two_transmits: "successful transmits",
    one_key_mined_twice: "2 transactions of 'report'",
    one_sender_twice_for_one_place: "node-1 had 2 transmits",
    sent_and_not_written: "no journal knows",
    landed_by_a_stranger: "nobody's",
    sampled_a_block_that_is_gone: "node-4 sampled block 96",
    sampled_a_block_that_never_was: "node-4 sampled block 128",
}


def test_faults__all_is_well__are_none() -> None:
    assert faults(good()) == []


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_faults__one_thing_is_wrong__is_found(plant: Callable[[Evidence], None]) -> None:
    evidence = good()
    plant(evidence)
    found = faults(evidence)
    with pytest.raises(AssertionError, match=PLANTED[plant]):
        raise AssertionError("; ".join(found))


def test_faults__copy_of_a_node_on_another_machine__counts_as_the_same_seat() -> None:
    evidence = good()
    evidence.journals.append(Journal("copy-1", 0, [Promise(CONFIG, BY_REPORT, 1, OTHER)]))
    evidence.journals[1].promises.append(Promise(CONFIG, BY_REPORT, 1, OTHER))
    evidence.journals[0].promises.append(Promise(CONFIG, BY_REPORT, 1, OTHER))
    assert faults(evidence) == []  # three journals, but two seats: no quorum


def test_faults__node_that_was_lied_to_from_all_sides__may_have_false_samples() -> None:
    evidence = good()
    sampled_a_block_that_is_gone(evidence)
    evidence.journals[3].deceived = True
    assert faults(evidence) == []
