"""Members that sign twice are noticed, whatever else is said, and over restarts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from node.agreement.messages import Attestation
from node.agreement.report import report_digest
from node.chain.types import FullReport, Landed
from node.journal import Journal
from node.journal.equivocations import HeardRow
from node.staking import watch as watches
from node.staking.evidence import read_evidence
from node.staking.heard import CHECKS
from node.staking.watch import MAX_EVIDENCE, MAX_HEARD, Watch
from tests.unit.staking.conftest import Bench


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as journal:
        journal.bind(31337, "0x" + "ab" * 20)
        yield journal


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def watching(journal: Journal, bench: Bench, own: int = 0, clock: Clock | None = None) -> Watch:
    address = bench.signers[own].address
    return Watch(journal, journal.path.parent, address, open_rounds=lambda: [(1, 40)], clock=clock or Clock())


def kept(journal: Journal, bench: Bench, checkpoint: int) -> list[HeardRow]:
    return journal.equivocations.of_round(bench.committee.config_digest, 1, checkpoint)


def files(journal: Journal) -> list[Path]:
    return sorted((journal.path.parent / "evidence").glob("*"))


def test_hear__two_reports_of_one_view__evidence_in_journal_and_file(journal: Journal, bench: Bench) -> None:
    watch = watching(journal, bench)
    with capture_logs() as logs:
        for index in range(4):
            watch.hear(bench.committee, index, bench.attestation(index, bench.report(7)))
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    [row] = journal.equivocations.all()
    assert (row.signer, row.feed, row.checkpoint, row.view, row.state) == (bench.signers[2].address, 1, 40, 0, "found")
    [path] = files(journal)
    assert path.name == f"{row.signer}-1-40-0.json"
    assert read_evidence(path) == bench.evidence(2)
    assert [(entry["log_level"], entry["signer"]) for entry in logs] == [("error", row.signer)]


def test_hear__honest_members_announcing_again__nothing_checked_nothing_found(
    journal: Journal, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> str:
        raise AssertionError("a signature was checked")

    monkeypatch.setattr(watches, "recover", never)
    watch = watching(journal, bench)
    for report in (bench.report(7), bench.report(7, view=1), bench.report(7, checkpoint=44), bench.report(7)):
        for index in range(4):
            watch.hear(bench.committee, index, bench.attestation(index, report))
    assert journal.equivocations.all() == []
    assert watch.counters["signatures heard"] == 12


def test_incident__somebody_else_signs_in_a_members_name__no_evidence_and_no_hiding(
    journal: Journal, bench: Bench
) -> None:
    """What is not the member's own signature proves nothing, and keeps no true one from being compared."""
    watch = watching(journal, bench)
    watch.hear(bench.committee, 2, bench.attestation(1, bench.report(5)))
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    watch.hear(bench.committee, 2, bench.attestation(3, bench.report(6)))
    watch.hear(bench.committee, 2, Attestation(*bench.attestation(2, bench.report(6)).statement, bytes(64)))
    assert journal.equivocations.all() == []
    assert watch.counters["signatures false"] == 3
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert [row.signer for row in journal.equivocations.all()] == [bench.signers[2].address]


def test_incident__false_statement_under_a_true_signature__hides_nothing(journal: Journal, bench: Bench) -> None:
    """One that will sign two reports says the first signature over something else before."""
    watch = watching(journal, bench)
    true = bench.attestation(2, bench.report(7))
    watch.hear(bench.committee, 2, Attestation(*bench.attestation(2, bench.report(5)).statement, true.signature))
    watch.hear(bench.committee, 2, true)
    watch.hear(bench.committee, 2, true)
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert [row.signer for row in journal.equivocations.all()] == [bench.signers[2].address]


def test_hear__more_false_signatures_than_are_checked__passed_over_until_time_has_gone_by(
    journal: Journal, bench: Bench
) -> None:
    clock = Clock()
    watch = watching(journal, bench, clock=clock)
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    forged = bench.attestation(2, bench.report(6))
    for _ in range(CHECKS.burst + 10):
        watch.hear(bench.committee, 2, Attestation(*forged.statement, bytes(64)))
    assert watch.counters["signatures unchecked"] > 0
    watch.hear(bench.committee, 3, bench.attestation(3, bench.report(7)))
    watch.hear(bench.committee, 3, bench.attestation(3, bench.report(8)))
    assert [row.signer for row in journal.equivocations.all()] == [bench.signers[3].address]
    clock.now += 60_000
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert len(journal.equivocations.all()) == 2


def test_hear__own_key__loud_alarm(journal: Journal, bench: Bench) -> None:
    watch = watching(journal, bench, own=2)
    with capture_logs() as logs:
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert [(entry["log_level"], entry["event"][:21]) for entry in logs] == [("critical", "YOUR KEY SIGNED TWICE")]
    [told] = watch.status()["evidence"]  # type: ignore[misc]
    assert told["own"] is True
    assert watch.alarmed
    assert not watching(journal, bench, own=2).alarmed


def test_hear__the_same_view_under_two_configurations__no_offence(journal: Journal, bench: Bench) -> None:
    from tests.unit.staking.conftest import committee_of

    other = Bench(bench.signers, committee_of(bench.signers[:3]))
    watch = watching(journal, bench)
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    watch.hear(other.committee, 2, other.attestation(2, other.report(8)))
    assert journal.equivocations.all() == []
    assert other.committee.config_digest != bench.committee.config_digest


