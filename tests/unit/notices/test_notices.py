"""The part as a whole: what it finds in a node's parts, what it tells of that, and that it never ends the node."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from node.agreement.committee import Committee
from node.config import Config, load
from node.errors import JournalUnwritableError
from node.journal import Journal
from node.journal.configurations import Span
from node.journal.equivocations import EvidenceRow
from node.keys.secrets import Secret
from node.notices import lookout as module
from node.notices.conditions import MISSED, conditions
from node.notices.courier import Message
from node.notices.lookout import Lookout
from node.notices.notices import Notices, open_notices
from node.notices.targets import Target
from node.status.health import Health
from tests.unit.notices.test_targets import CONFIG
from tests.unit.paper import make_block, make_landed

ME, OTHER = "0x5a5A5a5a5A5a5a5a5a5A5a5A5A5a5a5A5A5A5A5A", "0x" + "6b" * 20
MAIL = Target("mail", "info", Secret("json://mail.example/secret-a1"))
NOTHING: Any = SimpleNamespace(found=list, knows=lambda _: True)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "config.toml").write_text(CONFIG + "after_ms = 0\ngroup_ms = 0\n")
    return load(tmp_path / "config.toml", environ={}, check_files=False)


def make_parts(journal: Journal, **changes: Any) -> Any:
    """A node that has all it needs; the test takes away what it is about."""
    health = Health()
    health.chain_ok(make_block(900), make_block(902))
    known: dict[str, Any] = {
        "address": ME,
        "journal": journal,
        "health": health,
        "renderers": SimpleNamespace(fault=""),
        "guard": SimpleNamespace(doubtful=lambda: False),
        "publisher": SimpleNamespace(troubles=list),
        "chain": SimpleNamespace(pool=SimpleNamespace(trouble=[])),
        "sender": SimpleNamespace(funds=SimpleNamespace(low=False, balance=None)),
        "duty": SimpleNamespace(reasons=list, locator=None, own=None),
        "terms": SimpleNamespace(
            current=SimpleNamespace(gossip=SimpleNamespace(connected=1)),
            all=[],
            fault="",
            standby="",
            seat=lambda _: 3,
        ),
    }
    return SimpleNamespace(**{**known, **changes})


def start(config: Config, journal: Journal, parts: Any) -> Lookout:
    """What a node's start makes of its parts; nothing that changes slowly was read yet."""
    parts.notices = Notices(config, journal, [MAIL])
    return Lookout(parts, NOTHING)


def codes(notices: Notices) -> list[tuple[str, str]]:
    return [(each["code"], each["phase"]) for each in reversed(notices.recent())]


def test_look__account_nearly_empty_and_filled_again__told_once_each(journal: Journal, config: Config) -> None:
    parts = make_parts(journal)
    lookout, notices = start(config, journal, parts), parts.notices
    parts.sender.funds = SimpleNamespace(low=True, balance=12 * 10**15)
    for _ in range(3):
        lookout.look()
    parts.sender.funds = SimpleNamespace(low=False, balance=10**18)
    for _ in range(3):
        lookout.look()
    assert codes(notices) == [("low-balance", "begun"), ("low-balance", "over")]
    begun = notices.recent()[1]
    assert f"Account {ME} holds 0.012000 ether." in begun["text"]
    assert (begun["level"], begun["runbook"], begun["waiting"]) == ("warning", "runbook.md#low-balance", ["mail"])
    msgspec.json.encode([notices.recent(), notices.status()])


def test_look__restart_while_it_stands__not_told_again(journal: Journal, config: Config) -> None:
    parts = make_parts(journal, renderers=SimpleNamespace(fault="no worker is exact"))
    for _ in range(2):
        start(config, journal, parts).look()
    assert codes(parts.notices) == [("renderer-unfit", "begun")]
    assert [each["code"] for each in parts.notices.status()["standing"]] == ["renderer-unfit"]


