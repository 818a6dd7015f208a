"""What everybody is told of a network: from the journal, what is under way, and the reports' own proofs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from node.agreement.effects import Trigger
from node.agreement.report import Report
from node.chain.types import NOBODY, Block, FullReport, Landed
from node.config import Config
from node.errors import ChainError
from node.gossip.hearing import Hearing
from node.journal import Journal
from node.journal.configurations import Span
from node.network.board import RETIRED, Board
from node.network.rounds import PROOFS
from node.network.stakes import StakesLook
from node.parts import Parts
from node.staking.types import Node, Overview, Params, Standing
from tests.unit.office import ORACLE, SIGNERS, in_force, make_committee, make_parts
from tests.unit.paper import make_block, make_feed, make_landed

COMMITTEE = make_committee()
DIGEST = COMMITTEE.config_digest


class Reader:
    """Reads proofs: those of reports in view 2 that the first three observed; a test may have it fail."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.fault: ChainError | None = None
        self.changes: dict[str, Any] = {}

    async def __call__(self, landed: Landed) -> FullReport:
        self.asked.append(landed.checkpoint)
        if self.fault is not None:
            raise self.fault
        report = Report(landed.feed, landed.checkpoint, b"b" * 32, 2, 0b0111, (1, 2, 3), (4, 5, 6), landed.content_root)
        full = FullReport(landed, COMMITTEE.domain, report, ("a", "b", "c"), (b"", b"", b""), (), 70_123)
        return replace(full, **self.changes)


async def at_rest(config: Config, journal: Journal, **kinds: Any) -> tuple[Board, Parts, Reader]:
    """A board over a node that has seen block 902, whose chain tells times and no staking contract."""
    parts = await make_parts(config, COMMITTEE, journal, **kinds)
    parts.health.chain_ok(make_block(900), make_block(902))

    async def block(number: int) -> Block:
        found = make_block(number)
        parts.chain.dates.learn(found)
        return found

    async def find() -> None:
        return None

    cast(Any, parts.chain).block = block
    cast(Any, parts.duty).locator = SimpleNamespace(find=find)
    reader = Reader()
    return Board(parts, reader, clock=lambda: 5_000.0), parts, reader


def report(checkpoint: int, **changes: Any) -> Landed:
    return make_landed(
        checkpoint, checkpoint + 3, config_digest=DIGEST, **({"transmitter": SIGNERS[2].address} | changes)
    )


async def test_board__final_report__names_who_did_what(config: Config, journal: Journal) -> None:
    board, _, _ = await at_rest(config, journal)
    journal.reports.add(report(40))
    await board.refresh([make_feed()])
    view = board.view()
    assert view is not None
    [shown] = view.rounds
    assert (shown.state, shown.view, shown.leader) == ("landed", 2, COMMITTEE.leader(1, 40, 2))
    assert (shown.observers, shown.signers) == ([0, 1, 2], [0, 1, 2])
    assert (shown.transmitter_seat, shown.gas, shown.time, shown.road) == (2, 70_123, 43, "report")
    assert [(each.observed, each.signed, each.sent, each.of) for each in view.members] == [
        (1, 1, 0, 1), (1, 1, 0, 1), (1, 1, 1, 1), (0, 0, 0, 1),
    ]  # fmt: skip
    msgspec.json.encode(view)


async def test_board__proof_that_cannot_be_read__is_asked_for_again(config: Config, journal: Journal) -> None:
    board, _, reader = await at_rest(config, journal)
    journal.reports.add(report(40))
    reader.fault = ChainError("silent")
    await board.refresh([])
    view = board.view()
    assert view is not None
    assert (view.rounds[0].observers, view.rounds[0].signers, view.rounds[0].gas) == (None, [0, 1, 2], None)
    assert view.members[0].of == 0
    reader.fault = None
    await board.refresh([])
    await board.refresh([])
    assert reader.asked == [40, 40]


async def test_board__many_reports_at_a_start__are_read_little_by_little(config: Config, journal: Journal) -> None:
    board, _, reader = await at_rest(config, journal)
    for checkpoint in range(40, 140, 10):
        journal.reports.add(report(checkpoint))
    await board.refresh([])
    assert reader.asked == list(range(130, 130 - 10 * PROOFS, -10))


async def test_board__votes__are_the_voters(config: Config, journal: Journal) -> None:
    board, _, reader = await at_rest(config, journal)
    reader.changes = {"report": None}
    journal.reports.add(report(40, transmitter=NOBODY))
    await board.refresh([])
    view = board.view()
    assert view is not None
    [shown] = view.rounds
    assert (shown.road, shown.observers, shown.transmitter, shown.leader) == ("votes", [0, 1, 2], "", None)


async def test_board__report_that_is_not_final__is_seen_and_may_be_taken_back(config: Config, journal: Journal) -> None:
    board, parts, _ = await at_rest(config, journal)
    cast(Any, parts.landings)._recent = [report(40)]
    await board.refresh([make_feed()])
    view = board.view()
    assert view is not None
    assert [each.state for each in view.rounds] == ["seen"]
    assert (view.feeds[0].band, view.feeds[0].checkpoint, view.feeds[0].next_checkpoint) == (2, 40, 910)
    cast(Any, parts.landings)._recent = []
    await board.refresh([make_feed()])
    view = board.view()
    assert view is not None
    assert view.rounds == []


