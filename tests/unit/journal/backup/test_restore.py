"""A restored journal knows at least what the one in its place knew, or signs nothing."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import pytest

from node.agreement.memory import Memory
from node.errors import EquivocationError, JournalError, RefusalError
from node.journal import AttemptRow, Journal
from node.journal.backup.copy import back_up
from node.journal.backup.examine import examine
from node.journal.backup.keep import kept
from node.journal.backup.restore import Owner, restore
from node.journal.store import UNFINISHED
from tests.unit.journal.backup.conftest import CHAIN, CONFIG, ORACLE, SIGNER, fill, killed
from tests.unit.journal.backup.test_keep import old_journal

OWNER = Owner(CHAIN, ORACLE, SIGNER)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A node that was backed up after checkpoint 14 and has gone on to checkpoint 19."""
    fill(tmp_path / "state", range(10, 15))
    back_up(tmp_path / "state" / "journal.db", tmp_path / "old.db")
    fill(tmp_path / "state", range(15, 20))
    return tmp_path / "state"


@pytest.fixture
def backup(state: Path) -> Path:
    return state.parent / "old.db"


def signs(journal: Journal, checkpoint: int, digest: bytes = b"e" * 32, view: int = 0) -> bool:
    """Whether a node would sign another report than it may have signed before."""
    try:
        return journal.attest(CONFIG, 1, checkpoint, view, digest, b"")
    except (EquivocationError, RefusalError):
        return False


def test_restore__older_backup__nothing_that_was_signed_since_is_signed_again(state: Path, backup: Path) -> None:
    before = backup.read_bytes()
    done = restore(state, backup, OWNER)
    assert done.certain
    assert not done.retired
    assert done.merged is not None
    assert (done.merged.rounds, done.merged.closed) == (5, 5)
    with Journal(state) as journal:
        assert not any(signs(journal, checkpoint) for checkpoint in range(10, 20))
        assert not any(signs(journal, checkpoint, view=1) for checkpoint in range(15, 20))
        assert signs(journal, 20)
    assert backup.read_bytes() == before
    assert done.aside is not None
    assert examine(done.aside).schema.pending == ()
    with closing(sqlite3.connect(done.aside)) as aside:
        assert aside.execute("SELECT count(*) FROM attestations").fetchone() == (10,)


def test_restore__promises_votes_marks_and_floor_of_the_present__hold_on(state: Path, backup: Path) -> None:
    with Journal(state) as journal:
        journal.promises.remember(CONFIG, 1, 30, Memory(left=2))
        journal.votes.cast(CONFIG, 1, 31, b"v" * 32)
        journal.protection.raise_mark(CONFIG, 2, 40)
        journal.protection.raise_floor(8)
        journal.protection.close(CONFIG, 1, 33)
    restore(state, backup, OWNER)
    with Journal(state) as journal:
        assert [signs(journal, checkpoint) for checkpoint in (30, 33)] == [False, False]
        assert journal.votes.get(CONFIG, 1, 31) is not None
        assert journal.protection.mark(CONFIG, 2) == 40
        assert journal.protection.floor == 8
        assert signs(journal, 32)


def test_restore__transactions__are_those_of_the_present(state: Path, backup: Path) -> None:
    with Journal(state) as journal:
        journal.transactions.queue("report", SIGNER, ORACLE, b"x", 0, 100)
        row = journal.transactions.get("report")
        assert row is not None
        journal.transactions.sign(row.id, 7, AttemptRow(b"h" * 32, row.id, b"raw", 5, 1))
    done = restore(state, backup, OWNER)
    assert done.transactions == 1
    with Journal(state) as journal:
        assert journal.transactions.next_nonce(SIGNER) == 8
        found = journal.transactions.get("report")
        assert found is not None
        assert [one.raw for one in journal.transactions.attempts(found.id)] == [b"raw"]


