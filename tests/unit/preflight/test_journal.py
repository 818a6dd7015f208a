"""The journal: looked at without changing it, whatever state it is in."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from node.agreement.committee import Committee
from node.chain.configurations import Configuration, Installed
from node.chain.types import Landed
from node.journal import Journal
from node.journal.safety.lock import state_directory
from node.journal.safety.trail import Signed, Trail
from node.keys.signing import EthKeystore
from node.preflight.facts import Facts
from node.preflight.journal import _Wanted
from tests.unit.preflight.conftest import ORACLE, Look, verdicts

IDENTITY = (31337, ORACLE)
OTHER = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


@pytest.fixture
def state(folder: Path) -> Path:
    with Journal(folder / "state") as journal:
        journal.bind(*IDENTITY)
    return folder / "state"


def prints(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if path.is_file()
    }


async def test_check__sound_journal__well_and_untouched(look: Look, state: Path) -> None:
    before = prints(state)
    found = await look("journal")
    assert verdicts(found) == {
        "journal.lock": "ok", "journal.integrity": "ok", "journal.schema": "ok", "journal.identity": "ok",
        "journal.age": "not checked",
    }  # fmt: skip
    assert prints(state) == before


async def test_check__no_journal_yet__none_is_made(look: Look, folder: Path) -> None:
    found = await look("journal")
    assert found["journal.schema"].verdict == "not checked"
    assert not list((folder / "state").glob("journal*"))


async def test_check__killed_node_left_a_log__what_it_committed_counts_and_stays(look: Look, state: Path) -> None:
    # A second connection keeps SQLite from folding the log in when the first one closes, as a kill does.
    with sqlite3.connect(state / "journal.db") as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("UPDATE meta SET value = 'chain 5, oracle nowhere' WHERE name = 'identity'")
        other.commit()
        assert (state / "journal.db-wal").stat().st_size
        before = prints(state)
        found = await look("journal")
        assert found["journal.identity"].verdict == "fault"
        assert "chain 5" in found["journal.identity"].detail
        assert prints(state) == before
    other.close()


async def test_check__newer_version__at_fault(look: Look, state: Path) -> None:
    with sqlite3.connect(state / "journal.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    found = await look("journal")
    assert found["journal.schema"].verdict == "fault"
    assert "upgrade" in found["journal.schema"].remedy
    assert found["journal.identity"].verdict == "not checked"


async def test_check__older_version__brought_up_to_date_in_a_copy_alone(look: Look, folder: Path) -> None:
    from node.journal.schema import FIRST

    state = folder / "state"
    with sqlite3.connect(state / "journal.db") as db:
        db.executescript(FIRST)
        db.execute(
            'CREATE TABLE "_sqlite_migrations" (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)'
        )
        db.execute("INSERT INTO _sqlite_migrations VALUES (1, 'journal', '0001_first', '2026-01-01')")
        db.execute("PRAGMA user_version = 1")
    db.close()
    before = prints(state)
    found = await look("journal")
    assert found["journal.schema"].verdict == "ok", found["journal.schema"]
    assert "copy" in found["journal.schema"].detail
    assert prints(state) == before


async def test_check__damaged_file__at_fault_with_what_not_to_do(look: Look, state: Path) -> None:
    raw = bytearray((state / "journal.db").read_bytes())
    raw[4_096:12_288] = b"\xff" * 8_192
    (state / "journal.db").write_bytes(raw)
    found = await look("journal")
    assert found["journal.integrity"].verdict == "fault"
    assert "do not start without it" in found["journal.integrity"].remedy


async def test_check__no_database_at_all__at_fault(look: Look, state: Path) -> None:
    (state / "journal.db").write_bytes(b"this is no database" * 100)
    assert (await look("journal"))["journal.integrity"].verdict == "fault"


async def test_check__file_that_cannot_be_looked_at__at_fault_and_not_taken_for_none(look: Look, folder: Path) -> None:
    (folder / "state" / "journal.db").symlink_to("journal.db")
    found = await look("journal")
    assert found["journal.lock"].verdict == "fault"
    assert found["journal.age"].verdict == "not checked"


async def test_check__beside_a_running_node__read_in_place(look: Look, state: Path) -> None:
    with Journal(state) as journal:
        journal.counters.add("something")
        found = await look("journal")
        journal.counters.add("something")  # nothing was taken from the node
    assert "in use by a running node (process" in found["journal.lock"].detail
    assert verdicts(found)["journal.integrity"] == "ok"
    assert verdicts(found)["journal.identity"] == "ok"


async def test_check__journal_of_another_key_or_retired__at_fault(look: Look, state: Path) -> None:
    with Journal(state) as journal:
        journal.protection.own("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf")
    assert (await look("journal"))["journal.identity"].verdict == "fault"


async def test_check__machine_remembers_more_than_the_journal__an_old_copy(
    look: Look, folder: Path, state: Path
) -> None:
    address = EthKeystore(folder / "keys" / "signing.json").address
    trail = Trail(state_directory(), address, *IDENTITY)
    trail.signed(Signed(bytes(32), 1, 40, 0, bytes([1]) * 32))
    found = await look("journal")
    assert found["journal.age"].verdict == "fault"
    assert "older than what its key has signed" in found["journal.age"].detail
    with Journal(state) as journal:
        journal.attest(bytes(32), 1, 40, 0, bytes([1]) * 32, b"report")
    assert (await look("journal"))["journal.age"].verdict == "not checked"


def landed(committee: Committee, signers: int) -> Landed:
    return Landed(
        feed=1, checkpoint=40, config_digest=committee.config_digest, report_digest=bytes([9]) * 32, answer=0,
        previous_band=0, band=1, content_root=bytes(32), signers=signers, transmitter=ORACLE, block_number=44,
        block_hash=bytes(32), tx_hash=bytes(32), log_index=0,
    )  # fmt: skip


@pytest.mark.parametrize("signers", [1, 2])
@pytest.mark.parametrize("exists", [True, False])
async def test_check__chain_has_a_signature_of_this_key__held_against_the_journal(
    look: Look, folder: Path, signers: int, exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = EthKeystore(folder / "keys" / "signing.json").address
    committee = Committee(31337, ORACLE, [address, OTHER], [bytes([1]) * 32, bytes([2]) * 32])
    installed = Installed(Configuration(committee.config_digest, 1, bytes(32), 0), committee, None)
    record = [landed(committee, signers)], installed

    async def wanted(_: Facts) -> _Wanted:
        return _Wanted(f"chain 31337, oracle {ORACLE}", address, 31337, ORACLE, record)

    monkeypatch.setattr("node.preflight.journal._wanted", wanted)
    if exists:
        with Journal(folder / "state") as journal:
            journal.bind(*IDENTITY)
    found = (await look("journal"))["journal.age"]
    assert found.verdict == ("fault" if signers == 1 else "ok"), found
    if signers == 1 and exists:
        with Journal(folder / "state") as journal:
            journal.attest(committee.config_digest, 1, 40, 0, bytes([9]) * 32, b"report")
        assert (await look("journal"))["journal.age"].verdict == "ok"