async def test_board__rounds_open_and_given_up__are_shown_with_what_was_measured(
    config: Config, journal: Journal
) -> None:
    board, parts, _ = await at_rest(config, journal)
    journal.rounds.open(1, 40, b"b" * 32, 7, (1, 2, 3), "crossing")
    journal.rounds.finish(1, 40, "abandoned")
    journal.rounds.open(1, 50, b"b" * 32, 8, (1, 2, 3), "heartbeat")
    rounds = in_force(parts).rounds
    task = asyncio.create_task(rounds.run())
    await asyncio.sleep(0)

    async def paint(*_: Any) -> bytes:
        return bytes(32)

    await rounds.begin(Trigger(1, 50, b"b" * 32, 8, (1, 2, 3)), paint)
    await board.refresh([])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    view = board.view()
    assert view is not None
    assert [(each.checkpoint, each.state, each.answer, each.reason) for each in view.rounds] == [
        (50, "open", "8", "heartbeat"), (40, "abandoned", "7", "crossing"),
    ]  # fmt: skip
    assert view.rounds[0].phase == "observing"


async def test_board__members_heard__do_not_give_this_node_away(config: Config, journal: Journal) -> None:
    board, parts, _ = await at_rest(config, journal)
    now = 100.0
    term = in_force(parts)
    hearing = Hearing(COMMITTEE, term.index, clock=lambda: now)
    object.__setattr__(term, "hearing", hearing)
    await board.refresh([])
    view = board.view()
    assert view is not None
    assert [each.heard_at for each in view.members] == [None] * 4
    hearing.heard(0)
    now = 130.0
    await board.refresh([])
    view = board.view()
    assert view is not None
    assert [each.heard_at for each in view.members] == [4_970, 4_970, None, None], "seat 1 is its own"
    text = msgspec.json.encode(view).decode()
    assert "own" not in text


async def test_board__nothing_new__no_page_is_told(config: Config, journal: Journal) -> None:
    board, _, _ = await at_rest(config, journal)
    await board.refresh([])
    before = board.revision
    await board.refresh([])
    assert board.revision == before
    journal.reports.add(report(40))
    waiting = asyncio.create_task(board.changed(before))
    await board.refresh([])
    assert await waiting == before + 1


async def test_board__no_committee__is_told_and_earlier_ones_with_their_blocks(
    config: Config, journal: Journal
) -> None:
    board, _, _ = await at_rest(config, journal, vacant=True)
    await board.refresh([])
    view = board.view()
    assert view is not None
    assert (view.config, view.members, view.quorum, view.since_block) == (None, [], 0, None)


class PaperStaking:
    """A contract of four seats; `fault` makes it fail."""

    address = "0x" + "99" * 20

    def __init__(self, era: int = 3) -> None:
        self.era, self.looks, self.fault = era, 0, False

    async def overview(self) -> Overview:
        self.looks += 1
        if self.fault:
            raise ChainError("silent")
        rules = Params(100, 4, 1_000, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1)
        links = (b"", b"", b"")
        return Overview(ORACLE, "0x" + "77" * 20, True, self.era, 9_000, 7, DIGEST, *links, 0, 0, (1, 2, 3, 4), rules)

    async def members(self, _: int) -> tuple[int, ...]:
        return (1, 2, 3, 4)

    async def standings(self, numbers: tuple[int, ...]) -> list[Standing]:
        rest = (b"k" * 32, 500, 0, True, True, False, False, False, 0, 0, 0, 0)
        return [Standing(Node(one, "op", "pay", SIGNERS[one - 1].address, *rest), 10, 9) for one in numbers]


def staked(staking: PaperStaking, clock: Any) -> StakesLook:
    async def find() -> PaperStaking:
        return staking

    async def judge(*_: Any) -> None:
        return None

    look = StakesLook(cast(Any, SimpleNamespace(oracle=ORACLE)), "", cast(Any, SimpleNamespace(find=find)), clock=clock)
    look._token = cast(Any, SimpleNamespace(symbol="PAT", decimals=18))
    look._address = staking.address
    look._judge = judge  # type: ignore[method-assign]
    return look


async def test_board__staking_contract__gives_bonds_and_attendance_to_the_seats(
    config: Config, journal: Journal
) -> None:
    board, _, _ = await at_rest(config, journal)
    cast(Any, board)._stakes = staked(PaperStaking(), lambda: 0.0)
    await board.refresh([])
    view = board.view()
    assert view is not None
    assert view.staking is not None
    assert (view.staking.symbol, view.staking.era, view.staking.candidates) == ("PAT", 3, 4)
    assert [(each.node, each.bond, each.state) for each in view.members] == [(n, "500", "seated") for n in (1, 2, 3, 4)]
    assert [(era.era, era.due, era.attended) for era in view.members[0].eras] == [(3, 10, 9)]


async def test_stakes__asked_often__looks_seldom_but_at_a_new_committee_at_once() -> None:
    now, contract = 0.0, PaperStaking()
    look = staked(contract, lambda: now)
    await look.look(b"a", 900)
    now = 59.0
    await look.look(b"a", 900)
    assert contract.looks == 1
    await look.look(b"b", 900)
    assert contract.looks == 2
    now = 119.5
    contract.fault = True
    with pytest.raises(ChainError):
        await look.look(b"b", 900)
    assert look.last is not None, "what was known stays"
    await look.look(b"b", 900)
    assert contract.looks == 3, "and the next look waits its turn"


async def test_refresh__committees_that_changed_often__the_latest_are_shown(config: Config, journal: Journal) -> None:
    board, parts, _ = await at_rest(config, journal)
    for number in range(RETIRED + 4):
        parts.journal.configurations.begin(Span(1_000 + number, number.to_bytes(32, "big")))
    await board.refresh([make_feed()])
    view = board.view()
    assert view is not None
    assert [each.first_block for each in view.retired] == [*range(1_000 + RETIRED + 2, 1_000 + 2, -1)]
