"""The publishing queue: what is wanted where, through repeats, retention and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.journal import Journal
from node.journal.publications import PublicationRow

ROOTS = [bytes([number]) * 32 for number in range(6)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def states(journal: Journal, target: str = "attic") -> dict[int, str]:
    return {row.checkpoint: row.state for row in journal.publications.all() if row.target == target}


def test_add__same_root_again__one_row_for_each_target(journal: Journal) -> None:
    rows = journal.publications
    assert rows.add(["attic", "cellar"], ROOTS[1], 1, 100) == 2
    assert rows.add(["attic", "cellar", "shed"], ROOTS[1], 1, 100) == 1
    assert [row.target for row in rows.all()] == ["attic", "cellar", "shed"]
    assert rows.due("attic") == [PublicationRow("attic", ROOTS[1], 1, 100)]


def test_due__what_landed_last_first_and_unpinning_at_the_end(journal: Journal) -> None:
    rows = journal.publications
    for checkpoint in (2, 4, 3, 1):
        rows.add(["attic"], ROOTS[checkpoint], 1, checkpoint)
    rows.mark(rows.due("attic")[-1], "published")
    rows.keep("attic", 1, 3)
    rows.add(["attic"], ROOTS[5], 2, 0)
    assert [(row.checkpoint, row.state) for row in rows.due("attic")] == [
        (4, "waiting"), (3, "waiting"), (2, "waiting"), (0, "waiting"), (1, "unwanted"),
    ]  # fmt: skip


def test_keep__newest_of_each_feed__others_go_and_stay_gone(journal: Journal) -> None:
    rows = journal.publications
    for checkpoint in (1, 2, 3, 4):
        rows.add(["attic"], ROOTS[checkpoint], 1, checkpoint)
    rows.add(["attic"], ROOTS[5], 2, 1)
    rows.mark(PublicationRow("attic", ROOTS[2], 1, 2), "published")
    assert rows.keep("attic", 1, 2) == 2
    assert rows.keep("attic", 1, 2) == 0
    assert {row.root: row.state for row in rows.all()} == {
        ROOTS[1]: "gone", ROOTS[2]: "unwanted", ROOTS[3]: "waiting", ROOTS[4]: "waiting", ROOTS[5]: "waiting",
    }  # fmt: skip
    rows.add(["attic"], ROOTS[1], 1, 1)
    assert {row.root: row.state for row in rows.all()}[ROOTS[1]] == "gone", "a start does not bring it back"


def test_add__root_that_lands_again__wanted_again(journal: Journal) -> None:
    rows = journal.publications
    for checkpoint in (1, 2):
        rows.add(["attic"], ROOTS[checkpoint], 1, checkpoint)
    rows.mark(PublicationRow("attic", ROOTS[1], 1, 1), "published")
    rows.keep("attic", 1, 1)
    rows.add(["attic"], ROOTS[1], 1, 3)
    assert states(journal) == {3: "published", 2: "waiting"}


def test_mark__published_and_unwanted_in_the_meantime__has_to_be_unpinned(journal: Journal) -> None:
    rows = journal.publications
    rows.add(["attic"], ROOTS[1], 1, 1)
    [taken] = rows.due("attic")
    rows.add(["attic"], ROOTS[2], 1, 2)
    rows.keep("attic", 1, 1)
    rows.mark(taken, "published")
    assert states(journal) == {1: "unwanted", 2: "waiting"}


def test_trim__rows_that_are_over__the_newest_stay_and_all_that_is_due(journal: Journal) -> None:
    rows = journal.publications
    for checkpoint in range(1, 6):
        rows.add(["attic"], ROOTS[checkpoint], 1, checkpoint)
    for row in rows.due("attic"):
        if row.checkpoint != 1:
            rows.mark(row, "published")
    assert rows.trim("attic", 2) == 2
    assert sorted(states(journal)) == [1, 4, 5]


def test_counts__after_a_restart__as_before(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.publications.add(["attic", "cellar"], ROOTS[1], 1, 1)
        journal.publications.mark(PublicationRow("attic", ROOTS[1], 1, 1), "published")
    with Journal(tmp_path) as journal:
        assert journal.publications.counts() == {"attic": {"published": 1}, "cellar": {"waiting": 1}}
