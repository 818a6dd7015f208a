"""Measures now and then what the journal and the content store take, and what their disk has left."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Final

import structlog

EVERY_S: Final = 60.0
"""Seconds between looks at what is free."""
COUNTED_EVERY: Final = 10
"""Looks between which the store's files are counted: there may be many."""

log = structlog.get_logger("disk")


class Disk:
    """Figures in bytes, None until they were measured; measured on a thread, for a disk may hang."""

    def __init__(self, journal: Path, store: Path, *, every: float = EVERY_S) -> None:
        """`journal` is the journal's file, `store` the content store's folder."""
        self._journal = journal
        self._store = store
        self._every = every
        self.journal_bytes: int | None = None
        self.store_bytes: int | None = None
        self.store_files: int | None = None
        self.free_bytes: int | None = None
        self.size_bytes: int | None = None

    def status(self) -> dict[str, int | None]:
        """Figures for status pages."""
        return {
            "journal_bytes": self.journal_bytes,
            "content_bytes": self.store_bytes,
            "content_files": self.store_files,
            "free_bytes": self.free_bytes,
            "size_bytes": self.size_bytes,
        }

    async def run(self) -> None:
        """Measure until cancelled; what cannot be measured keeps its last figure."""
        looks = 0
        while True:
            try:
                await asyncio.to_thread(self.measure, count=looks % COUNTED_EVERY == 0)
            except OSError as error:
                log.warning("disk not measured, trying again", error=error.strerror)
            looks += 1
            await asyncio.sleep(self._every)

    def measure(self, *, count: bool = True) -> None:
        """Look once; with `count` at every file of the store too.

        Raises:
            OSError: the disk does not answer.
        """
        usage = shutil.disk_usage(self._journal.parent)
        self.free_bytes, self.size_bytes = usage.free, usage.total
        # The write-ahead log is part of the journal (https://www.sqlite.org/wal.html).
        files = [self._journal.with_name(self._journal.name + suffix) for suffix in ("", "-wal", "-shm")]
        self.journal_bytes = sum(_size(file) for file in files)
        if count:
            self.store_files, self.store_bytes = _total(self._store)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _total(folder: Path) -> tuple[int, int]:
    """How many files are below a folder, and their bytes; what goes away meanwhile does not count."""
    files = total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            files += 1
            total += _size(Path(where, name))
    return files, total
