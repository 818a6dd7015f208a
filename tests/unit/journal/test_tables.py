"""Samples, rounds, reports, artworks, transactions, counters: what goes in comes out."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.chain.types import Landed, Sample
from node.errors import JournalError
from node.journal import AttemptRow, Journal

UINT256 = st.integers(0, 2**256 - 1)
HASH = st.binary(min_size=32, max_size=32)
SAMPLE = Sample(1, 100, b"h" * 32, 10**18, 5, 6, 1, 90)
LANDED = Landed(
    feed=1,
    checkpoint=100,
    config_digest=b"c" * 32,
    report_digest=b"d" * 32,
    answer=-(10**20),
    previous_band=1,
    band=0,
    content_root=bytes(32),
    signers=0b1011,
    transmitter="0xAb",
    block_number=103,
    block_hash=b"b" * 32,
    tx_hash=b"t" * 32,
    log_index=4,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.builds(
            Sample, st.integers(1, 3), st.integers(0, 2**62), HASH, UINT256, UINT256, UINT256, st.integers(0, 15),
            st.integers(0, 2**62),
        ),
        max_size=12,
        unique_by=lambda sample: (sample.feed, sample.checkpoint),
    )
)  # fmt: skip
def test_samples__any_values__come_back_in_order(samples: list[Sample]) -> None:
    with tempfile.TemporaryDirectory() as directory, Journal(Path(directory)) as journal:
        journal.samples.add(samples)
        for feed in (1, 2, 3):
            mine = sorted((one for one in samples if one.feed == feed), key=lambda one: one.checkpoint)
            assert journal.samples.last(feed, 99) == mine
            assert journal.samples.last(feed, 2) == mine[-2:]
            if mine:
                assert journal.samples.last(feed, 99, until=mine[-1].checkpoint - 1) == mine[:-1]
                assert mine[0] in journal.samples.at(mine[0].checkpoint)


def test_samples__same_again__is_harmless_another_is_refused(journal: Journal) -> None:
    journal.samples.add([SAMPLE])
    journal.samples.add([SAMPLE])
    other = dataclasses.replace(SAMPLE, checkpoint=200)
    for field, value in (("block_hash", b"x" * 32), ("share_price", 1), ("band", 2)):
        with pytest.raises(JournalError, match="an endpoint is wrong"):
            journal.samples.add([other, dataclasses.replace(SAMPLE, **{field: value})])
    assert journal.samples.last(1, 9) == [SAMPLE]


def test_cursors__move_and_are_apart(journal: Journal) -> None:
    assert journal.cursors.get("a") is None
    journal.cursors.set("a", 5)
    journal.cursors.set("b", 6)
    journal.cursors.set("a", 7)
    assert (journal.cursors.get("a"), journal.cursors.get("b")) == (7, 6)


def test_rounds__open_once_and_end_once(journal: Journal) -> None:
    assert journal.rounds.open(1, 20, b"h" * 32, -(10**30), [10**25, -1], "heartbeat")
    assert not journal.rounds.open(1, 20, b"x" * 32, 0, [], "band")
    assert journal.rounds.open(1, 10, b"h" * 32, 1, [], "band")
    first, second = journal.rounds.unfinished()
    assert (first.checkpoint, second.checkpoint) == (10, 20)
    assert (second.answer, second.signals, second.reason) == (-(10**30), (10**25, -1), "heartbeat")
    assert journal.rounds.finish_until(1, 20) == 1
    assert journal.rounds.finish(1, 20, "landed")
    assert not journal.rounds.finish(1, 20, "abandoned")
    # Abandoned here, landed through others after all.
    assert journal.rounds.finish(1, 10, "landed")
    assert journal.rounds.unfinished() == []
    assert [row.state for row in journal.rounds.last(9)] == ["landed", "landed"]
    assert not journal.rounds.open(1, 20, b"h" * 32, 0, [], "band")


def test_reports__stored_once_and_in_order(journal: Journal) -> None:
    later = dataclasses.replace(LANDED, checkpoint=200, block_number=203)
    assert journal.reports.add(LANDED)
    assert not journal.reports.add(LANDED)
    assert journal.reports.add(later)
    assert journal.reports.get(1, 100) == LANDED
    assert journal.reports.of(1) == journal.reports.last(9) == [later, LANDED]
    with pytest.raises(JournalError, match="reorganised past finality"):
        journal.reports.add(dataclasses.replace(LANDED, answer=1))
    assert journal.reports.get(1, 100) == LANDED


def test_reports__columns_are_landeds_fields(journal: Journal) -> None:
    names = [column.name for column in journal._store.db["reports"].columns]
    assert names == [field.name for field in dataclasses.fields(Landed)]


def test_artworks__history_of_an_edition(journal: Journal) -> None:
    assert journal.artworks.current("0xA", 1) is None
    for checkpoint, root in ((20, b"2" * 32), (10, b"1" * 32), (20, b"2" * 32)):
        journal.artworks.add("0xA", 1, checkpoint, root)
    journal.artworks.add("0xA", 2, 30, b"3" * 32)
    current = journal.artworks.current("0xA", 1)
    assert current is not None
    assert (current.checkpoint, current.root) == (20, b"2" * 32)
    assert [row.root for row in journal.artworks.history("0xA", 1)] == [b"1" * 32, b"2" * 32]
    with pytest.raises(JournalError, match="two content roots"):
        journal.artworks.add("0xA", 1, 20, b"9" * 32)


def test_transactions__life_of_one(journal: Journal) -> None:
    table = journal.transactions
    assert table.queue("k", "0xS", "0xR", b"\x01", 2**200, 50_000)
    assert not table.queue("k", "0xS", "0xQ", b"\x02", 0, 1)
    (row,) = table.unfinished("0xS")
    assert (row.recipient, row.calldata, row.value, row.nonce, row.state) == ("0xR", b"\x01", 2**200, None, "queued")
    assert table.next_nonce("0xS") == 0
    attempts = [AttemptRow(bytes([i]) * 32, row.id, b"raw", 2**70 + i, i, empty=bool(i)) for i in range(2)]
    for attempt in attempts:
        table.sign(row.id, 7, attempt)
    assert table.attempts(row.id) == attempts
    signed = table.get("k")
    assert signed is not None
    assert (signed.state, table.unfinished("0xS")[0].state, table.last(1)[0].state) == ("signed",) * 3
    table.taken(attempts[0].tx_hash)
    assert table.unfinished("0xS")[0].state == "sent"
    assert [attempt.taken for attempt in table.attempts(row.id)] == [True, False]
    assert (table.uses("0xS", 7), table.uses("0xS", 6), table.uses("0xT", 7)) == (True, False, False)
    assert (table.next_nonce("0xS"), table.next_nonce("0xT")) == (8, 0)
    table.mined(row.id, attempts[0].tx_hash, 9, b"b" * 32, False)
    mined = table.get("k")
    assert mined is not None
    assert (mined.state, mined.block_number, mined.succeeded) == ("mined", 9, False)
    table.unmined(row.id)
    assert table.unfinished("0xS")[0].tx_hash is None
    table.release(row.id)
    assert (table.unfinished("0xS")[0].nonce, table.attempts(row.id)) == (None, [])
    table.final(row.id)
    assert table.unfinished("0xS") == []
    assert [row.key for row in table.last(5)] == ["k"]


def test_transactions__one_nonce_twice__is_refused(journal: Journal) -> None:
    for key in "ab":
        journal.transactions.queue(key, "0xS", "0xR", b"", 0, 1)
    first, second = journal.transactions.unfinished("0xS")
    journal.transactions.sign(first.id, 0, AttemptRow(b"1" * 32, first.id, b"", 1, 1))
    with pytest.raises(JournalError):
        journal.transactions.sign(second.id, 0, AttemptRow(b"2" * 32, second.id, b"", 1, 1))
    assert journal.transactions.attempts(second.id) == []


def test_transactions__attempt_of_nothing__is_refused(journal: Journal) -> None:
    with pytest.raises(JournalError):
        journal.transactions.sign(99, 0, AttemptRow(b"1" * 32, 99, b"", 1, 1))


def test_counters__add_up_over_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        with Journal(tmp_path) as journal:
            journal.counters.add("seen", 2)
            journal.counters.add("dropped")
    with Journal(tmp_path) as journal:
        assert journal.counters.all() == {"dropped": 2, "seen": 4}
