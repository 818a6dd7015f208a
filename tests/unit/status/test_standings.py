"""How feeds stand on a status page: measured as keepers do, reckoned once a head."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from node.chain.types import Sample
from node.journal import Journal
from node.status.standings import Standings
from tests.unit.paper import PERCENT, WAD, make_feed, make_landed


def test_status__feed_with_history__answer_exits_and_next_checkpoint(tmp_path: Path) -> None:
    landings: Any = SimpleNamespace(last=lambda feed: make_landed(10, 13, band=2))
    with Journal(tmp_path) as journal:
        journal.samples.add([Sample(1, at, bytes(32), WAD + 2 * PERCENT, 0, 0, 2, 10) for at in (10, 20, 30)])
        journal.cursors.set("feed 1", 30)
        standings = Standings(journal, landings)
        assert standings.status() == []
        standings.note([make_feed()])
        [found] = standings.status()
        assert (found["answer"], found["measured"], found["missing"]) == (str(2 * PERCENT), 30, 0)
        assert (found["band"], found["bands"], found["next_checkpoint"]) == (2, 3, 40)
        assert found["nearest"] == [
            {"at": str(PERCENT * 9 // 10), "up": False, "band": 1, "distance": str(PERCENT * 11 // 10)}
        ]
        assert standings.status() is standings.status()


def test_status__feed_without_history__says_how_many_samples_are_missing(tmp_path: Path) -> None:
    landings: Any = SimpleNamespace(last=lambda feed: None)
    with Journal(tmp_path) as journal:
        standings = Standings(journal, landings)
        standings.note([make_feed(opened_at=15)])
        [found] = standings.status()
        assert (found["answer"], found["missing"], found["reported"]) == (None, 3, None)
        assert found["next_checkpoint"] == 20
