"""The protection as a file: what one journal was bound to binds the other, and nothing is ever loosened."""

from __future__ import annotations

import json
import stat
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.memory import Memory
from node.errors import JournalError, KeyFileError
from node.journal import Journal
from node.journal.safety.interchange import Merged, collect, merge, rounds_in, take_over, would_take_over
from node.journal.safety.protection_file import read, write
from node.rounds.guard import Guard
from tests.unit.paper import make_landed

CHAIN, ORACLE, SIGNER = 31337, "0x" + "11" * 20, "0x" + "22" * 20
CONFIGS = (b"c" * 32, b"e" * 32)


def digest(number: int) -> bytes:
    return bytes([number]) * 32


def export(journal: Journal, path: Path) -> Path:
    write(path, collect(journal, CHAIN, ORACLE, SIGNER))
    return path


def take(journal: Journal, path: Path) -> Merged:
    return merge(journal, read(path), CHAIN, ORACLE, SIGNER)


def attest(journal: Journal, checkpoint: int, number: int, view: int = 0, config: bytes = CONFIGS[0]) -> bool:
    """Say whether the journal lets the key sign a digest."""
    try:
        journal.attest(config, 1, checkpoint, view, digest(number), b"")
    except JournalError:
        return False
    return True


def promise(journal: Journal, checkpoint: int, memory: Memory, config: bytes = CONFIGS[0]) -> bool:
    try:
        journal.promises.remember(config, 1, checkpoint, memory)
    except JournalError:
        return False
    return True


def test_export_import__another_machine__is_as_bound_as_the_first(tmp_path: Path) -> None:
    with Journal(tmp_path / "old") as old, Journal(tmp_path / "new") as new:
        assert attest(old, 10, 1)
        assert attest(old, 20, 1, view=3)
        assert promise(old, 30, Memory(left=1, prepared_view=2, prepared_digest=digest(5)))
        old.votes.cast(CONFIGS[0], 1, 40, digest(7))
        old.protection.close(CONFIGS[1], 1, 50)
        old.protection.raise_floor(5)
        file = export(old, tmp_path / "protection.json")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert take(new, file) == Merged(5, 5, True)
        for checkpoint in (3, 10, 20, 30, 40):
            assert not attest(new, checkpoint, 2)
            assert not promise(new, checkpoint, Memory(left=9))
        assert not attest(new, 50, 2, config=CONFIGS[1])
        assert attest(new, 60, 2)
        # What landed with its signature is known, so the node starts without doubt.
        guard = Guard(new, {CONFIGS[0]: 0}.get)
        for checkpoint, number in ((10, 1), (20, 1), (40, 7)):
            guard.settled(make_landed(checkpoint, checkpoint + 2, report_digest=digest(number)))
        assert not guard.doubtful()


def test_import__same_file_twice_or_into_where_it_came_from__changes_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        attest(one, 10, 1)
        promise(one, 20, Memory(left=1, lock_view=0, lock=b"lock"))
        file = export(one, tmp_path / "1.json")
        assert take(one, file) == Merged(0, 0, False)
        assert promise(one, 20, Memory(left=4, lock_view=1, lock=b"higher"))
        assert take(one, file) == Merged(0, 0, False)  # it has gone on since: all that the file says is held
        assert attest(one, 20, 3)
        take(other, file)
        again = export(other, tmp_path / "2.json")
        assert take(other, file).closed == 0
        assert take(other, again).closed == 0
        assert (
            export(other, tmp_path / "3.json").read_bytes() == again.read_bytes()
        )  # the same knowledge, the same bytes


def test_two_copies_of_one_node__each_signed_another_digest__the_union_forbids_both(tmp_path: Path) -> None:
    """Incident: two copies of one node started by mistake: what either signed is never contradicted again."""
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        assert attest(one, 10, 1)
        assert attest(other, 10, 2)
        assert take(other, export(one, tmp_path / "1.json")).closed == 1
        for journal in (other,):
            assert not attest(journal, 10, 1)
            assert not attest(journal, 10, 2)
            assert not attest(journal, 10, 3, view=1)


@pytest.mark.parametrize(
    ("ours", "theirs", "closes"),
    [
        (Memory(left=1), Memory(left=2), True),
        (Memory(left=2), Memory(left=1), False),
        (Memory(prepared_view=1, prepared_digest=digest(1)), Memory(prepared_view=1, prepared_digest=digest(2)), True),
        (Memory(prepared_view=2, prepared_digest=digest(1)), Memory(prepared_view=1, prepared_digest=digest(2)), False),
        (Memory(lock_view=1, lock=b"x"), Memory(lock_view=1, lock=b"y"), True),
        (Memory(left=9), Memory(lock_view=0, lock=b"y"), True),
    ],
)
def test_import__promises_that_are_not_all_held__close_the_round(
    tmp_path: Path, ours: Memory, theirs: Memory, closes: bool
) -> None:
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        promise(one, 10, theirs)
        promise(other, 10, ours)
        assert take(other, export(one, tmp_path / "1.json")).closed == closes
        assert promise(other, 10, Memory(99, 99, digest(9), 99, b"z")) != closes


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("attest"), st.sampled_from((10, 20)), st.integers(0, 1), st.integers(1, 2)),
        st.tuples(st.just("promise"), st.sampled_from((10, 20)), st.integers(0, 2), st.integers(1, 2)),
        st.tuples(st.just("vote"), st.sampled_from((10, 20)), st.just(0), st.integers(1, 2)),
        st.tuples(st.just("floor"), st.sampled_from((5, 10)), st.just(0), st.just(0)),
    ),
    max_size=6,
)


