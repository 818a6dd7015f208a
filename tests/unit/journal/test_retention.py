"""What the journal lets go of, and that no key signs twice for it, whatever comes between."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from node.agreement.memory import Memory
from node.chain.types import Sample
from node.errors import EquivocationError, JournalError, RefusalError
from node.journal import AttemptRow, Journal
from node.journal import retention as kept
from node.journal.safety.interchange import collect, merge
from node.journal.safety.protection_file import read, write
from tests.unit.paper import make_landed

CONFIG, OTHER = b"c" * 32, b"e" * 32  # the first is that of make_landed
CHAIN, ORACLE, SIGNER = 31337, "0x" + "11" * 20, "0x" + "22" * 20
FAR = 10**6
"""So far behind the last final block that nothing is kept for its age."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def land(journal: Journal, checkpoint: int, block: int, digest: bytes, config: bytes = CONFIG, feed: int = 1) -> None:
    """A final report that names this node, as it reaches the journal."""
    report = replace(make_landed(checkpoint, block, report_digest=digest), config_digest=config, feed=feed)
    with journal.transaction():
        journal.reports.add(report)
        journal.protection.over(feed, block)
        journal.protection.settled(report)


def everything(journal: Journal) -> int:
    tables = ("attestations", "votes", "promises", "closed", "doubts")
    return sum(journal.retention._store.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables)


def bind(journal: Journal, checkpoint: int, config: bytes = CONFIG, feed: int = 1, digest: bytes = b"a" * 32) -> None:
    journal.promises.remember(config, feed, checkpoint, Memory(left=0, lock_view=0, lock=b"lock"))
    journal.attest(config, feed, checkpoint, 0, digest, b"report")


def test_settle__rounds_that_a_final_report_ended__go_and_are_refused_for_ever(journal: Journal) -> None:
    for checkpoint in (10, 20, 30):
        bind(journal, checkpoint)
    bind(journal, 10, OTHER)
    bind(journal, 10, feed=2)
    journal.votes.cast(CONFIG, 1, 20, b"v" * 32)
    land(journal, 20, 25, b"a" * 32)
    assert journal.retention.settle([1], FAR) > 0
    assert list(journal.attestations.of(CONFIG, 1, 30)) == [0]
    assert list(journal.attestations.of(CONFIG, 2, 10)) == [0]
    assert journal.attestations.count() == 2
    assert journal.protection.marks() == {(CONFIG, 1): 24, (OTHER, 1): 24}
    for config in (CONFIG, OTHER):
        for checkpoint in (0, 10, 20, 24):
            assert journal.protection.given_up(config, 1, checkpoint)
            for act in acts(journal, config, checkpoint):
                with pytest.raises(RefusalError, match="up to checkpoint 24"):
                    act()
    journal.attest(CONFIG, 1, 25, 0, b"b" * 32, b"")
    assert not any(journal.protection.all_closed())


def acts(journal: Journal, config: bytes, checkpoint: int) -> list[Callable[[], Any]]:
    return [
        lambda: journal.attest(config, 1, checkpoint, 0, b"b" * 32, b""),
        lambda: journal.attest(config, 1, checkpoint, 0, b"a" * 32, b""),
        lambda: journal.promises.remember(config, 1, checkpoint, Memory(left=3)),
        lambda: journal.votes.cast(config, 1, checkpoint, b"w" * 32),
    ]


def test_settle__young_rounds_and_feeds_without_a_report__keep_everything(journal: Journal) -> None:
    for feed in (1, 2):
        bind(journal, 10, feed=feed)
    land(journal, 10, 12, b"a" * 32)
    before = everything(journal)
    assert journal.retention.settle([1, 2], 10 + kept.KEPT_BLOCKS - 1) == 0
    assert everything(journal) == before
    assert journal.retention.settle([1, 2], 10 + kept.KEPT_BLOCKS) > 0
    assert list(journal.attestations.of(CONFIG, 2, 10)) == [0]


