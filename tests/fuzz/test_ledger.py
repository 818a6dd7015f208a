"""What fuzzing tried is kept, and what is done is not done again before the sources change."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.ledger import Ledger

ONE, TWO, THREE = (f"tests/fuzz/test_x.py::test_{name}" for name in ("one", "two", "three"))


def test_ledger__passed_with_as_many_examples_on_the_same_sources__is_done(tmp_path: Path) -> None:
    path = tmp_path / "build" / "fuzz.jsonl"
    ledger = Ledger(path, "now")
    ledger.note(ONE, 1_000, 1_000, 1.0, "passed")
    ledger.note(TWO, 1_000, 17, 2.0, "failed")
    for known in (ledger, Ledger(path, "now")):
        assert known.done(ONE, 1_000)
        assert not known.done(ONE, 1_001)
        assert not known.done(TWO, 10)
        assert not known.done(THREE, 1)
    assert not Ledger(path, "later").done(ONE, 1)


def test_ledger__run_again__the_latest_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "fuzz.jsonl", "now")
    ledger.note(ONE, 1_000, 3, 1.0, "failed")
    ledger.note(ONE, 1_000, 1_000, 1.0, "passed")
    assert ledger.done(ONE, 1_000)
    ledger.note(ONE, 1_000, 3, 1.0, "failed")
    assert not Ledger(tmp_path / "fuzz.jsonl", "now").done(ONE, 1_000)


def test_table__every_test__says_what_ran_to_which_count(tmp_path: Path) -> None:
    path = tmp_path / "fuzz.jsonl"
    Ledger(path, "before").note(TWO, 1_000, 999, 2.4, "passed")
    ledger = Ledger(path, "now")
    ledger.note(ONE, 100_000, 100_000, 61.0, "passed")
    assert [line.split() for line in ledger.table([ONE, TWO, THREE])] == [
        ["100,000", "61", "passed", "test_x.py::test_one"],
        ["-", "-", "not", "run", "test_x.py::test_three"],
        ["999", "2", "passed", "test_x.py::test_two", "(sources", "have", "changed", "since)"],
    ]