def play(journal: Journal, steps: list[tuple[str, int, int, int]]) -> list[tuple[str, int, int, int]]:
    """Take the steps that the journal allows; return those that it did."""
    done = []
    for step in steps:
        kind, checkpoint, view, number = step
        try:
            if kind == "attest":
                journal.attest(CONFIGS[0], 1, checkpoint, view, digest(number), b"")
            elif kind == "promise":
                journal.promises.remember(
                    CONFIGS[0], 1, checkpoint, Memory(left=view, lock_view=view, lock=b"%d" % number)
                )
            elif kind == "vote":
                journal.votes.cast(CONFIGS[0], 1, checkpoint, digest(number))
            else:
                journal.protection.raise_floor(checkpoint)
        except JournalError:
            continue
        done.append(step)
    return done


@settings(max_examples=12)
@given(STEPS, STEPS, STEPS)
def test_import__any_two_histories__binds_to_both_and_loosens_nothing(
    one: list[tuple[str, int, int, int]],
    other: list[tuple[str, int, int, int]],
    after: list[tuple[str, int, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with Journal(base / "a") as first, Journal(base / "b") as second, Journal(base / "c") as alone:
            theirs, ours = play(first, one), play(second, other)
            play(alone, other)
            take(second, export(first, base / "1.json"))
            allowed = play(second, after)
            # Nothing is allowed that was not allowed without the import.
            assert [step for step in play(alone, after) if step in allowed] == allowed
            signed: dict[tuple[int, int], set[int]] = {}
            for kind, checkpoint, view, number in allowed:
                if kind == "attest":
                    signed.setdefault((checkpoint, view), set()).add(number)
            for kind, checkpoint, view, number in theirs:
                # Beside what the other copy did in a round, nothing else is ever signed in it.
                if kind == "attest" and ("attest", checkpoint, view, number) not in ours:
                    assert (checkpoint, view) not in signed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: len(text) // 2], "not a whole protection file"),
        (lambda _: "", "not a whole protection file"),
        (lambda _: "[" * 100_000, "not a whole protection file"),
        (lambda text: text.replace("patina slashing protection", "something else"), "not a protection file"),
        (lambda text: text.replace('"version": 2', '"version": 3'), "version 3"),
        (lambda text: text.replace('"view": 0', '"view": 256'), "attestations"),
        (lambda text: text.replace('"view": 0', '"view": 0, "sly": 1'), "sly"),
        (lambda text: text.replace("0101", "01", 1), "digest"),
        (lambda text: text.replace('"feed": 1', '"feed": 9223372036854775808'), "feed"),
        (lambda text: twice(text, lambda file: file["configurations"]), "a configuration twice"),
        (lambda text: twice(text, lambda file: file["configurations"][0]["rounds"]), "a round"),
        (lambda text: twice(text, lambda file: file["configurations"][0]["rounds"][0]["attestations"]), "a view twice"),
        (lambda text: text.replace(SIGNER, "0x" + "33" * 20), "another signing key"),
        (lambda text: text.replace(ORACLE, "0x" + "33" * 20), "another oracle"),
        (lambda text: text.replace("31337", "1"), "another chain"),
    ],
)
def test_import__malformed_or_foreign_file__is_refused_and_nothing_half_done(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        attest(one, 10, 1)
        attest(one, 20, 2)
        file = export(one, tmp_path / "1.json")
        file.write_text(change(file.read_text()))
        with pytest.raises(JournalError, match=words):
            take(other, file)
        assert other.attestations.count() == 0
        assert (other.identity, other.protection.signer, [*other.protection.all_closed()]) == (None, None, [])


def twice(text: str, find: Callable[[Any], list[Any]]) -> str:
    file = json.loads(text)
    some = find(file)
    some.append(some[0])
    return json.dumps(file)


def test_import__fails_in_the_middle__leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        attest(one, 10, 1)
        attest(one, 20, 2)
        document = read(export(one, tmp_path / "1.json"))
        other._store.execute("CREATE TRIGGER full BEFORE INSERT ON attestations WHEN new.checkpoint = 20"
                             " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")  # fmt: skip
        with pytest.raises(JournalError):
            merge(other, document, CHAIN, ORACLE, SIGNER)
        assert other.attestations.count() == 0
        assert not any(other.protection.all_closed())


def test_write__file_exists__is_never_overwritten(tmp_path: Path) -> None:
    with Journal(tmp_path / "a") as one:
        taken = tmp_path / "taken.json"
        taken.write_text("precious")
        with pytest.raises(KeyFileError, match="never overwritten"):
            export(one, taken)
        assert taken.read_text() == "precious"
        assert rounds_in(collect(one, CHAIN, ORACLE, SIGNER)) == 0


def test_read__no_such_file__says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read"):
        read(tmp_path / "absent.json")


def test_export__longer_than_an_import_reads__is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.journal.safety.protection_file.MAX_BYTES", 2_000)
    with Journal(tmp_path) as journal:
        assert promise(journal, 10, Memory(lock_view=0, lock=bytes(1_000)))
        with pytest.raises(JournalError, match="longer than"):
            export(journal, tmp_path / "file.json")
        assert not (tmp_path / "file.json").exists()
        journal.protection.over(1, 11)
        export(journal, tmp_path / "file.json")
    with Journal(tmp_path / "other") as other:
        assert take(other, tmp_path / "file.json").closed == 1
        assert not promise(other, 10, Memory(left=0))


def test_import__promises_of_a_round_that_is_over_here__are_no_news(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert promise(journal, 10, Memory(left=1))
        before = export(journal, tmp_path / "before.json")
        journal.protection.over(1, 12)
        assert take(journal, before) == Merged(0, 0, floor_raised=False)


def test_take_over__another_journal__as_by_a_file_and_a_trial_leaves_no_trace(tmp_path: Path) -> None:
    with Journal(tmp_path / "old") as old, Journal(tmp_path / "file") as by_file, Journal(tmp_path / "new") as new:
        for journal in (by_file, new):
            attest(journal, 20, 9)
        for config in CONFIGS:
            attest(old, 20, 1, config=config)
            attest(old, 20, 2, view=1, config=config)
            promise(old, 30, Memory(left=1, lock_view=0, lock=b"lock"), config=config)
            old.votes.cast(config, 1, 30, digest(7))
            old.votes.cast(config, 1, 40, digest(7))
        attest(old, 12, 1)
        old.protection.raise_mark(CONFIGS[0], 1, 15)
        old.protection.raise_floor(5)
        told = take(by_file, export(old, tmp_path / "file.json"))
        before = collect(new, CHAIN, ORACLE, SIGNER)
        assert told == Merged(6, 6, True, 1) == would_take_over(new, old)
        assert collect(new, CHAIN, ORACLE, SIGNER) == before
        assert take_over(new, old) == told
        assert collect(new, CHAIN, ORACLE, SIGNER) == collect(by_file, CHAIN, ORACLE, SIGNER)
        assert (
            take_over(new, old) == would_take_over(new, old) == Merged(1, 0, False)
        )  # they contradict each other still


@pytest.mark.parametrize(("checkpoint", "news"), [(19, 0), (20, 0), (21, 1)])
def test_import__round_up_to_the_mark_itself__is_no_news(tmp_path: Path, checkpoint: int, news: int) -> None:
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        attest(one, checkpoint, 1)
        other.protection.raise_mark(CONFIGS[0], 1, 20)
        assert take_over(other, one) == Merged(news, news, False)


def test_export__round_up_to_the_mark_itself__is_left_to_the_mark(tmp_path: Path) -> None:
    with Journal(tmp_path / "a") as one:
        for checkpoint in (19, 20, 21):
            attest(one, checkpoint, 1)
        one.protection.raise_mark(CONFIGS[0], 1, 20)
        (told,) = collect(one, CHAIN, ORACLE, SIGNER).configurations
        assert [found.checkpoint for found in told.rounds] == [21]


def test_two_copies_of_one_node__each_voted_otherwise__the_round_is_closed(tmp_path: Path) -> None:
    with Journal(tmp_path / "a") as one, Journal(tmp_path / "b") as other:
        one.votes.cast(CONFIGS[0], 1, 10, digest(1))
        other.votes.cast(CONFIGS[0], 1, 10, digest(2))
        assert take_over(other, one) == Merged(1, 1, False)


def test_take_over__ten_times_the_rounds__takes_no_more_memory(tmp_path: Path) -> None:
    def peak(rounds: int) -> int:
        with Journal(tmp_path / f"old-{rounds}") as old, Journal(tmp_path / f"new-{rounds}") as new:
            with old.transaction():
                for number in range(rounds):
                    old.attestations.adopt(CONFIGS[0], 1, number, 0, digest(1))
            tracemalloc.start()
            try:
                assert take_over(new, old).rounds == rounds
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak(20)  # what is loaded once
    assert peak(1_000) < peak(100) + 100_000  # a round took a kilobyte and a half when all were held at once
