"""Never two digests for one (config, feed, checkpoint, view): in order, out of order, and through kill -9."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import EquivocationError, JournalError
from node.journal import Journal

CONFIG = b"\xcc" * 32

# Signs one checkpoint after another, each time for a digest of its own, and says what it released. With an
# argument it kills itself when its n-th SQL statement begins.
SIGNER = """
import os, signal, sys
from pathlib import Path
from node.errors import EquivocationError
from node.journal import Journal

journal = Journal(Path(sys.argv[1]))
left = int(sys.argv[2])

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

if left:
    journal._store.db.conn.set_trace_callback(count)
for checkpoint in range(int(sys.argv[3])):
    digest = os.urandom(32)
    try:
        journal.attest(b"\\xcc" * 32, 1, checkpoint, 0, digest, b"report " + digest)
    except EquivocationError:
        digest = journal.attestations.digests(b"\\xcc" * 32, 1, checkpoint)[0]
        journal.attest(b"\\xcc" * 32, 1, checkpoint, 0, digest, b"report " + digest)
    os.write(1, f"{checkpoint} {digest.hex()}\\n".encode())
"""


def signer(directory: Path, statement: int, rounds: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", SIGNER, str(directory), str(statement), str(rounds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE)


def released(output: bytes, into: dict[int, set[str]]) -> None:
    for line in output.decode().splitlines(keepends=True):
        if line.endswith("\n"):
            checkpoint, digest = line.split()
            into.setdefault(int(checkpoint), set()).add(digest)


def test_honest_crash_that_looks_like_equivocation__kill_9_at_every_statement__one_digest(tmp_path: Path) -> None:
    digests: dict[int, set[str]] = {}
    killed = 0
    for statement in range(1, 40):
        process = signer(tmp_path, statement, 2)
        output, _ = process.communicate(timeout=60)
        released(output, digests)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        killed += 1
    else:
        pytest.fail("the signer never came to its end")
    # BEGIN, SELECT, INSERT and COMMIT of the first attestation at least were each died in.
    assert killed >= 4
    check(tmp_path, digests, 2)


def test_honest_crash_that_looks_like_equivocation__kill_9_at_random_moments__one_digest(tmp_path: Path) -> None:
    digests: dict[int, set[str]] = {}
    moments = random.Random(4)
    for _ in range(8):
        process = signer(tmp_path, 0, 5_000)
        assert process.stdout is not None
        output = b""
        # Killed in the midst of work, however fast this machine is.
        for _ in range(moments.randrange(1, 60)):
            output += process.stdout.readline()
        process.kill()
        output += process.stdout.read()
        process.stdout.close()
        process.wait(timeout=60)
        released(output, digests)
    assert len(digests) > 10
    check(tmp_path, digests, 0)


def check(directory: Path, digests: dict[int, set[str]], rounds: int) -> None:
    """Every released digest is the journal's, and the only one of its round."""
    assert len(digests) >= rounds
    with Journal(directory) as journal:
        for checkpoint, found in digests.items():
            held = journal.attestations.digests(CONFIG, 1, checkpoint)
            assert found == {held[0].hex()}


def test_attest__second_digest__is_equivocation(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"first")
        assert not journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"again")
        with pytest.raises(EquivocationError, match="view 0"):
            journal.attest(CONFIG, 1, 10, 0, b"b" * 32, b"second")
        # Another view, checkpoint, feed or configuration is another round.
        assert journal.attest(CONFIG, 1, 10, 1, b"b" * 32, b"")
        assert journal.attest(CONFIG, 1, 11, 0, b"b" * 32, b"")
        assert journal.attest(CONFIG, 2, 10, 0, b"b" * 32, b"")
        assert journal.attest(b"\xdd" * 32, 1, 10, 0, b"b" * 32, b"")
        assert journal.attestations.digests(CONFIG, 1, 10) == {0: b"a" * 32, 1: b"b" * 32}
        assert journal.attestations.of(CONFIG, 1, 10)[0].report == b"first"
        assert [row.view for row in journal.attestations.last(2)] == [0, 0]


def test_attest__inside_a_transaction__is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        with pytest.raises(JournalError, match="transaction"), journal.transaction():
            journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
        assert journal.attestations.digests(CONFIG, 1, 10) == {}


def test_attest__is_on_disk_before_it_returns(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        mode = journal._store.db.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = journal._store.db.execute("PRAGMA synchronous").fetchone()[0]
        assert (mode, synchronous) == ("wal", 2)
        journal.attest(CONFIG, 1, 10, 0, b"a" * 32, b"")
        # What a power cut would leave: the files as they are now, without any closing of the database.
        with tempfile.TemporaryDirectory() as other:
            for file in tmp_path.iterdir():
                if file.name.startswith("journal.db") and not file.name.endswith("-shm"):
                    (Path(other) / file.name).write_bytes(file.read_bytes())
            with Journal(Path(other)) as copy:
                assert copy.attestations.digests(CONFIG, 1, 10) == {0: b"a" * 32}


@pytest.mark.parametrize("digest", [b"", b"a" * 31, b"a" * 33])
def test_attest__digest_of_another_length__is_refused(tmp_path: Path, digest: bytes) -> None:
    with Journal(tmp_path) as journal, pytest.raises(JournalError):
        journal.attest(CONFIG, 1, 10, 0, digest, b"")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 2), st.integers(0, 1), st.binary(min_size=32, max_size=32)),
        max_size=10,
    )
)
def test_attest__any_sequence__first_digest_stands(steps: list[tuple[int, int, int, bytes]]) -> None:
    first: dict[tuple[int, int, int], bytes] = {}
    with tempfile.TemporaryDirectory() as directory:
        for feed, checkpoint, view, digest in steps:
            with Journal(Path(directory)) as journal:  # reopened each time
                stands = first.setdefault((feed, checkpoint, view), digest)
                if stands == digest:
                    journal.attest(CONFIG, feed, checkpoint, view, digest, b"")
                else:
                    with pytest.raises(EquivocationError):
                        journal.attest(CONFIG, feed, checkpoint, view, digest, b"")
