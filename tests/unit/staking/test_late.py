"""Who waits with its second signature until the round is over is found out all the same, and at a bounded price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.agreement import reasons
from node.agreement.committee import Committee
from node.agreement.messages import Attestation, Opened, Timeout
from node.agreement.report import Report, report_digest
from node.chain.types import FullReport, Landed
from node.gossip.envelope import EnvelopeError, sealer
from node.gossip.verifier import Verifier
from node.journal import Journal
from node.journal.equivocations import KEPT_ROUNDS, HeardRow
from node.keys.signing import LocalSigner
from node.staking import watch as watches
from node.staking.evidence import pack_statement
from node.staking.watch import LATE, Watch
from tests.unit.staking.conftest import ORACLE, Bench

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]


@pytest.fixture
def bench() -> Bench:
    """As everywhere here, with transport keys that can seal."""
    signers = [LocalSigner(bytes([index + 1]) * 32) for index in range(4)]
    keys = [key.public_key().public_bytes_raw() for key in KEYS]
    return Bench(signers, Committee(31337, ORACLE, [signer.address for signer in signers], keys))


@pytest.fixture
def journal(tmp_path: Path, bench: Bench) -> Iterator[Journal]:
    with Journal(tmp_path) as journal:
        journal.bind(31337, ORACLE)
        journal.configurations.know(bench.committee)
        yield journal


@dataclass
class Ear:
    """A node that hears, as it is after a start: its memory is empty, its journal is not."""

    bench: Bench
    journal: Journal

    def __post_init__(self) -> None:
        self.now = 0
        own, folder = self.bench.signers[0].address, self.journal.path.parent
        self.watch = Watch(self.journal, folder, own, open_rounds=lambda: [(1, 40)], clock=lambda: self.now)
        self.verifier = Verifier(self.bench.committee)
        self.open: Callable[[bytes], Opened] = self.watch.noting(self.bench.committee, self.verifier.open)

    def over(self) -> None:
        """The round of checkpoint 40 is over for good, and so is the next one."""
        self.watch.flush()
        self.verifier.settled(1, 44)
        for block in (45, 50):
            self.watch.forget(1, block)
            self.watch.sweep()

    def late(self, raw: bytes) -> None:
        """Hear what everybody else refuses."""
        with pytest.raises(EnvelopeError) as refused:
            self.open(raw)
        assert refused.value.reason == reasons.STALE

    def found(self) -> list[str]:
        return [row.signer for row in self.journal.equivocations.all()]


def said(bench: Bench, index: int, report: Report, by: int | None = None) -> bytes:
    """The envelope in which a member says that it signed a report; sealed `by` another one's key."""
    key = KEYS[index if by is None else by]
    return sealer(key, bench.committee, index)(bench.attestation(index, report))


def landing(bench: Bench, root: int) -> FullReport:
    """The report of checkpoint 40, by the first three members."""
    report = bench.report(root)
    digest = report_digest(bench.committee.domain, report)
    landed = Landed(
        *(1, 40, bench.committee.config_digest, digest, 6, 0, 1, report.content_root, 0b0111, ORACLE),
        *(42, b"\x01" * 32, b"\x02" * 32, 0),
    )
    signed = [bench.signed(index, report) for index in range(3)]
    signers = tuple(signer.address for signer in bench.signers[:3])
    signatures = tuple(each.signature for each in signed)
    return FullReport(landed, bench.committee.domain, report, signers, signatures, (), 200_000)


def test_incident__equivocator_waits_until_the_round_is_over__found_out_after_a_restart_too(
    journal: Journal, bench: Bench
) -> None:
    before = Ear(bench, journal)
    for index in range(4):
        before.open(said(bench, index, bench.report(7)))
    before.over()
    after = Ear(bench, journal)
    after.over()
    after.late(said(bench, 3, bench.report(7)))
    assert after.found() == []
    after.late(said(bench, 3, bench.report(8)))
    assert after.found() == [bench.signers[3].address]


def test_late__first_signature_never_heard_here__the_landed_report_is_read_for_it(
    journal: Journal, bench: Bench
) -> None:
    full = landing(bench, 7)
    journal.reports.add(full.landed)
    ear = Ear(bench, journal)
    ear.over()
    ear.late(said(bench, 2, bench.report(7)))
    ear.late(said(bench, 3, bench.report(8)))  # it did not sign what landed
    assert not ear.watch.suspects
    ear.late(said(bench, 2, bench.report(8)))
    assert list(ear.watch.suspects) == [full.landed]
    ear.watch.suspects.clear()
    ear.watch.landed(bench.committee, full)
    assert ear.found() == [bench.signers[2].address]
    # What is known by now is not read again, whatever else is said about that round.
    ear.late(said(bench, 2, bench.report(9, view=1)))
    ear.late(said(bench, 1, bench.report(9, view=1)))
    assert not ear.watch.suspects