def test_settle__while_there_is_doubt__nothing_goes(journal: Journal) -> None:
    """Incident: a node never equivocates through a restored backup."""
    bind(journal, 10)
    land(journal, 10, 12, b"a" * 32)
    land(journal, 20, 22, b"unknown".ljust(32))
    before = everything(journal)
    assert journal.retention.settle([1], FAR) == 0
    assert everything(journal) == before
    assert journal.protection.doubts()


def test_settle__backup_restored_after_it__a_report_that_it_never_knew_is_still_a_doubt(journal: Journal) -> None:
    """Incident: a node never equivocates through a restored backup."""
    bind(journal, 10)
    land(journal, 10, 12, b"a" * 32)
    journal.retention.settle([1], FAR)
    # Whatever lands after the mark's report is for its block at the earliest.
    land(journal, 12, 15, b"unknown".ljust(32))
    assert [doubt.checkpoint for doubt in journal.protection.doubts()] == [12]


def test_settle__reports_that_were_known_once__are_no_doubt_when_read_again(journal: Journal, tmp_path: Path) -> None:
    bind(journal, 10)
    land(journal, 10, 12, b"a" * 32)
    journal.retention.settle([1], FAR)
    with Journal(tmp_path / "new") as new:  # it reads the chain's reports from the first on
        merge(new, collect(journal, CHAIN, ORACLE, SIGNER), CHAIN, ORACLE, SIGNER)
        land(new, 10, 12, b"a" * 32)
        assert not new.protection.doubts()


def test_settle__cut_short_at_any_step__either_the_rows_stand_or_the_mark_does(tmp_path: Path) -> None:
    for step in range(1, 40):
        with Journal(tmp_path / str(step)) as journal:
            bind(journal, 10)
            land(journal, 10, 12, b"a" * 32)
            store, left = journal.retention._store, step
            plain = store.execute

            def cut(sql: str, parameters: Any = (), plain: Any = plain) -> int:
                nonlocal left
                left -= 1
                if not left:
                    raise sqlite3.OperationalError("power is gone")
                return int(plain(sql, parameters))

            store.execute = cut  # type: ignore[method-assign]
            try:
                journal.retention.settle([1], FAR)
            except JournalError:
                done = False
            else:
                done = True
        with Journal(tmp_path / str(step)) as again:
            assert bool(again.attestations.count()) != bool(again.protection.marks())
            with pytest.raises((RefusalError, EquivocationError)):
                again.attest(CONFIG, 1, 10, 0, b"b" * 32, b"")
        if done:
            assert step > 4
            return
    raise AssertionError("it never came to its end")


def test_export__marks_and_what_is_above__is_the_same_knowledge_on_the_other_side(tmp_path: Path) -> None:
    with Journal(tmp_path / "old") as old, Journal(tmp_path / "new") as new:
        for checkpoint in (10, 30):
            bind(old, checkpoint)
        land(old, 10, 20, b"a" * 32)
        old.retention.settle([1], FAR)
        write(tmp_path / "file", collect(old, CHAIN, ORACLE, SIGNER))
        assert merge(new, read(tmp_path / "file"), CHAIN, ORACLE, SIGNER).marks == 1
        assert merge(new, read(tmp_path / "file"), CHAIN, ORACLE, SIGNER).marks == 0
        for checkpoint in (0, 10, 19, 30):
            assert new.protection.given_up(CONFIG, 1, checkpoint)
        assert not new.protection.given_up(CONFIG, 1, 20)
        # A file that is behind takes nothing back.
        new.protection.raise_mark(CONFIG, 1, 50)
        merge(new, read(tmp_path / "file"), CHAIN, ORACLE, SIGNER)
        assert new.protection.mark(CONFIG, 1) == 50


def test_import__file_of_version_1__is_read(tmp_path: Path) -> None:
    with Journal(tmp_path / "old") as old, Journal(tmp_path / "new") as new:
        bind(old, 10)
        write(tmp_path / "file", collect(old, CHAIN, ORACLE, SIGNER))
        text = (tmp_path / "file").read_text()
        assert '"version": 2' in text
        (tmp_path / "file").write_text(text.replace('"version": 2', '"version": 1'))
        assert merge(new, read(tmp_path / "file"), CHAIN, ORACLE, SIGNER).rounds == 1


