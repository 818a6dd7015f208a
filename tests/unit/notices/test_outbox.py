"""What is to be told survives restarts, and a journal that takes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.errors import JournalUnwritableError
from node.journal import Journal
from node.journal.notices import KEPT, NoticeRow
from node.keys.secrets import Secret
from node.notices.outbox import MAX_UNKEPT, Outbox
from node.notices.targets import Target
from node.notices.troubles import Found

MAIL = Target("mail", "info", Secret("json://mail.example/secret-a1"))
PHONE = Target("phone", "critical", Secret("json://phone.example/secret-b2"))
LOW = Found("low-balance", "Account 0x1 holds 0.01 ether.")


def notice(code: str = "low-balance", level: str = "warning", at: int = 1) -> NoticeRow:
    return NoticeRow(at, code, level, "begun", "it is so")


def full(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the journal take nothing, as on a full disk."""

    def refuse(*_: object) -> int:
        raise JournalUnwritableError("the disk is full")

    monkeypatch.setattr(journal._store, "execute", refuse)


def test_add__levels_and_mute__decide_who_is_to_take_it(journal: Journal) -> None:
    outbox = Outbox(journal, [MAIL, PHONE], ["crossing-landed"])
    outbox.add(notice())
    outbox.add(notice("slashed", "critical"))
    outbox.add(notice("crossing-landed", "info"))
    assert [row.code for row in outbox.waiting("mail")] == ["low-balance", "slashed"]
    assert [row.code for row in outbox.waiting("phone")] == ["slashed"]
    assert [row.code for row in outbox.last()] == ["crossing-landed", "slashed", "low-balance"]


def test_restart__what_was_not_taken__still_waits_and_what_was_does_not(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        outbox = Outbox(journal, [MAIL, PHONE], [])
        outbox.begun(LOW, notice(level="critical"))
        outbox.add(notice("slashed", "critical"))
        outbox.taken("mail", [row.id for row in outbox.waiting("mail")])
    with Journal(tmp_path) as journal:
        outbox = Outbox(journal, [MAIL, PHONE], [])
        assert outbox.waiting("mail") == []
        assert [row.code for row in outbox.waiting("phone")] == ["low-balance", "slashed"]
        assert outbox.standing() == [LOW]
        outbox.over(LOW, notice())
    with Journal(tmp_path) as journal:
        assert Outbox(journal, [], []).standing() == []


def test_full_disk__notices_wait_in_memory_and_are_delivered_and_kept_later(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(journal, [MAIL], [])
    with monkeypatch.context() as patch:
        full(journal, patch)
        outbox.begun(LOW, notice("journal-not-writable", "critical"))
        outbox.add(notice("no-broker"))
        assert outbox.failing
        (first, second) = outbox.waiting("mail")
        assert [first.code, second.code] == ["journal-not-writable", "no-broker"]
        assert first.id < 0
        assert outbox.taken("mail", [first.id])
        assert outbox.waiting("mail") == [second]
        assert outbox.undelivered() == {second.id: ["mail"]}
        outbox.settle()
    outbox.settle()
    assert [row.code for row in journal.notices.last()] == ["no-broker", "journal-not-writable"]
    assert [row.code for row in outbox.waiting("mail")] == ["no-broker"]
    assert outbox.standing() == [LOW]
    assert not outbox.failing


def test_full_disk__trouble_begins_and_ends_across_it__is_over_in_the_end(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(journal, [MAIL], [])
    with monkeypatch.context() as patch:
        full(journal, patch)
        outbox.begun(LOW, notice())
    outbox.over(LOW, notice())  # before what was not kept could be
    outbox.settle()
    assert outbox.standing() == []


def test_full_disk__endless_notices__memory_keeps_the_last(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(journal, [MAIL], [])
    full(journal, monkeypatch)
    for number in range(3 * MAX_UNKEPT):
        outbox.over(LOW, notice(at=number))
    assert [row.at for row in outbox.waiting("mail")] == [*range(2 * MAX_UNKEPT, 3 * MAX_UNKEPT)]


def test_add__more_than_are_kept__the_oldest_go_with_their_deliveries(journal: Journal) -> None:
    outbox = Outbox(journal, [MAIL], [])
    with journal.transaction():
        for number in range(KEPT + 20):
            outbox.add(notice(at=number))
    assert len(outbox.waiting("mail")) == len(outbox.last()) == KEPT
    assert outbox.waiting("mail")[0].at == 20


def test_only_these_targets__one_that_is_configured_no_more__is_let_go_of(journal: Journal) -> None:
    Outbox(journal, [MAIL, PHONE], []).add(notice(level="critical"))
    outbox = Outbox(journal, [PHONE], [])
    outbox.only_these_targets()
    assert outbox.undelivered() == {1: ["phone"]}


def test_told__events_and_how_far__are_kept_together_or_not_at_all(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(journal, [MAIL], [])
    assert outbox.until("landed") is None
    with monkeypatch.context() as patch:
        patch.setattr(journal.notices, "tell_until", lambda *_: full(journal, patch) or journal._store.execute(""))
        assert not outbox.told("landed", 7, [notice()])
    assert (outbox.last(), outbox.until("landed")) == ([], None)
    assert outbox.told("landed", 7, [notice()])
    assert (len(outbox.last()), outbox.until("landed")) == (1, 7)


def test_journal__file__holds_no_target_url(journal: Journal) -> None:
    outbox = Outbox(journal, [MAIL, PHONE], [])
    outbox.add(notice(level="critical"))
    folder = journal.path.parent
    journal.close()
    held = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"phone" in held
    assert b"secret-a1" not in held
    assert b"secret-b2" not in held