def test_told__signature_heard_before_a_restart__contradicts_what_landed(journal: Journal, bench: Bench) -> None:
    before = Ear(bench, journal)
    before.open(said(bench, 1, bench.report(8)))
    before.watch.flush()
    after = Ear(bench, journal)
    full = landing(bench, 7)
    after.watch.told(full.landed)
    assert list(after.watch.suspects) == [full.landed]
    after.watch.landed(bench.committee, full)
    assert after.found() == [bench.signers[1].address]


def test_late__announced_and_delivered_again__nothing_is_checked(
    journal: Journal, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Ear(bench, journal)
    for index in range(4):
        first.open(said(bench, index, bench.report(7)))
    first.watch.flush()
    journal.reports.add(landing(bench, 7).landed)

    def never(*_: object) -> str:
        raise AssertionError("a signature was checked")

    monkeypatch.setattr(watches, "recover", never)
    monkeypatch.setattr(watches, "open_envelope", never)
    for ear in (first, Ear(bench, journal)):
        ear.over()
        for index in [*range(4)] * 3:
            ear.late(said(bench, index, bench.report(7)))
        # Nor for what is no attestation.
        ear.late(sealer(KEYS[0], bench.committee, 0)(Timeout(1, 40, 1)))
        assert ear.found() == []


def test_incident__somebody_else_speaks_in_a_members_name__late__no_evidence_and_no_hiding(
    journal: Journal, bench: Bench
) -> None:
    ear = Ear(bench, journal)
    ear.open(said(bench, 2, bench.report(7)))
    ear.over()
    ear.late(said(bench, 2, bench.report(8), by=3))
    forged = Attestation(*bench.attestation(2, bench.report(6)).statement, bytes(64))
    ear.late(sealer(KEYS[2], bench.committee, 2)(forged))
    assert ear.found() == []
    ear.late(said(bench, 2, bench.report(8)))
    assert ear.found() == [bench.signers[2].address]


def test_late__flood_of_old_rounds__is_passed_over_until_time_has_gone_by(journal: Journal, bench: Bench) -> None:
    ear = Ear(bench, journal)
    ear.open(said(bench, 2, bench.report(7)))
    ear.over()
    forged = said(bench, 3, bench.report(8), by=1)
    for _ in range(LATE.burst + 10):
        ear.late(forged)
    ear.late(said(bench, 2, bench.report(8)))
    assert (ear.found(), ear.watch.counters["late signatures passed over"]) == ([], 11)
    ear.now += 60_000
    ear.late(said(bench, 2, bench.report(8)))
    assert ear.found() == [bench.signers[2].address]


def test_late__numbers_that_no_journal_holds__are_heard_and_forgotten(journal: Journal, bench: Bench) -> None:
    ear = Ear(bench, journal)
    for feed, checkpoint in ((2**64 - 1, 40), (2**63, 40)):
        ear.verifier.settled(feed, 44)
        ear.late(said(bench, 2, bench.report(7, feed=feed, checkpoint=checkpoint)))
        ear.late(said(bench, 2, bench.report(8, feed=feed, checkpoint=checkpoint)))
    assert ear.found() == [bench.signers[2].address] * 2


def test_incident__true_statement_under_a_false_signature__hides_nothing(journal: Journal, bench: Bench) -> None:
    """The first says what the second signs: it must not stand in the second's place when the third comes."""
    ear = Ear(bench, journal)
    ear.watch.hear(bench.committee, 2, Attestation(*bench.attestation(2, bench.report(7)).statement, bytes(64)))
    ear.watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    ear.watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert ear.found() == [bench.signers[2].address]


def test_forget__many_rounds_over__the_latest_of_each_feed_are_kept(journal: Journal, bench: Bench) -> None:
    config, signed = bench.committee.config_digest, bench.signed(1, bench.report())
    rows = [
        HeardRow(config, feed, checkpoint, 0, f"member {member}", pack_statement(signed.statement), signed.signature)
        for feed, rounds in ((1, KEPT_ROUNDS + 5), (2, 3))
        for checkpoint in range(rounds)
        for member in range(2)
    ]
    journal.equivocations.hear(rows)

    def left(feed: int) -> list[int]:
        found = [
            row.checkpoint for n in range(KEPT_ROUNDS + 5) for row in journal.equivocations.of_round(config, feed, n)
        ]
        assert len(found) == 2 * len(set(found))
        return sorted(set(found))

    journal.equivocations.forget(2, 3)
    journal.equivocations.forget(1, KEPT_ROUNDS + 3)  # two are open yet
    assert left(1) == list(range(3, KEPT_ROUNDS + 5))
    assert left(2) == [0, 1, 2]
    journal.equivocations.forget(1, KEPT_ROUNDS + 5, keep=1)
    assert left(1) == [KEPT_ROUNDS + 4]