def sample(checkpoint: int, feed: int = 1) -> Sample:
    return Sample(feed, checkpoint, b"h" * 32, 10**18, 5, 6, 1, 90)


@pytest.mark.parametrize(("count", "needed"), [(100, 1), (5_000, 24), (5_000, 900)])
def test_thin__samples_of_any_age__keep_what_is_judged_by_and_a_few_of_the_rest(
    journal: Journal, count: int, needed: int
) -> None:
    cadence = 5
    with journal.transaction():
        journal.samples.add(sample(number * cadence) for number in range(1, count + 1))
    journal.rounds.open(1, 2 * cadence, b"h" * 32, 1, [1], "crossing")
    while journal.retention.thin(1, cadence, needed):
        pass
    left = [one.checkpoint // cadence for one in journal.samples.last(1, 10_000)]
    dense = min(count, max(needed + kept.MARGIN, kept.KEPT_SAMPLES))
    assert left[-dense:] == list(range(count - dense + 1, count + 1))
    if dense == count:
        assert len(left) == count
        return
    assert 2 in left  # a round is open on it
    assert dense + dense // 8 < len(left) < dense + (dense // 4 + 2) * 8
    assert left[0] < count // 10  # the feed's early life is still to be seen
    gaps = [after - before for before, after in pairwise(left[1:])]
    assert gaps == sorted(gaps, reverse=True)  # the older the sparser


def test_thin__twice_and_with_new_samples__a_feed_grows_with_the_logarithm_of_its_age(journal: Journal) -> None:
    sizes = []
    for month in range(8):
        start = month * 2_000
        with journal.transaction():
            journal.samples.add(sample(number) for number in range(start + 1, start + 2_001))
        while journal.retention.thin(1, 1, 24):
            pass
        sizes.append(len(journal.samples.last(1, 10**6)))
    assert sizes[-1] - sizes[3] < 200  # twice as old, one step more
    assert sizes[-1] < 1_300


def test_thin__rounds__newest_and_open_ones_stay(journal: Journal) -> None:
    with journal.transaction():
        for checkpoint in range(200):
            journal.rounds.open(1, checkpoint, b"h" * 32, 1, [1], "crossing")
            if checkpoint != 7:
                journal.rounds.finish(1, checkpoint, "landed")
    journal.rounds.open(2, 0, b"h" * 32, 1, [1], "crossing")
    journal.retention.thin(1, 1, 1)
    left = [row.checkpoint for row in journal.rounds.last(999) if row.feed == 1]
    assert left == [*range(199, 199 - kept.KEPT_ROUNDS, -1), 7]
    assert journal.rounds.get(2, 0) is not None


def test_transactions__many_that_are_over__newest_unfinished_and_the_highest_nonce_stay(journal: Journal) -> None:
    for number in range(30):
        journal.transactions.queue(f"key {number}", "0xme", "0xyou", b"", 0, 1)
        row = journal.transactions.get(f"key {number}")
        assert row is not None
        # The first has the highest nonce of all, as after a node that had long been away.
        nonce = 99 if number == 0 else number
        journal.transactions.sign(row.id, nonce, AttemptRow(number.to_bytes(32, "big"), row.id, b"raw", 1, 1))
        if number != 5:
            journal.transactions.final(row.id)
    assert journal.transactions.next_nonce("0xme") == 100
    assert journal.retention.transactions(10) == 18
    left = {row.key for row in journal.transactions.last(99)}
    assert left == {"key 0", "key 5", *(f"key {number}" for number in range(20, 30))}
    assert journal.transactions.next_nonce("0xme") == 100
    assert journal.retention.transactions(10) == 0


def test_reports__more_than_any_page_reads__oldest_go(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_REPORTS", 5)
    for number in range(1, 11):
        land(journal, number * 10, number * 10 + 1, b"a" * 32, OTHER)
    journal.protection.raise_floor(1_000)  # nothing to doubt
    journal.retention.settle([1], FAR)
    assert [report.checkpoint for report in journal.reports.of(1)] == [100, 90, 80, 70, 60]


FEEDS, CONFIGS = st.integers(1, 2), st.sampled_from([CONFIG, OTHER])
CHECKPOINTS = st.integers(1, 12)


class Signing(RuleBasedStateMachine):
    """A key that signs, forgets what is over, is killed, and moves between two machines: never two digests."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.journals = [Journal(self.folder / name) for name in ("a", "b")]
        self.at = 0
        self.given: dict[tuple[bytes, int, int, int], bytes] = {}
        self.blocks: dict[int, int] = {}
        self.moves = 0

    @property
    def journal(self) -> Journal:
        return self.journals[self.at]

    @rule(config=CONFIGS, feed=FEEDS, checkpoint=CHECKPOINTS, view=st.integers(0, 1), number=st.integers(1, 3))
    def sign(self, config: bytes, feed: int, checkpoint: int, view: int, number: int) -> None:
        digest = bytes([number]) * 32
        with suppress(RefusalError, EquivocationError):
            self.journal.attest(config, feed, checkpoint, view, digest, b"report")
            assert self.given.setdefault((config, feed, checkpoint, view), digest) == digest

    @rule(config=CONFIGS, feed=FEEDS, checkpoint=CHECKPOINTS, view=st.integers(0, 2))
    def promise(self, config: bytes, feed: int, checkpoint: int, view: int) -> None:
        with suppress(RefusalError, EquivocationError):
            self.journal.promises.remember(config, feed, checkpoint, Memory(left=view))

    @precondition(lambda self: self.given)
    @rule(which=st.integers(0, 99), wait=st.integers(1, 4))
    def land(self, which: int, wait: int) -> None:
        """A report that this key signed becomes final, where the oracle still takes it."""
        (config, feed, checkpoint, _), digest = sorted(self.given.items())[which % len(self.given)]
        if checkpoint >= self.blocks.get(feed, 0):
            self.blocks[feed] = checkpoint + wait
            land(self.journal, checkpoint, checkpoint + wait, digest, config, feed)

    @rule(seen=st.integers(0, 20))
    def forget(self, seen: int) -> None:
        self.journal.retention.settle([1, 2], kept.KEPT_BLOCKS + seen)

    @rule(step=st.integers(1, 12))
    def forget_and_be_killed(self, step: int) -> None:
        store, left = self.journal.retention._store, step
        plain = store.execute

        def cut(sql: str, parameters: Any = ()) -> int:
            nonlocal left
            left -= 1
            if not left:
                raise sqlite3.OperationalError("killed")
            return plain(sql, parameters)

        store.execute = cut  # type: ignore[method-assign]
        with suppress(JournalError):
            self.journal.retention.settle([1, 2], FAR)
        self.restart()

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journals[self.at] = Journal(self.folder / "ab"[self.at])

    @precondition(lambda self: self.moves < 4)
    @rule()
    def move(self) -> None:
        """Export here, import there, and go on there: the old journal may come back later, with what it held."""
        self.moves += 1
        file = self.folder / f"{self.moves}.json"
        write(file, collect(self.journal, CHAIN, ORACLE, SIGNER))
        self.at = 1 - self.at
        merge(self.journal, read(file), CHAIN, ORACLE, SIGNER)

    @invariant()
    def every_signature__held_or_marked(self) -> None:
        for (config, feed, checkpoint, view), digest in getattr(self, "given", {}).items():
            row = self.journal.attestations.get(config, feed, checkpoint, view)
            if row is None:
                assert self.journal.protection.mark(config, feed) >= checkpoint
            else:
                assert row.digest == digest

    @invariant()
    def own_signatures__cast_no_doubt(self) -> None:
        if hasattr(self, "journals"):
            assert self.journal.protection.doubts() == []

    def teardown(self) -> None:
        for journal in getattr(self, "journals", []):
            journal.close()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


Signing.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
test_signing__any_order_of_signing_forgetting_kills_and_moves__one_digest_a_view = Signing.TestCase
