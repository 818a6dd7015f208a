"""One key runs once on a machine, whatever folders its copies run from."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node.errors import JournalError
from node.journal.safety.lock import KeyLock, runtime_directories, state_directory

ADDRESS = "0x" + "Ab" * 20
HOLDER = """
import sys, time
from pathlib import Path
from node.journal.safety.lock import KeyLock
lock = KeyLock(sys.argv[1], Path("/srv/node-a"), [Path(one) for one in sys.argv[2:]])
print("held", flush=True)
time.sleep(60)
"""


def hold(*places: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", HOLDER, ADDRESS, *map(str, places)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def test_two_copies_of_one_node__other_folder_same_key__second_is_refused_by_name(tmp_path: Path) -> None:
    """Incident: two copies of one node started by mistake."""
    first = hold(tmp_path / "a")
    try:
        with pytest.raises(JournalError) as caught:
            KeyLock(ADDRESS.lower(), Path("/srv/node-b"), [tmp_path / "a"])
        for part in (f"process {first.pid}", "/srv/node-a", "one key must run once", ADDRESS.lower()):
            assert part in str(caught.value)
        with KeyLock("0x" + "cd" * 20, Path("/srv/node-b"), [tmp_path / "a"]):
            pass  # another key is another node
    finally:
        end(first)
    assert list((tmp_path / "a").iterdir()) != []  # killed, it could not clean up
    with KeyLock(ADDRESS, Path("/srv/node-b"), [tmp_path / "a"]):  # and what it left harms nobody
        pass
    assert list((tmp_path / "a").iterdir()) == []


def test_key_lock__copies_that_share_one_place_only__meet_there(tmp_path: Path) -> None:
    """A service and a login shell of the same user differ in their environment, and so in their folders."""
    first = hold(tmp_path / "service", tmp_path / "shared")
    try:
        with pytest.raises(JournalError, match="in use by process"):
            KeyLock(ADDRESS, Path("/srv/b"), [tmp_path / "shell", tmp_path / "shared"])
        with KeyLock(ADDRESS, Path("/srv/b"), [tmp_path / "shell"]):
            pass  # what the refused one had taken, it gave back
    finally:
        end(first)


def test_key_lock__folder_that_is_not_private__is_not_relied_on(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(JournalError, match="no private folder"):
        KeyLock(ADDRESS, Path("/srv/b"), [shared, link, blocked / "below"])
    with KeyLock(ADDRESS, Path("/srv/b"), [shared, tmp_path / "own"]):
        assert list(shared.iterdir()) == []


def test_key_lock__file_removed_while_waiting_for_it__the_newcomer_locks_the_one_that_is_there(tmp_path: Path) -> None:
    first = KeyLock(ADDRESS, Path("/srv/a"), [tmp_path / "own"])
    [file] = (tmp_path / "own").iterdir()
    file.unlink()  # as a cleaner of old files does
    with KeyLock(ADDRESS, Path("/srv/b"), [tmp_path / "own"]):
        with pytest.raises(JournalError):
            KeyLock(ADDRESS, Path("/srv/c"), [tmp_path / "own"])
        first.release()


def test_runtime_directories__any_environment__share_what_does_not_depend_on_it(tmp_path: Path) -> None:
    shell = runtime_directories({"XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)})
    service = runtime_directories({})
    assert set(shell) & set(service)
    assert state_directory({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "patina"
    assert state_directory({"XDG_STATE_HOME": "relative"}).is_absolute()
    assert shell[0] == tmp_path / "patina"


def test_runtime_directories__one_that_cannot_be_looked_at__is_left_out() -> None:
    """As /run/user under ProtectHome=; a name that is too long cannot be looked at by root either."""
    shut = "/" + "x" * 300
    assert runtime_directories({"XDG_RUNTIME_DIR": shut}) == runtime_directories({})