@pytest.mark.parametrize("loss", ["missing", "damaged", "not a database"])
def test_restore__present_lost__signs_nothing_until_resolved(state: Path, backup: Path, loss: str) -> None:
    present = state / "journal.db"
    with Journal(state) as holder:
        holder.cursors.set("a", 1)
        log = present.with_name("journal.db-wal").read_bytes()
    if loss == "missing":
        present.unlink()
    elif loss == "damaged":
        raw = bytearray(present.read_bytes())
        raw[4_096 * 3 : 4_096 * 30] = b"\xff" * (4_096 * 27)
        present.write_bytes(raw)
    else:
        present.write_bytes(b"\xff" * 40_000)
    present.with_name("journal.db-wal").write_bytes(log)  # the log of the lost one must not be read into the new one
    done = restore(state, backup, OWNER)
    assert done.lost
    assert not done.certain
    assert (done.aside is None) == (loss == "missing")
    with Journal(state) as journal:
        assert journal.cursors.get("a") is None
        with pytest.raises(RefusalError, match=r"restored from a backup.*patina protection resolve"):
            journal.attest(CONFIG, 1, 99, 0, b"e" * 32, b"")
        journal.protection.raise_floor(50)
        assert not signs(journal, 50)
        assert signs(journal, 51)
    assert not (state / UNFINISHED).exists()


def test_restore__present_of_a_newer_version__is_set_aside_and_nothing_is_signed_until_resolved(
    state: Path, backup: Path
) -> None:
    with closing(sqlite3.connect(state / "journal.db")) as later:
        later.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('journal', '9999_x', '')"
        )
        later.execute("PRAGMA user_version = 99")
        later.commit()
    done = restore(state, backup, OWNER)
    assert "newer version" in done.lost
    assert done.aside is not None
    assert done.aside.name.startswith("journal-newer-replaced-")
    with Journal(state) as journal:
        assert not signs(journal, 99)


def test_restore__present_that_began_anew__is_no_continuation_and_nothing_is_signed(state: Path, backup: Path) -> None:
    (state / "journal.db").unlink()
    fill(state, range(40, 41))  # the operator started the node on an empty folder first
    done = restore(state, backup, OWNER)
    assert done.merged is not None
    assert not done.certain
    with Journal(state) as journal:
        assert not signs(journal, 17)
        assert not signs(journal, 100)


@pytest.mark.parametrize(
    "learn",
    [
        lambda journal: journal.protection.raise_mark(CONFIG, 1, 17),
        lambda journal: journal.protection.raise_floor(9),
        lambda journal: journal.protection.close(CONFIG, 1, 25),
    ],
    ids=["mark", "floor", "closed round"],
)
def test_restore__backup_forbids_what_the_present_does_not__is_the_later_one_and_nothing_is_signed(
    state: Path, tmp_path: Path, learn: Callable[[Journal], object]
) -> None:
    older = tmp_path / "older.db"
    back_up(state / "journal.db", older)
    with Journal(state) as journal:
        learn(journal)
    back_up(state / "journal.db", tmp_path / "later.db")
    assert restore(state, older, OWNER).certain
    # As if the older one had been put back by hand: what was signed after `later` was made is in neither.
    (state / "journal.db").write_bytes(older.read_bytes())
    assert not restore(state, tmp_path / "later.db", OWNER).certain
    with Journal(state) as journal:
        assert not signs(journal, 30)


def test_restore__later_journal_over_an_older_one__what_both_know_binds(state: Path, backup: Path) -> None:
    later = state.parent / "later.db"
    back_up(state / "journal.db", later)
    restore(state, backup, OWNER)
    done = restore(state, later, OWNER)
    assert done.certain  # the journal that was restored first had taken everything over
    with Journal(state) as journal:
        assert not any(signs(journal, checkpoint) for checkpoint in range(10, 20))


def test_restore__retired_or_doubtful_present__stays_so(state: Path, backup: Path) -> None:
    with Journal(state) as journal:
        journal.protection.retire()
    done = restore(state, backup, OWNER)
    assert done.retired
    with Journal(state) as journal, pytest.raises(RefusalError, match="retired"):
        journal.attest(CONFIG, 1, 99, 0, b"e" * 32, b"")


