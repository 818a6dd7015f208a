"""What the journal of a node with many feeds takes on disk: how much a day adds to it, with and without letting go."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.table import lines
from node.agreement.memory import Memory
from node.chain.types import Landed, Sample
from node.journal import AttemptRow, Journal
from node.journal.retention import KEPT_BLOCKS, KEPT_TRANSACTIONS

FEEDS = 1_000
MEASURED = 10
"""Feeds that are written; each feed's rows are its own, so a thousand take a hundred times the space."""
CADENCE = 25
"""Blocks between checkpoints: five minutes of 12-second blocks."""
DAY = 7_200
WARM, DAYS = 8, 4
"""Days that pass before it is measured, and days over which it is."""
NEEDED = 24
WAD = 10**18
REPORT = b"x" * 2_300
"""About as long as a report's typed data in JSON."""
CALLDATA, RAW = b"y" * 1_200, b"z" * 1_350
GOAL = 4.0
"""Goal: MiB a day that a thousand feeds add, once the journal is some days old."""


@dataclass(frozen=True)
class Growth:
    """Bytes in use (pages that are free for the next rows do not count) after the first days, and after all."""

    before: int
    after: int

    @property
    def a_day(self) -> float:
        """MiB that a day adds at `FEEDS` feeds."""
        return round((self.after - self.before) / DAYS * FEEDS / MEASURED / 2**20, 2)


def used(journal: Journal) -> int:
    """Bytes of the pages that hold rows."""
    store = journal.retention._store
    count, free, size = (
        store.rows(f"PRAGMA {name}")[0][name] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((count - free) * size)


def live(journal: Journal, day: int, *, lets_go: bool) -> None:
    """A day: a sample of each feed at each checkpoint, and a round of each that lands and is final."""
    with journal.transaction():
        for block in range(day * DAY, (day + 1) * DAY, CADENCE):
            journal.samples.add(
                Sample(
                    feed, block, block.to_bytes(32, "big"), WAD + block, 10**24 + block, 10**24, 3, max(0, block - DAY)
                )
                for feed in range(MEASURED)
            )
    for feed in range(MEASURED):
        _round(journal, feed, day * DAY + CADENCE)
    if lets_go:
        final = (day + 1) * DAY
        journal.retention.settle(range(MEASURED), final)
        journal.retention.transactions(KEPT_TRANSACTIONS * MEASURED // FEEDS)
        for feed in range(MEASURED):
            while journal.retention.thin(feed, CADENCE, NEEDED):
                pass


def _round(journal: Journal, feed: int, checkpoint: int) -> None:
    config, digest = b"c" * 32, checkpoint.to_bytes(16, "big") + feed.to_bytes(16, "big")
    journal.rounds.open(feed, checkpoint, digest, WAD, [WAD, WAD, WAD], "heartbeat")
    journal.promises.remember(config, feed, checkpoint, Memory(0, 0, digest, 0, b"l" * 4_096))
    journal.attest(config, feed, checkpoint, 0, digest, REPORT)
    key = f"report {config.hex()[:8]} {feed} {checkpoint} 0"
    journal.transactions.queue(key, "0xme", "0xoracle", CALLDATA, 0, 10**6)
    row = journal.transactions.get(key)
    if row is not None:
        nonce = journal.transactions.next_nonce("0xme")
        journal.transactions.sign(row.id, nonce, AttemptRow(digest, row.id, RAW, WAD, WAD))
        journal.transactions.final(row.id)
    block = checkpoint + 5
    with journal.transaction():
        journal.reports.add(
            Landed(
                feed, checkpoint, config, digest, WAD, 1, 2, digest, 0b111, "0x" + "11" * 20, block, digest, digest, 1
            )
        )
        journal.rounds.finish(feed, checkpoint, "landed")
        journal.protection.over(feed, block)


@cache
def growth(lets_go: bool) -> Growth:
    """Live some days, then measure some."""
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        for day in range(WARM):
            live(journal, day, lets_go=lets_go)
        before = used(journal)
        for day in range(WARM, WARM + DAYS):
            live(journal, day, lets_go=lets_go)
        return Growth(before, used(journal))


def rows() -> list[dict[str, Any]]:
    """The figures with their goals."""
    kept, pruned = growth(False), growth(True)
    whole = round(pruned.after * FEEDS / MEASURED / 2**20, 1)
    return [
        {"what": f"a day of {FEEDS:,} feeds, everything kept", "median": kept.a_day, "unit": "MiB", "goal": None},
        {"what": f"a day of {FEEDS:,} feeds", "median": pruned.a_day, "unit": "MiB", "goal": GOAL},
        {"what": f"the journal of {FEEDS:,} feeds on day {WARM + DAYS}", "median": whole, "unit": "MiB", "goal": None},
    ]


def main() -> int:
    """Print the table; 1 if the goal is missed."""
    found = rows()
    sys.stdout.write("\n".join(lines(f"journal (kept for {KEPT_BLOCKS:,} blocks)", found)) + "\n")
    return int(any(row["goal"] is not None and row["median"] > row["goal"] for row in found))


if __name__ == "__main__":
    sys.exit(main())
