"""Disks that are full: a small file system of its own where that can be mounted, else a limit the kernel keeps."""

from __future__ import annotations

import asyncio
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Protocol

SIZE = 24 << 20


class Disk(Protocol):
    """Where a node keeps its state."""

    kind: str

    async def prepare(self, folder: Path) -> None:
        """Put the disk under a folder that has nothing in it yet."""

    def command(self, ordinary: tuple[str, ...]) -> tuple[str, ...]:
        """Return the program by which a node runs on this disk."""

    def fill(self, pid: int) -> None:
        """Leave no room on it for the process."""

    def free(self, pid: int) -> None:
        """Make room again."""

    async def remove(self) -> None:
        """Take the disk away."""


class SmallFileSystem:
    """A tmpfs of a few MiB, filled to its last byte: what is written gets ENOSPC."""

    kind = "tmpfs"

    def __init__(self) -> None:
        self._folder: Path | None = None

    async def prepare(self, folder: Path) -> None:
        await _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "patina-chaos", str(folder))
        self._folder = folder

    def command(self, ordinary: tuple[str, ...]) -> tuple[str, ...]:
        return ordinary

    def fill(self, pid: int) -> None:
        assert self._folder is not None
        with (self._folder / "filler").open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self, pid: int) -> None:
        assert self._folder is not None
        (self._folder / "filler").unlink()

    async def remove(self) -> None:
        if self._folder is not None:
            await _run("umount", "--lazy", str(self._folder))


class SizeLimit:
    """RLIMIT_FSIZE on the running process: no file of its may grow or be written, whatever it is (EFBIG)."""

    kind = "RLIMIT_FSIZE"

    async def prepare(self, folder: Path) -> None:
        pass

    def command(self, ordinary: tuple[str, ...]) -> tuple[str, ...]:
        # Its log is a file too: a pipe to another process keeps what the node says out of the limit.
        return ("bash", "-c", 'exec "$@" > >(exec cat) 2>&1', "bash", *ordinary)

    def fill(self, pid: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))

    def free(self, pid: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    async def remove(self) -> None:
        pass


async def disks(probe: Path) -> list[Disk]:
    """Return the kinds of disk that can be filled here, the truest first."""
    found: list[Disk] = [SizeLimit()]
    if os.geteuid() == 0:
        trial = SmallFileSystem()
        await asyncio.to_thread(probe.mkdir, parents=True, exist_ok=True)
        with suppress(RuntimeError):  # a container may be root and still not be allowed to mount
            await trial.prepare(probe)
            await trial.remove()
            found.insert(0, SmallFileSystem())
    return found


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]}: {errors.decode().strip()}")