def test_restore__older_schema__is_brought_up_to_date(tmp_path: Path) -> None:
    old = old_journal(tmp_path / "older")
    done = restore(tmp_path / "state", old, OWNER)
    assert done.backup.schema.version == "0008"
    with Journal(tmp_path / "state") as journal:
        assert journal.saved is None
        assert journal.attestations.count() == 1


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (Owner(CHAIN, ORACLE, "0x" + "bb" * 20), "another key"),
        (Owner(1, ORACLE, SIGNER), "another network"),
    ],
)
def test_restore__backup_of_another_node__is_refused_and_nothing_changed(
    state: Path, backup: Path, owner: Owner, said: str
) -> None:
    before = (state / "journal.db").read_bytes()
    with pytest.raises(JournalError, match=said):
        restore(state, backup, owner)
    assert (state / "journal.db").read_bytes() == before
    assert kept(state) == []


def test_restore__node_runs__is_refused(state: Path, backup: Path) -> None:
    with Journal(state), pytest.raises(JournalError, match="stop that node first"):
        restore(state, backup, OWNER)


def test_restore__journal_itself__is_refused(state: Path) -> None:
    with pytest.raises(JournalError, match="is the journal itself"):
        restore(state, state / "journal.db", OWNER)


def test_restore__somebody_reads_the_present__is_refused_and_the_present_whole(state: Path, backup: Path) -> None:
    with closing(sqlite3.connect(f"file:{state / 'journal.db'}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM attestations").fetchone()
        with pytest.raises(JournalError):
            restore(state, backup, OWNER)
    with Journal(state) as journal:
        assert journal.attestations.count() == 10


STEPS = ("copying the backup", "copying the journal in place", "merging what binds the key", "putting it in place")


@pytest.mark.parametrize("step", STEPS)
def test_restore__killed_before_a_step__old_journal_stands_and_a_second_try_succeeds(
    state: Path, backup: Path, step: str
) -> None:
    def work(die: Callable[[], None]) -> None:
        restore(state, backup, OWNER, lambda told: die() if told == step else None)

    killed(work)
    with Journal(state) as journal:
        assert journal.attestations.count() == 10
    assert restore(state, backup, OWNER).certain
    assert sorted(path.name for path in state.iterdir()) == ["backups", "journal.db", "node.lock"]


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("call", ["replace", "rename", "link", "unlink"])
def test_restore__killed_while_files_change_places__no_node_starts_on_less_than_it_knew(
    state: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, call: str, *, damaged: bool
) -> None:
    if damaged:
        (state / "journal.db").write_bytes(b"\xff" * 40_000)

    def work(die: Callable[[], None]) -> None:
        # Killed right after the first change of this kind to a file of the journal's own name.
        owner: object = os if call == "link" else Path
        real = getattr(owner, call)

        def doing(first: object, *others: object, **named: object) -> object:
            done = real(first, *others, **named)
            if Path(str(first)).name in ("journal.db", UNFINISHED) and Path(str(first)).parent.name != "backups":
                die()
            return done

        def tell(step: str) -> None:
            if step == STEPS[-1]:
                monkeypatch.setattr(owner, call, doing)

        restore(state, backup, OWNER, tell)
        die()

    killed(work)
    with suppress(JournalError) if damaged else nullcontext(), Journal(state) as journal:
        assert not any(signs(journal, checkpoint) for checkpoint in range(10, 20))
    restore(state, backup, OWNER)
    with Journal(state) as journal:
        assert not any(signs(journal, checkpoint) for checkpoint in range(10, 20))
        assert signs(journal, 100) != damaged


def test_restore__no_room__is_one_clear_error_and_the_old_journal_stands(state: Path, backup: Path) -> None:
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))
            restore(state, backup, OWNER)
        except JournalError as error:
            code = 0 if "disk" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (state / ".restoring").exists()
    with Journal(state) as journal:
        assert journal.attestations.count() == 10
