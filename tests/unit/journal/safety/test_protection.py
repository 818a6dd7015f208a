"""What forbids a key to sign: an old journal, a floor, closed rounds, retirement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog.testing

from node.agreement.memory import Memory
from node.errors import EquivocationError, JournalError, RefusalError
from node.journal import Journal
from node.journal.safety.interchange import collect, merge
from node.journal.safety.trail import Trail
from node.rounds.guard import Guard
from tests.unit.paper import make_landed

CONFIG = b"c" * 32  # that of make_landed
OURS = b"d" * 32  # the digest of make_landed
ADDRESS = "0x" + "11" * 20


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def refused(journal: Journal, checkpoint: int, feed: int = 1) -> str:
    """Say why nothing binding is taken for a round: the same for signatures, promises and votes. Empty: all are."""
    words = []
    for step in (
        lambda: journal.attest(CONFIG, feed, checkpoint, 0, b"x" * 32, b""),
        lambda: journal.promises.remember(CONFIG, feed, checkpoint, Memory(left=0)),
        lambda: journal.votes.cast(CONFIG, feed, checkpoint, b"x" * 32),
    ):
        try:
            step()
        except RefusalError as error:
            words.append(str(error))
        else:
            words.append("")
    assert len(set(words)) == 1, words
    return words[0]


def test_a_restored_backup__report_landed_that_the_journal_does_not_know__nothing_is_signed(tmp_path: Path) -> None:
    """Incident: a node never equivocates through a restored backup."""
    with Journal(tmp_path / "node") as journal:
        journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
        backup = b"".join((tmp_path / "node" / name).read_bytes() for name in ("journal.db",))
        wal = (tmp_path / "node" / "journal.db-wal").read_bytes()
        journal.attest(CONFIG, 1, 20, 0, OURS, b"")
    (tmp_path / "node" / "journal.db").write_bytes(backup)
    (tmp_path / "node" / "journal.db-wal").write_bytes(wal)
    with Journal(tmp_path / "node") as restored:
        assert restored.attestations.digests(CONFIG, 1, 20) == {}
        guard = Guard(restored, {CONFIG: 0}.get)
        guard.settled(make_landed(10, 12, report_digest=b"a" * 32))  # this one it knows
        assert not guard.doubtful()
        guard.settled(make_landed(20, 22))
        assert guard.doubtful()
        why = refused(restored, 30)
        for part in ("older than what its key has signed", "checkpoint 20", "block 22", "patina protection import"):
            assert part in why
        assert restored.attestations.digests(CONFIG, 1, 30) == {}
    with Journal(tmp_path / "node") as again:  # not forgotten over a restart, whatever the chain says then
        assert refused(again, 40)


def test_settled__reports_of_others_seats_and_configurations__cast_no_doubt(journal: Journal) -> None:
    guard = Guard(journal, {CONFIG: 3}.get)
    guard.settled(make_landed(10, 12, signers=0b0111))
    guard.settled(make_landed(20, 22, signers=0b1111, config_digest=b"e" * 32))
    guard.unsettled([make_landed(30, 32, signers=0b0111)])
    assert refused(journal, 40) == ""


def test_settled__own_vote_landed__is_known_by_its_ballot(journal: Journal) -> None:
    journal.votes.cast(CONFIG, 1, 10, OURS)
    guard = Guard(journal, {CONFIG: 0}.get)
    guard.settled(make_landed(10, 12))
    assert not guard.doubtful()
    guard.settled(make_landed(20, 22))  # a ballot, or a report, that it never saw
    assert guard.doubtful()


def test_unsettled__lying_endpoint_invents_a_report__silences_the_node_no_longer_than_it_stands(
    journal: Journal,
) -> None:
    guard = Guard(journal, {CONFIG: 0}.get)
    guard.unsettled([make_landed(20, 22)])
    assert "checkpoint 20" in refused(journal, 30)
    guard.unsettled([])
    assert refused(journal, 30) == ""


def test_raise_floor__doubt_at_or_below_it__is_settled_and_rounds_up_to_it_are_given_up(journal: Journal) -> None:
    guard = Guard(journal, {CONFIG: 0}.get)
    guard.settled(make_landed(20, 22))
    assert journal.protection.raise_floor(19)
    assert guard.doubtful()
    assert journal.protection.raise_floor(40)
    assert not journal.protection.raise_floor(30)  # it never falls
    assert not guard.doubtful()
    guard.settled(make_landed(40, 45))  # signed by the lost journal, gathered and sent later: nothing new
    assert not guard.doubtful()
    assert "up to checkpoint 40" in refused(journal, 40)
    assert refused(journal, 41) == ""
    guard.settled(make_landed(50, 52))  # another copy of this node is at work
    assert "checkpoint 50" in refused(journal, 60)


def test_close__one_round__stays_closed_and_no_other_is(journal: Journal) -> None:
    assert journal.protection.close(CONFIG, 1, 10)
    assert not journal.protection.close(CONFIG, 1, 10)
    assert "closed, by" in refused(journal, 10)
    assert refused(journal, 10, feed=2) == ""
    assert refused(journal, 20) == ""


def test_retire__journal_that_moved_away__never_signs_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.protection.retire()
    with Journal(tmp_path) as journal:
        assert "retired" in refused(journal, 2**62)


def test_own__another_key__is_refused(journal: Journal) -> None:
    journal.protection.own(ADDRESS)
    journal.protection.own(ADDRESS)
    with pytest.raises(JournalError, match="give each key its own directory"):
        journal.protection.own("0x" + "22" * 20)


def test_cast__second_ballot_for_a_round__is_refused(journal: Journal) -> None:
    assert journal.votes.cast(CONFIG, 1, 10, b"a" * 32)
    assert not journal.votes.cast(CONFIG, 1, 10, b"a" * 32)
    with pytest.raises(EquivocationError, match="ballot"):
        journal.votes.cast(CONFIG, 1, 10, b"b" * 32)
    with pytest.raises(JournalError, match="transaction"), journal.transaction():
        journal.votes.cast(CONFIG, 1, 20, b"a" * 32)
    found = journal.votes.get(CONFIG, 1, 10)
    assert found is not None
    assert found.ballot == b"a" * 32


def trail(folder: Path) -> Trail:
    return Trail(folder / "user", ADDRESS, 1, ADDRESS)


def test_a_restored_backup__nothing_landed_since_it_was_made__this_machine_remembers(tmp_path: Path) -> None:
    """Incident: a node never equivocates through a restored backup, though no block shows what it had signed."""
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
    backup = (tmp_path / "node" / "journal.db").read_bytes()
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        assert journal.protection.doubts() == []
        journal.attest(CONFIG, 1, 20, 0, b"b" * 32, b"")
        recent = collect(journal, 1, ADDRESS, ADDRESS)
    (tmp_path / "node" / "journal.db").write_bytes(backup)
    with Journal(tmp_path / "node") as restored:
        restored.protection.follow(trail(tmp_path))
        why = refused(restored, 20)
        assert "this machine remembers" in why
        assert "checkpoint 20" in why
        assert refused(restored, 30) == why
    with Journal(tmp_path / "node") as restored:
        restored.protection.follow(trail(tmp_path))
        merge(restored, recent, 1, ADDRESS, ADDRESS)
        assert refused(restored, 30) == ""
        assert "closed" in refused(restored, 20)


def test_a_lost_journal__its_key_starts_afresh__nothing_is_signed_before_it_is_resolved(tmp_path: Path) -> None:
    with Journal(tmp_path / "old") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.promises.remember(CONFIG, 1, 10, Memory(left=1, lock_view=1, lock=b"l"))
    with Journal(tmp_path / "new") as journal:
        journal.protection.follow(trail(tmp_path))
        assert "this machine remembers" in refused(journal, 20)
        journal.protection.raise_floor(9)
        assert "this machine remembers" in refused(journal, 20)
        journal.protection.raise_floor(10)
        assert refused(journal, 20) == ""
    with Journal(tmp_path / "old") as journal:  # the old one is the older one now
        journal.protection.follow(trail(tmp_path))
        assert "this machine remembers" in refused(journal, 40)


def test_follow__promise_that_went_on_after_the_trail_was_written__is_no_doubt(tmp_path: Path) -> None:
    """kill -9 between journal and trail leaves the trail behind."""
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.promises.remember(CONFIG, 1, 10, Memory(left=1, prepared_view=0, prepared_digest=b"x" * 32))
        behind = next((tmp_path / "user").iterdir())
        content = behind.read_bytes()
        journal.promises.remember(CONFIG, 1, 10, Memory(left=2, prepared_view=2, prepared_digest=b"y" * 32))
    behind.write_bytes(content)
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        assert journal.protection.doubts() == []
    with Journal(tmp_path / "other") as journal:
        journal.protection.follow(Trail(tmp_path / "user", ADDRESS, 2, ADDRESS))  # another chain is another story
        assert journal.protection.doubts() == []


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, b"\x92\xc0", b"\x80"])
def test_follow__file_that_nobody_wrote__is_passed_over(tmp_path: Path, content: bytes) -> None:
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
        [file] = (tmp_path / "user").iterdir()
        file.write_bytes(content)
        journal.protection.follow(trail(tmp_path))
        assert journal.protection.doubts() == []


def test_bound__trail_cannot_be_written__the_journal_is_enough(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("in the way")
    with Journal(tmp_path / "node") as journal, structlog.testing.capture_logs() as told:
        journal.protection.follow(trail(tmp_path))
        for checkpoint in (10, 20):
            assert journal.attest(CONFIG, 1, checkpoint, 0, b"a" * 32, b"")
    assert [one["log_level"] for one in told] == ["warning"]  # somebody must know, and not at every signature
    assert "restored journal may go unnoticed" in told[0]["event"]


def test_distrust__restored_journal__trusts_nothing_up_to_what_it_knows_itself(journal: Journal) -> None:
    journal.attest(CONFIG, 1, 40, 0, OURS, b"")
    journal.protection.distrust()
    journal.protection.raise_floor(40)  # what was signed after the backup lies above all that it holds
    assert "restored from a backup" in refused(journal, 60)
    journal.protection.raise_floor(41)
    assert journal.protection.doubts() == []


def test_floor__reports_up_to_it_that_are_not_known__are_given_up_and_cast_no_doubt(journal: Journal) -> None:
    journal.protection.raise_floor(50)
    assert [journal.protection.settled(make_landed(at, at + 2)) for at in (40, 50, 60)] == [False, False, True]
    journal.protection.unsettled([make_landed(at, at + 2) for at in (45, 50, 70)])
    assert [doubt.checkpoint for doubt in journal.protection.doubts()] == [60, 70]


def test_over__final_report__closes_the_rounds_before_its_block_and_lets_their_promises_go(journal: Journal) -> None:
    """A lock takes many KiB: kept for ever, a year of them would fill disks, and no protection file would hold them."""
    for feed, checkpoint in ((1, 10), (1, 20), (1, 30), (2, 10)):
        journal.promises.remember(CONFIG, feed, checkpoint, Memory(left=1, lock_view=1, lock=bytes(20_000)))
    journal.attest(CONFIG, 1, 10, 0, OURS, b"")
    assert journal.protection.over(1, 30) == 2
    assert journal.protection.over(1, 30) == 0
    assert sorted(key[1:] for key, _ in journal.promises.in_order()) == [(1, 30), (2, 10)]
    assert ["closed" in refused(journal, at) for at in (10, 20)] == [True, True]
    journal.promises.remember(CONFIG, 1, 30, Memory(left=2, lock_view=1, lock=bytes(20_000)))
    assert journal.attestations.digests(CONFIG, 1, 10) == {0: OURS}


def test_over__round_that_this_machine_remembers_last__casts_no_doubt_after_a_restart(tmp_path: Path) -> None:
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.promises.remember(CONFIG, 1, 10, Memory(left=1))
        journal.protection.over(1, 12)
    with Journal(tmp_path / "node") as again:
        again.protection.follow(trail(tmp_path))
        assert again.protection.doubts() == []


def test_incident__restored_backup_whose_last_round_is_over__stays_in_doubt(tmp_path: Path) -> None:
    """A node never equivocates through a restored backup: what ends one round says nothing of the others."""
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.promises.remember(CONFIG, 1, 10, Memory(left=0))
    backup = (tmp_path / "node" / "journal.db").read_bytes()
    with Journal(tmp_path / "node") as journal:
        journal.protection.follow(trail(tmp_path))
        journal.promises.remember(CONFIG, 2, 20, Memory(prepared_view=0, prepared_digest=OURS))
        journal.promises.remember(CONFIG, 1, 10, Memory(left=1))
    (tmp_path / "node" / "journal.db").write_bytes(backup)
    with Journal(tmp_path / "node") as restored:
        restored.protection.follow(trail(tmp_path))
        assert restored.protection.over(1, 12) == 0
        assert "this machine remembers" in refused(restored, 20, feed=2)
