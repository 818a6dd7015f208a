"""What the journal binds the driver to: durable before it is given away, and for every life after."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from pathlib import Path

import pytest

from node.agreement.effects import Attest
from node.agreement.memory import Memory
from node.agreement.report import report_digest
from node.errors import EquivocationError, JournalError, JournalUnwritableError
from node.journal import Journal
from tests.unit.rounds.desk import (
    KEY,
    OTHER_ROOT,
    ROOT,
    Desk,
    ScriptedMachine,
    make_committee,
    paints,
    report_of,
    trigger,
    until,
)


async def test_attest__row_is_on_disk__before_the_signature_is_made_and_anything_is_published(
    journal: Journal, tmp_path: Path
) -> None:
    """Incident: an honest crash that looks like equivocation (libocr keeps `sentReport` in memory only)."""
    desk = Desk(journal)
    on_disk: list[tuple[dict[int, bytes], bool]] = []

    def look(digest: bytes) -> None:
        with Journal(tmp_path, read_only=True) as beside:  # another connection sees committed rows alone
            found = beside.attestations.of(desk.committee.config_digest, 1, 10)
        on_disk.append(({view: row.digest for view, row in found.items()}, "attestation" in desk.wire.kinds()))
        document = json.loads(found[0].report)
        assert (document["message"]["checkpoint"], document["primaryType"]) in {(10, "Report"), ("10", "Report")}

    desk.signer.before = look
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: "attestation" in desk.wire.kinds())
    assert on_disk == [({0: desk.signer.signed[0]}, False)]


async def test_attest__crash_between_row_and_signature__the_next_life_is_bound_though_nothing_left(
    journal: Journal,
) -> None:
    broken = Desk(journal)

    def crash(_: bytes) -> None:
        raise RuntimeError("killed here")

    broken.signer.before = crash
    task = asyncio.create_task(broken.driver.run())
    await broken.driver.begin(trigger(), paints(ROOT))
    await until(task.done)
    assert task.exception() is not None
    assert (broken.signer.signed, broken.wire.kinds() & {"attestation"}) == ([], set())
    [promised] = broken.rows().values()
    again = Desk(journal)
    async with again.running():
        await again.driver.begin(trigger(), paints(OTHER_ROOT))
        await until(lambda: again.driver.counters["dropped other_report"])
    assert again.rows() == {0: promised}
    assert (again.signer.signed, again.transmitter.sent) == ([], [])
    third = Desk(journal)
    async with third.running():
        await third.driver.begin(trigger(), paints(ROOT))
        await until(lambda: third.transmitter.sent)
    assert third.signer.signed == [promised]


async def test_attest__journal_is_bound_to_another_digest__signs_and_publishes_nothing(journal: Journal) -> None:
    config, bound = make_committee(1).config_digest, b"\x77" * 32
    journal.attest(config, 1, 10, 0, bound, b"{}")
    digest = report_digest(make_committee(1).domain, report_of(0, ROOT))
    machine = ScriptedMachine([Attest(KEY, 0, report_of(0, ROOT), digest)])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await asyncio.sleep(0.02)
    assert (desk.signer.signed, desk.wire.published, machine.heard) == ([], [], [])
    assert desk.rows() == {0: bound}
    with pytest.raises(EquivocationError):  # the journal would have refused the machine's digest
        journal.attest(config, 1, 10, 0, digest, b"{}")


async def test_begin__restart_with_another_painting__signs_no_second_report_in_any_view(journal: Journal) -> None:
    """Incident: an honest crash that looks like equivocation: what the journal holds binds the next life."""
    first = Desk(journal)
    async with first.running():
        await first.driver.begin(trigger(), paints(ROOT))
        await until(lambda: first.transmitter.sent)
    again = Desk(journal)
    async with again.running():
        await again.driver.begin(trigger(), paints(OTHER_ROOT))
        await until(lambda: again.driver.counters["dropped other_report"])
    assert again.rows() == first.rows() == {0: first.signer.signed[0]}
    assert (again.signer.signed, again.transmitter.sent) == ([], [])


async def test_begin__restart_with_the_same_painting__signs_no_more_than_one_digest_for_each_view(
    journal: Journal,
) -> None:
    digests: dict[int, set[bytes]] = {}
    for _ in range(3):
        desk = Desk(journal)
        async with desk.running():
            await desk.driver.begin(trigger(), paints(ROOT))
            await until(lambda desk=desk: desk.transmitter.sent)
        for effect in desk.transmitter.sent:
            digests.setdefault(effect.view, set()).add(effect.digest)
    assert all(len(found) == 1 for found in digests.values())
    assert desk.rows() == {view: next(iter(found)) for view, found in digests.items()}


def fill_up(journal: Journal) -> None:
    """Let SQLite refuse every page more, as it does on a full disk, and use up what is free in its pages."""
    database = journal._store.db
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    for checkpoint in count(1_000):
        journal.promises.remember(make_committee(1).config_digest, 1, checkpoint, Memory())


async def test_incident__disk_full__nothing_binding_leaves_and_the_round_goes_on_when_there_is_space(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.rounds.driver.BEGIN_AGAIN_MS", 20)
    desk = Desk(journal)
    with pytest.raises(JournalError, match="disk is full"):
        fill_up(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.driver.counters["rounds stalled"] > 2)
        assert desk.wire.kinds() <= {"observation", "proposal"}
        assert (desk.signer.signed, desk.driver.in_flight(1)) == ([], 10)
        journal._store.db.execute("PRAGMA max_page_count = 1000000")
        await until(lambda: desk.transmitter.sent)
    assert desk.rows() == {0: desk.signer.signed[0]}


async def test_incident__disk_neither_writes_nor_reads_for_a_while__the_round_goes_on_when_it_does(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.rounds.driver.BEGIN_AGAIN_MS", 20)
    desk, digests, failed = Desk(journal), journal.attestations.digests, list[int]()

    def unreadable(*_: object) -> dict[int, bytes]:
        failed.append(1)
        raise JournalUnwritableError("the disk does not read or write")

    with pytest.raises(JournalError, match="disk is full"):
        fill_up(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.driver.stalled)
        monkeypatch.setattr(journal.attestations, "digests", unreadable)
        await until(lambda: len(failed) > 2)
        assert (desk.driver.stalled, desk.driver.in_flight(1)) == (True, 10)
        monkeypatch.setattr(journal.attestations, "digests", digests)
        journal._store.db.execute("PRAGMA max_page_count = 1000000")
        await until(lambda: desk.transmitter.sent)
