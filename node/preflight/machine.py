"""Looks at this machine: disk space, how long a durable write takes, memory, and open files."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from node.preflight.once import in_thread

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

MIB: Final = 1 << 20
SPACE_FAULT: Final = 256 * MIB
SPACE_WARNING: Final = 2_048 * MIB
"""A journal that cannot grow signs nothing; pictures of an edition take about half a MiB each."""
WRITES: Final = 12
SLOW_WRITE_S: Final = 0.1
"""A round makes several promises one after the other, each durable before it leaves."""
NODE_MIB: Final = 512
WORKER_MIB: Final = 1_536
"""What node and worker take at least, torch and a model of its size included."""
FILES_FAULT: Final = 256
FILES_WARNING: Final = 1_024


async def check(facts: Facts, notes: Notes) -> None:
    """Note disk, memory and limits; the disk is asked away from the event loop, it may hang."""
    _check_files(notes)
    config = facts.config
    _check_user(notes, config.path)
    _check_memory(notes, config.render.workers if config.render.pool == "local" else 0, running=bool(facts.running))
    directory = config.node.directory
    try:
        free = await in_thread(lambda: shutil.disk_usage(nearest(directory)).free)
    except OSError as error:
        notes.fault("machine.space", f"{directory}: {error.strerror}")
    else:
        told = f"{free // MIB:,} MiB free at {nearest(directory)}"
        if free < SPACE_FAULT:
            notes.fault("machine.space", told)
        elif free < SPACE_WARNING:
            notes.warn("machine.space", told)
        else:
            notes.ok("machine.space", told)
    try:
        spent = await in_thread(lambda: write_times(nearest(directory)))
    except OSError as error:
        notes.fault("machine.write", f"{directory} cannot be written: {error.strerror}")
        return
    told = f"fsync takes {median(spent) * 1000:.1f} ms, at worst {max(spent) * 1000:.1f} ms"
    (notes.warn if median(spent) > SLOW_WRITE_S else notes.ok)("machine.write", told)


def nearest(directory: Path) -> Path:
    """The folder itself, or the nearest one above it: before the first start there may be none."""
    for path in (directory, *directory.parents):
        if path.exists():
            return path
    return directory


def write_times(folder: Path) -> list[float]:
    """Seconds that small durable writes into a folder take; the file has no name, and is gone whatever happens."""
    spent = []
    # O_TMPFILE where the file system has it (open(2)), otherwise a file that is removed at once.
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(WRITES):
            began = time.monotonic()
            file.write(b"\0" * 4_096)
            file.flush()
            os.fsync(file.fileno())
            spent.append(time.monotonic() - began)
    return spent


def _check_user(notes: Notes, path: Path) -> None:
    """What another user may read, write and open says nothing about the one that the node runs as."""
    try:
        owner = path.stat().st_uid
    except OSError as error:
        notes.skip("machine.user", f"{path}: {error.strerror}")
        return
    same = owner == os.getuid()
    told = f"run by {_name(os.getuid())}" if same else f"run by {_name(os.getuid())}, the folder is {_name(owner)}'s"
    (notes.ok if same else notes.warn)("machine.user", told)


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _check_memory(notes: Notes, workers: int, *, running: bool) -> None:
    code = "machine.memory"
    if (available := available_memory()) is None:
        notes.skip(code, "this system does not say how much memory is free")
        return
    needed = 0 if running else NODE_MIB + workers * WORKER_MIB
    told = f"{available // MIB:,} MiB available"
    if running:
        notes.ok(code, f"{told} beside the running node")
    elif available < needed * MIB:
        notes.warn(code, f"{told}, node and {workers} render workers take about {needed:,}")
    else:
        notes.ok(code, f"{told}, about {needed:,} are needed")


def available_memory(proc: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that programs may still take, those of a container's limit (cgroup v2) included; None where unknown."""
    found = []
    try:
        lines = proc.read_text().splitlines()
        found += [int(line.split()[1]) * 1_024 for line in lines if line.startswith("MemAvailable:")]
        limit = (group / "memory.max").read_text().strip()
        if limit.isdigit():
            found.append(max(0, int(limit) - int((group / "memory.current").read_text())))
    except (OSError, ValueError, IndexError):
        pass
    return min(found, default=None)


def _check_files(notes: Notes) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = "no limit" if soft == resource.RLIM_INFINITY else f"at most {soft:,} open files"
    if soft != resource.RLIM_INFINITY and soft < FILES_FAULT:
        notes.fault("machine.files", told)
    elif soft != resource.RLIM_INFINITY and soft < FILES_WARNING:
        notes.warn("machine.files", told)
    else:
        notes.ok("machine.files", told)