def test_look__crossings__those_that_land_from_now_on_once_each(journal: Journal, config: Config) -> None:
    parts = make_parts(journal)

    def land(checkpoint: int, block: int, **changes: Any) -> None:
        journal.reports.add(make_landed(checkpoint, block, **changes))
        journal.cursors.set("landed", block)

    land(10, 12)
    for _ in range(2):
        start(config, journal, parts).look()
    land(20, 23)
    land(30, 34, band=1)
    for _ in range(2):
        start(config, journal, parts).look()
    notices = parts.notices
    assert codes(notices) == [("crossing-landed", "event")]
    assert "Feed 1 went from band 2 to band 3" in notices.recent()[0]["text"]


def test_look__node_before_its_first_block__nothing_is_taken_for_news(journal: Journal, config: Config) -> None:
    start(config, journal, make_parts(journal, health=Health())).look()
    assert journal.notices.until("landed") is None


def evidence(signer: str, checkpoint: int) -> EvidenceRow:
    return EvidenceRow(b"c" * 32, 1, checkpoint, 0, signer, b"1" * 256, b"s" * 64, b"2" * 256, b"t" * 64)


def test_look__evidence__told_once_and_ones_own_key_as_what_it_is(journal: Journal, config: Config) -> None:
    parts = make_parts(journal, duty=SimpleNamespace(reasons=lambda: ["own-key-signed-twice"], locator=None, own=None))
    journal.equivocations.add(evidence(OTHER, 40))
    start(config, journal, parts).look()
    journal.equivocations.add(evidence(ME, 50))
    for _ in range(2):
        start(config, journal, parts).look()
    assert codes(parts.notices) == [("evidence-found", "event"), ("own-key-signed-twice", "event")]
    assert parts.notices.recent()[0]["level"] == "critical"


def test_look__reports_without_this_node__missed_only_where_it_attested_none(journal: Journal, config: Config) -> None:
    parts = make_parts(journal)
    lookout, notices = start(config, journal, parts), parts.notices
    lookout.look()

    def land(number: int) -> None:
        journal.reports.add(make_landed(1_000 + number, 1_001 + number))

    for number in range(MISSED):
        land(number)
    journal.attestations.attest(b"c" * 32, 1, 1_000, 0, b"d" * 32, b"r")
    parts.health.chain_ok(make_block(1_100), make_block(1_102))
    lookout.look()
    assert codes(notices) == []
    land(MISSED)
    lookout.look()
    assert codes(notices) == [("rounds-missed", "begun")]
    journal.reports.add(make_landed(2_000, 2_001, signers=0b1110))
    for _ in range(2):
        lookout.look()
    assert codes(notices)[1:] == [("rounds-missed", "over")]


def test_look__what_landed_while_the_node_was_down__is_not_held_against_it(journal: Journal, config: Config) -> None:
    for number in range(MISSED):
        journal.reports.add(make_landed(100 + number, 101 + number))
    parts = make_parts(journal)
    start(config, journal, parts).look()
    assert codes(parts.notices) == []


def test_look__report_in_the_very_block_of_the_first_look__is_not_held_against_it(
    journal: Journal, config: Config
) -> None:
    parts = make_parts(journal)
    lookout = start(config, journal, parts)
    lookout.look()
    for number in range(MISSED):
        journal.reports.add(make_landed(890 + number, 900 + number))
    lookout.look()
    assert codes(parts.notices) == []


