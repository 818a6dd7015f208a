"""What journal and content store take: measured, and measured again after a failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

from node.status.disk import Disk


def test_measure__journal_with_its_log_and_a_store__are_counted_in_bytes(tmp_path: Path) -> None:
    journal, store = tmp_path / "journal.db", tmp_path / "blocks"
    journal.write_bytes(b"x" * 100)
    (tmp_path / "journal.db-wal").write_bytes(b"x" * 20)
    (store / "ab").mkdir(parents=True)
    (store / "ab" / "one").write_bytes(b"x" * 7)
    disk = Disk(journal, store)
    disk.measure()
    assert (disk.journal_bytes, disk.store_bytes, disk.store_files) == (120, 7, 1)
    assert disk.free_bytes is not None
    assert disk.size_bytes is not None
    assert 0 < disk.free_bytes <= disk.size_bytes
    (store / "ab" / "two").write_bytes(b"x" * 3)
    disk.measure(count=False)
    assert disk.store_files == 1
    disk.measure()
    assert disk.status()["content_bytes"] == 10


async def test_run__folder_gone__keeps_the_last_figures_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "journal.db").write_bytes(b"x")
    disk = Disk(folder / "journal.db", folder / "blocks", every=0)
    disk.measure()
    (folder / "journal.db").unlink()
    folder.rmdir()
    task = asyncio.create_task(disk.run())
    async with asyncio.timeout(20):
        await asyncio.sleep(0.05)  # some looks that fail
        assert disk.journal_bytes == 1
        folder.mkdir()
        (folder / "journal.db").write_bytes(b"xxx")
        while disk.journal_bytes != 3:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
