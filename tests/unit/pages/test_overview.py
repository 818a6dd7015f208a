"""What the operator's page is told: everything, without a secret, and without what one failing part would spoil."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from node.config import Config
from node.journal import Journal
from node.journal.transactions import AttemptRow
from node.keys.secrets import Secret
from node.log.book import Logbook
from node.pages.overview import Overview
from node.web.doors import Doors
from tests.unit.office import ORACLE, PASSWORD, SIGNERS, make_committee, make_parts
from tests.unit.paper import make_landed

PLANTED = "planted-secret-of-a-broker-error"


async def opened(config: Config, journal: Journal, **changes: Any) -> Overview:
    parts = await make_parts(config, make_committee(), journal)
    return Overview(parts, Doors(), clock=lambda: 50.0, wall=lambda: 1_000_000.0, version="1.2.3", **changes)


async def test_overview__fresh_node__tells_what_ails_it_and_what_to_do(config: Config, journal: Journal) -> None:
    found = (await opened(config, journal)).overview()
    assert (found["name"], found["version"], found["now"]) == ("north", "1.2.3", 1_000_000)
    told = {each["code"]: each for each in found["reasons"]}
    assert "chain-not-read-yet" in told
    assert all(each["meaning"].endswith(".") and each["remedy"].endswith(".") for each in told.values())
    assert found["journal"]["path"].endswith("journal.db")
    assert found["alerts"] == []
    assert found["visitors"] == {"open": 0}


async def test_overview__all_of_it__is_json_without_a_secret(config: Config, journal: Journal) -> None:
    overview = await opened(config, journal)
    text = msgspec.json.encode([overview.overview(), overview.configuration()]).decode()
    assert PASSWORD not in text
    assert "planted-endpoint-key-72" not in text
    assert '"port":8080' in text


async def test_overview__what_became_a_secret_since__is_masked(config: Config, journal: Journal) -> None:
    overview = await opened(config, journal)
    cast(Any, overview)._parts.health.chain_failed(f"refused: {PLANTED}")
    assert PLANTED in str(overview.overview())
    Secret(PLANTED)
    assert PLANTED not in str(overview.overview())


async def test_overview__transaction_that_waits__is_stuck_after_a_while(config: Config, journal: Journal) -> None:
    overview = await opened(config, journal)
    journal.transactions.queue("report 7a7a7a7a 1 40 0", SIGNERS[1].address, ORACLE, b"", 0, 100_000)
    row = journal.transactions.get("report 7a7a7a7a 1 40 0")
    assert row is not None
    journal.transactions.sign(row.id, 3, AttemptRow(b"h" * 32, row.id, b"raw", 7, 1))
    [shown] = overview.overview()["transactions"]
    assert shown["for"] == "report of feed 1, checkpoint 40, view 0"
    assert (shown["state"], shown["stuck"]) == ("signed", False)
    row = journal.transactions.get("report 7a7a7a7a 1 40 0")
    assert row is not None
    assert row.queued_at is not None
    late = float(row.queued_at + 8)  # thrice 2.5 s have passed
    parts = cast(Any, overview)._parts
    [shown] = Overview(parts, Doors(), wall=lambda: late).overview()["transactions"]
    assert shown["stuck"] is True


async def test_overview__report_that_came_second__is_no_failure(
    config: Config, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    overview = await opened(config, journal)
    monkeypatch.setattr(cast(Any, overview)._parts.landings, "pending", lambda: [make_landed(40, 43)])
    for checkpoint in (40, 50):
        key = f"report 7a7a7a7a 1 {checkpoint} 0"
        journal.transactions.queue(key, SIGNERS[1].address, ORACLE, b"", 0, 100_000)
        row = journal.transactions.get(key)
        assert row is not None
        attempt = AttemptRow(checkpoint.to_bytes(32), row.id, b"raw", 7, 1)
        journal.transactions.sign(row.id, checkpoint, attempt)
        journal.transactions.mined(row.id, attempt.tx_hash, 44, b"b" * 32, succeeded=False)
    journal.transactions.queue("report 7a7a7a7a 1 40 1", SIGNERS[1].address, ORACLE, b"", 0, 100_000)
    unsent = journal.transactions.get("report 7a7a7a7a 1 40 1")
    assert unsent is not None
    journal.transactions.cancel(unsent.id, "the contract refused: feeds: checkpoint not newer")
    shown = {each["key"][16:]: each["overtaken"] for each in overview.overview()["transactions"]}
    assert shown == {"1 40 0": True, "1 50 0": False, "1 40 1": True}


async def test_overview__part_that_fails__leaves_the_others_alone(config: Config, journal: Journal) -> None:
    doors: Any = Doors()
    doors.status = lambda: 1 // 0
    overview = Overview(await make_parts(config, make_committee(), journal), doors)
    found = overview.overview()
    assert found["visitors"] is None
    assert found["name"] == "north"


async def test_lines__since_a_number__are_those_after_it(config: Config, journal: Journal) -> None:
    book = Logbook(3)
    overview = await opened(config, journal, book=book)
    for number in range(5):
        book.add(msgspec.json.encode({"level": "info", "event": f"line {number}"}).decode())

    def events(since: int) -> tuple[int, list[str]]:
        written, lines = overview.lines(since)
        return written, [each["event"] for each in lines]

    assert events(0) == (5, ["line 2", "line 3", "line 4"])
    assert events(4) == (5, ["line 4"])
    assert events(5) == (5, [])
    assert events(9) == (5, [])