def test_look__journal_takes_writes_again__what_waited_is_kept(
    journal: Journal, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = make_parts(journal, renderers=SimpleNamespace(fault="no worker is exact"))
    lookout = start(config, journal, parts)

    def refuse(*_: object) -> int:
        raise JournalUnwritableError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(journal._store, "execute", refuse)
        lookout.look()
        assert codes(parts.notices) == [("renderer-unfit", "begun")]
    lookout.look()
    assert [row.code for row in journal.notices.last()] == ["renderer-unfit"]
    assert [row.code for row in journal.notices.troubles()] == ["renderer-unfit"]


def test_look__seat_lost_and_never_had__are_two_things(journal: Journal, config: Config) -> None:
    terms = SimpleNamespace(
        current=None, all=[], fault="", standby="node 3 was suspended in era 7", seat=lambda _: None
    )
    parts = make_parts(journal, terms=terms)
    lookout, notices = start(config, journal, parts), parts.notices
    lookout.look()
    assert codes(notices) == [("standby", "begun")]
    committee = Committee(1, OTHER, [ME], [b"k" * 32])
    journal.configurations.know(committee)
    journal.configurations.begin(Span(5, committee.config_digest))
    journal.configurations.begin(Span(9, b"v" * 32))
    for _ in range(2):
        lookout.look()
    assert codes(notices)[1] == ("seat-lost", "begun")
    assert "Node 3 was suspended in era 7." in notices.recent(2)[0]["text"] + notices.recent(2)[1]["text"]


def test_look__look_that_takes_too_long__behind(journal: Journal, config: Config) -> None:
    parts = make_parts(journal)
    parts.health.heard_ms -= 10 * 60_000
    start(config, journal, parts).look()
    assert codes(parts.notices) == [("behind", "begun")]


def test_look__restart_before_anything_is_known__ends_nothing(journal: Journal, config: Config) -> None:
    parts = make_parts(journal, renderers=SimpleNamespace(fault="no worker is exact"))
    parts.sender.funds = SimpleNamespace(low=True, balance=1)
    start(config, journal, parts).look()
    fresh = make_parts(journal, health=Health())
    lookout = start(config, journal, fresh)
    for _ in range(2):
        lookout.look()
    assert ("low-balance", "over") not in codes(fresh.notices)
    assert ("renderer-unfit", "over") not in codes(fresh.notices)


async def test_run__target_and_parts_that_fail__goes_on_until_cancelled(
    journal: Journal, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    sent = asyncio.Event()

    async def carry(_: Target, message: Message) -> str:
        sent.set()
        raise RuntimeError("the courier is lost")

    parts = make_parts(journal)
    parts.sender.funds = SimpleNamespace(low=True, balance=0)
    good = parts.health
    parts.health = None  # whatever may be wrong with a part
    parts.config, parts.notices = config, Notices(config, journal, [MAIL], carry=carry)
    with capture_logs() as said:
        running = asyncio.gather(parts.notices.run(), Lookout(parts).run())
        await asyncio.sleep(0.02)
    looking = [each["error"] for each in said if each["event"] == "notices not looked after, trying again"]
    assert len(looking) == len(set(looking)) >= 1  # each trouble once, however often it is met
    parts.health = good
    await asyncio.wait_for(sent.wait(), 20)
    await asyncio.sleep(0.02)
    assert not running.done()
    assert parts.notices.status()["targets"][0]["failures"] == 1
    running.cancel()
    assert await asyncio.gather(running, return_exceptions=True) != [None]


def test_open__targets_that_cannot_be_used__are_no_reason_not_to_sign(
    journal: Journal, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATINA_NOTICE_TARGETS", "no url at all")
    assert open_notices(config, journal).status()["targets"] == []
    monkeypatch.setenv("PATINA_NOTICE_TARGETS", "me critical json://localhost:1/x")
    assert [each["name"] for each in open_notices(config, journal).status()["targets"]] == ["me"]


def test_look__publishing_target_that_fails__told_by_its_name(journal: Journal) -> None:
    parts = make_parts(journal)
    parts.publisher = SimpleNamespace(troubles=lambda: [("attic", "3 artworks wait: cannot be reached.")])
    found = [each for each in conditions(parts, 0) if each.code == "publishing-failing"]
    assert [(each.subject, each.detail) for each in found] == [("attic", "attic: 3 artworks wait: cannot be reached.")]