def test_incident__restarted_between_the_two__first_signature_of_an_open_round_is_remembered(
    journal: Journal, bench: Bench
) -> None:
    before = watching(journal, bench)
    before.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    before.hear(bench.committee, 2, bench.attestation(2, bench.report(7, checkpoint=44)))  # not begun here
    before.flush()
    assert [row.checkpoint for row in kept(journal, bench, 40) + kept(journal, bench, 44)] == [40]
    after = watching(journal, bench)
    after.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert [row.checkpoint for row in journal.equivocations.all()] == [40]


def test_flush__round_begun_after_its_signature_was_heard__kept_then(journal: Journal, bench: Bench) -> None:
    begun: set[int] = set()
    watch = Watch(journal, journal.path.parent, "0x", open_rounds=lambda: {(1, at) for at in begun})
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    watch.flush()
    assert kept(journal, bench, 40) == []
    begun.add(40)
    watch.flush()
    watch.flush()
    assert len(kept(journal, bench, 40)) == 1


def test_hear__a_member_that_signs_without_end__memory_and_disk_are_bounded(
    journal: Journal, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "MAX_HEARD", 16)
    assert MAX_HEARD > 16
    watch = watching(journal, bench)
    for checkpoint in range(40):
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7, checkpoint=checkpoint)))
    for checkpoint in range(40):
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8, checkpoint=checkpoint)))
    member = watch._members[bench.committee.config_digest, bench.signers[2].address]
    assert len(member.firsts) == 16
    assert len(watch._unkept) <= 16
    assert len(journal.equivocations.all()) <= MAX_EVIDENCE


def test_incident__flood_after_the_first_signature__it_is_not_forgotten_in_an_open_round(
    journal: Journal, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that signs two reports says a thousand other things in between."""
    monkeypatch.setattr(watches, "MAX_HEARD", 16)
    watch = watching(journal, bench)
    watch.hear(bench.committee, 1, bench.attestation(1, bench.report(7)))
    watch.flush()  # this node is in the round by now
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    for checkpoint in range(100, 130):
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7, checkpoint=checkpoint)))
    watch.flush()
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert [row.checkpoint for row in journal.equivocations.all()] == [40]


def test_sweep__rounds_over_and_another_one_too__memory_lets_go_of_them(journal: Journal, bench: Bench) -> None:
    watch = watching(journal, bench)
    for checkpoint in (40, 44, 48):
        watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7, checkpoint=checkpoint)))
    held = watch._members[bench.committee.config_digest, bench.signers[2].address].firsts
    for before, left in ((42, [40, 44, 48]), (46, [44, 48]), (50, [48])):
        watch.forget(1, before)
        watch.sweep()
        assert [checkpoint for _, checkpoint, _ in held] == left


def full(bench: Bench, root: int) -> FullReport:
    report = bench.report(root)
    digest = report_digest(bench.committee.domain, report)
    landed = Landed(
        *(1, 40, bench.committee.config_digest, digest, 6, 0, 1, report.content_root, 0b0111, bench.committee.oracle),
        *(45, b"\x01" * 32, b"\x02" * 32, 0),
    )
    signed = [bench.signed(index, report) for index in range(3)]
    signers = tuple(signer.address for signer in bench.signers[:3])
    signatures = tuple(each.signature for each in signed)
    return FullReport(landed, bench.committee.domain, report, signers, signatures, (), 200_000)


def test_landed__another_report_than_was_heard__evidence(journal: Journal, bench: Bench) -> None:
    watch = watching(journal, bench)
    watch.hear(bench.committee, 1, bench.attestation(1, bench.report(7)))
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    watch.landed(bench.committee, full(bench, 7))
    assert [row.signer for row in journal.equivocations.all()] == [bench.signers[2].address]
    watch.hear(bench.committee, 0, bench.attestation(0, bench.report(8)))
    assert len(journal.equivocations.all()) == 2


def test_landed__by_vote_or_of_another_configuration__passed_over(journal: Journal, bench: Bench) -> None:
    watch = watching(journal, bench)
    watch.landed(bench.committee, replace(full(bench, 7), report=None, signatures=(), signers=()))
    watch.landed(
        bench.committee, replace(full(bench, 7), landed=replace(full(bench, 7).landed, config_digest=bytes(32)))
    )
    assert watch.counters["signatures heard"] == 0


def test_restore_files__file_gone__written_anew_from_the_journal(journal: Journal, bench: Bench) -> None:
    watch = watching(journal, bench)
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    [path] = files(journal)
    path.unlink()
    watching(journal, bench).restore_files()
    assert read_evidence(path) == bench.evidence(2)


def test_hear__folder_cannot_be_written__tried_again(journal: Journal, bench: Bench) -> None:
    (journal.path.parent / "evidence").write_text("in the way")
    watch = watching(journal, bench)
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(7)))
    watch.hear(bench.committee, 2, bench.attestation(2, bench.report(8)))
    assert len(journal.equivocations.all()) == 1
    (journal.path.parent / "evidence").unlink()
    watch.flush()
    assert len(files(journal)) == 1
