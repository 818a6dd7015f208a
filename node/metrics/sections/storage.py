"""Journal, content store and the disk under both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from node.metrics.definition import Sample, counter, gauge

if TYPE_CHECKING:
    from node.parts import Parts

WRITABLE = gauge("patina_journal_writable", "1 while the journal takes writes; without it nothing is signed.")
FAILURES = counter("patina_journal_failures_total", "Looks at the chain that the journal could not keep.")
DOUBTFUL = gauge("patina_journal_doubtful", "1 while the journal is older than what the node's key has signed.")
JOURNAL = gauge("patina_journal_bytes", "Bytes of the journal with its write-ahead log.")
CONTENT = gauge("patina_content_bytes", "Bytes of the content store's files; counted every ten minutes.")
BLOCKS = gauge("patina_content_blocks", "Files of the content store; counted every ten minutes.")
FREE = gauge("patina_disk_free_bytes", "Free bytes on the disk of node.directory.")
SIZE = gauge("patina_disk_size_bytes", "Bytes of that disk, used and free.")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    stalled = any(term.rounds.stalled for term in parts.terms.all)
    yield WRITABLE.at(not (parts.health.journal_error or stalled))
    yield FAILURES.at(parts.health.journal_failures)
    disk = parts.disk
    yield from JOURNAL.known(disk.journal_bytes)
    yield from CONTENT.known(disk.store_bytes)
    yield from BLOCKS.known(disk.store_files)
    yield from FREE.known(disk.free_bytes)
    yield from SIZE.known(disk.size_bytes)
    yield DOUBTFUL.at(parts.guard.doubtful())


METRICS = (WRITABLE, FAILURES, DOUBTFUL, JOURNAL, CONTENT, BLOCKS, FREE, SIZE)
