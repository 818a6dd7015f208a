"""The vault keeper on a chain of paper: what it samples, when it begins a round, what it leaves alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keepers.policy import WAD
from keepers.vaults import GIVE_UP, UNCHANGED, VaultKeeper, consecutive, cursor
from node.agreement.effects import Trigger
from node.artworks.paint import Alone
from node.chain.failures import MissingError
from node.chain.types import Block, Edition, EditionState, Feed, Policy, Sample
from node.errors import ChainError
from node.journal import Journal
from node.keeper import NodeContext
from tests.unit import paper

CADENCE = 10
PERCENT = WAD // 100
POLICY = Policy(CADENCE, 3, 0, 0, PERCENT // 10, (-PERCENT, PERCENT, 2 * PERCENT))
ROOT = b"\x11" * 32


def make_feed(number: int = 1, **changes: Any) -> Feed:
    return paper.make_feed(number, **{"policy": POLICY, **changes})


def make_edition(number: int = 1, **changes: Any) -> Edition:
    return paper.make_edition(number, **{"content_root": ROOT, **changes})


@dataclass
class PaperChain:
    """Share prices by checkpoint; every request is counted."""

    prices: dict[int, int]
    bands: dict[int, int] = field(default_factory=dict)
    edition_now: Edition | None = field(default_factory=make_edition)
    missing: set[int] = field(default_factory=set)
    fault: ChainError = field(default_factory=lambda: ChainError("429"))
    supplies: dict[int, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    async def block(self, number: int) -> Block:
        self.requests.append("block")
        if number in self.missing:
            raise self.fault
        return Block(number, number.to_bytes(32, "big"), number)

    async def sample(self, feeds: Sequence[Feed], block: Block) -> list[Sample]:
        self.requests.append("sample")
        price = self.prices.get(block.number)
        if price is None:
            return []
        band, supply = self.bands.get(block.number, 1), self.supplies.get(block.number, 10**9)
        return [Sample(feed.id, block.number, block.hash, price, 0, supply, band, 0) for feed in feeds]

    async def editions(self, which: Sequence[tuple[str, int]], _: Block) -> list[Edition | None]:
        self.requests.append("editions")
        return [self.edition_now and replace(self.edition_now, id=number, feed=number) for _, number in which]


@dataclass
class PaperRounds:
    begun: list[tuple[Trigger, Callable[..., Awaitable[bytes]]]] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)

    async def begin(self, trigger: Trigger, paint: Callable[..., Awaitable[bytes]]) -> None:
        self.begun.append((trigger, paint))
        self.open[trigger.feed] = trigger.checkpoint

    def in_flight(self, feed: int) -> int | None:
        return self.open.get(feed)

    @property
    def checkpoints(self) -> list[int]:
        return [trigger.checkpoint for trigger, _ in self.begun]


@dataclass
class PaperStudio:
    painted: list[tuple[int, int, tuple[tuple[str, int], ...]]] = field(default_factory=list)
    alike: bool = False

    async def exact(self, _: Edition) -> bool:
        return not self.alike

    async def paint(
        self, feed: Feed, edition: Edition, checkpoint: int, block_hash: bytes, band: int, signals: Any
    ) -> bytes:
        self.painted.append((checkpoint, band, signals))
        return b"\x22" * 32


@dataclass
class PaperLandings:
    blocks: dict[int, int] = field(default_factory=dict)
    reports: dict[int, Any] = field(default_factory=dict)

    def block_of_last(self, feed: int) -> int | None:
        return self.blocks.get(feed)

    def last(self, feed: int) -> Any:
        return self.reports.get(feed)


class Desk:
    """A keeper with everything around it."""

    def __init__(self, journal: Journal, chain: PaperChain) -> None:
        self.journal, self.chain = journal, chain
        self.rounds, self.studio, self.landings = PaperRounds(), PaperStudio(), PaperLandings()
        self.keeper = VaultKeeper(
            NodeContext(
                *(cast(Any, part) for part in (None, chain, journal, self.landings, self.rounds, self.studio, None))
            )
        )

    async def head(self, number: int, *feeds: Feed) -> None:
        await self.keeper.final_head(Block(number, number.to_bytes(32, "big"), number), feeds or (make_feed(),))


def flat(until: int, price: int = WAD) -> dict[int, int]:
    return dict.fromkeys(range(CADENCE, until + 1, CADENCE), price)


async def test_final_head__nothing_moves__samples_every_checkpoint_once_in_silence(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(100)))
    await desk.head(47)
    await desk.head(47)
    await desk.head(63)
    assert [sample.checkpoint for sample in journal.samples.last(1, 99)] == [10, 20, 30, 40, 50, 60]
    assert desk.rounds.begun == []
    assert journal.cursors.get(cursor(1)) == 60


async def test_final_head__many_feeds_at_a_checkpoint__takes_no_more_requests_than_one(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(40)))
    await desk.head(30, *(make_feed(number) for number in range(1, 40)))
    with_many, desk.chain.requests = desk.chain.requests, []
    alone = Desk(journal, PaperChain(flat(40)))
    await alone.head(30, make_feed(99))
    assert len(with_many) == len(alone.chain.requests)


async def test_final_head__checkpoint_is_the_head__its_block_is_not_asked_for_again(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(50)))
    await desk.head(30)
    desk.chain.requests.clear()
    await desk.head(40)
    assert "block" not in desk.chain.requests
    await desk.head(55)
    assert desk.chain.requests.count("block") == 1


async def test_final_head__crossing_held_for_two_of_three_samples__begins_one_round(journal: Journal) -> None:
    prices = flat(30) | {40: WAD * 102 // 100, 50: WAD * 102 // 100, 60: WAD * 102 // 100}
    desk = Desk(journal, PaperChain(prices))
    await desk.head(60)
    assert desk.rounds.checkpoints == [50]
    trigger = desk.rounds.begun[0][0]
    assert trigger.answer == 2 * PERCENT
    assert trigger.block_hash == (50).to_bytes(32, "big")
    row = journal.rounds.get(1, 50)
    assert row is not None
    assert (row.reason, row.state) == ("crossing", "open")


async def test_wick__one_sample_in_a_flat_history__begins_nothing(journal: Journal) -> None:
    """Incident: a 3.5 % one-sample wick in a real vault."""
    desk = Desk(journal, PaperChain(flat(90) | {50: WAD * 965 // 1000}))
    await desk.head(90)
    assert desk.rounds.begun == []


async def test_final_head__unpainted_revealed_edition__is_painted_once_history_suffices(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(60), edition_now=make_edition(content_root=UNCHANGED)))
    await desk.head(20)
    assert desk.rounds.begun == []
    await desk.head(30)
    assert desk.rounds.checkpoints == [30]
    root = await desk.rounds.begun[0][1](0, (1, 2, 3))
    assert root == b"\x22" * 32
    assert desk.studio.painted == [(30, 1, (("volatility", 1), ("drawdown", 2), ("flow", 3)))]


@pytest.mark.parametrize(
    "edition",
    [None, make_edition(state=EditionState.SELLING), make_edition(minted=0)],
    ids=["missing", "unrevealed", "empty"],
)
async def test_paint__edition_that_cannot_be_painted__reports_the_band_alone(
    journal: Journal, edition: Edition | None
) -> None:
    desk = Desk(journal, PaperChain(flat(30, WAD * 2), edition_now=edition))
    await desk.head(30)
    assert await desk.rounds.begun[0][1](WAD, (0, 0, 0)) == UNCHANGED
    assert desk.studio.painted == []


async def test_paint__edition_that_names_another_feed__is_left_alone(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30, WAD * 2)))
    await desk.head(30, make_feed(1, edition=7))
    assert await desk.rounds.begun[0][1](WAD, (0, 0, 0)) == UNCHANGED


async def test_paint__band_follows_the_agreed_median__not_the_own_answer(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30, WAD * 2)))
    await desk.head(30)
    paint = desk.rounds.begun[0][1]
    assert await paint(0, (0, 0, 0)) == UNCHANGED  # by the committee's median nothing changed
    await paint(PERCENT * 3 // 2, (0, 0, 0))
    assert [band for _, band, _ in desk.studio.painted] == [2]


async def test_paint__alone__is_the_same_for_exact_recipes_and_nothing_for_those_by_tolerance(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30, WAD * 2)))
    await desk.head(30)
    paint: Any = desk.rounds.begun[0][1]
    assert isinstance(paint, Alone)
    assert await paint.alone(PERCENT * 3 // 2, (0, 0, 0)) == b"\x22" * 32
    assert [band for _, band, _ in desk.studio.painted] == [2]
    assert await paint.alone(0, (0, 0, 0)) == UNCHANGED
    desk.studio.alike = True
    assert await paint.alone(PERCENT * 3 // 2, (0, 0, 0)) == UNCHANGED
    assert len(desk.studio.painted) == 1  # and nothing was painted in vain


async def test_paint__alone_for_a_first_painting_by_tolerance__has_nothing_to_report(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30), edition_now=make_edition(content_root=UNCHANGED)))
    desk.studio.alike = True
    await desk.head(30)
    paint: Any = desk.rounds.begun[0][1]
    assert await paint.alone(0, (0, 0, 0)) is None
    resumed = Desk(journal, desk.chain)
    resumed.studio.alike = True
    await resumed.keeper.resume([make_feed()])
    again: Any = resumed.rounds.begun[0][1]
    assert await again.alone(0, (0, 0, 0)) is None


async def test_final_head__round_in_flight__begins_another_at_aligned_checkpoints_only(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(120, WAD * 2)))
    await desk.head(120)
    assert desk.rounds.checkpoints == [30, 40, 80, 120]


async def test_final_head__no_seat_at_a_checkpoint__samples_and_begins_nothing(journal: Journal) -> None:
    """So that a node which is seated can serve from its first checkpoint on."""
    chain = PaperChain(flat(60) | dict.fromkeys((40, 50, 60), WAD * 102 // 100))
    desk = Desk(journal, chain)
    context = desk.keeper._context
    desk.keeper._context = replace(context, takes_part=lambda checkpoint: checkpoint >= 60)
    await desk.head(50)
    assert desk.rounds.begun == []
    assert journal.rounds.last(9) == []
    assert [sample.checkpoint for sample in journal.samples.last(1, 9)] == [10, 20, 30, 40, 50]
    await desk.head(60)
    assert [trigger.checkpoint for trigger, _ in desk.rounds.begun] == [60]


async def test_final_head__state_older_than_the_last_landing__begins_nothing(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(60, WAD * 2), bands={60: 3}))
    desk.landings.blocks[1] = 52
    await desk.head(60)
    assert desk.rounds.begun == []


async def test_final_head__vault_silent_for_a_checkpoint__abstains_until_the_window_is_full(journal: Journal) -> None:
    prices = flat(80, WAD * 2)
    del prices[40]
    desk = Desk(journal, PaperChain(prices))
    await desk.head(60)
    desk.rounds.open.clear()
    assert desk.rounds.checkpoints == [30]
    await desk.head(70)
    assert desk.rounds.checkpoints == [30, 70]


async def test_final_head__endpoint_fails__stores_nothing_and_tries_again(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(60), missing={30}))
    with pytest.raises(ChainError):
        await desk.head(60)
    assert journal.cursors.get(cursor(1)) == 20
    desk.chain.missing.clear()
    await desk.head(60)
    assert [sample.checkpoint for sample in journal.samples.last(1, 99)] == [10, 20, 30, 40, 50, 60]


async def test_final_head__no_endpoint_has_old_state__waits_once_and_leaves_all_of_it_out(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(60, WAD * 2), missing={10, 20}, fault=MissingError("unknown block")))
    for _ in range(GIVE_UP - 1):
        with pytest.raises(ChainError):
            await desk.head(60)
    await desk.head(60)
    assert [sample.checkpoint for sample in journal.samples.last(1, 99)] == [30, 40, 50, 60]
    assert desk.rounds.begun == []  # others look back further than this node can: it abstains


async def test_final_head__endpoint_that_limits_for_long__loses_no_checkpoint(journal: Journal) -> None:
    """Incident: 429 with Retry-After (foundry#10938): an outage is waited out, not taken for lost history."""
    desk = Desk(journal, PaperChain(flat(60), missing={20}))
    for _ in range(3 * GIVE_UP):
        with pytest.raises(ChainError):
            await desk.head(60)
    desk.chain.missing.clear()
    await desk.head(60)
    assert [sample.checkpoint for sample in journal.samples.last(1, 99)] == [10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize(
    ("price", "supplies"),
    [(WAD * 2**100, {}), (WAD * 2, {10: 1, 20: 1, 30: 2**256 - 1})],
    ids=["an answer beyond int128", "a flow beyond int256"],
)
async def test_final_head__figures_that_fit_no_report__are_abstained_from(
    journal: Journal, price: int, supplies: dict[int, int]
) -> None:
    desk = Desk(journal, PaperChain(flat(40, price), supplies=supplies))
    await desk.head(30)
    assert desk.rounds.begun == []
    assert journal.cursors.get(cursor(1)) == 30


async def test_final_head__painting_that_the_collection_refused__is_not_paid_for_again(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(60), edition_now=make_edition(content_root=UNCHANGED)))
    desk.landings.reports[1] = SimpleNamespace(content_root=ROOT)
    await desk.head(60)
    assert desk.rounds.begun == []


async def test_resume__state_of_an_open_round_is_gone__gives_it_up_and_goes_on(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30, WAD * 2)))
    await desk.head(30)
    again = Desk(journal, PaperChain(flat(60), missing={30}, fault=MissingError("unknown block")))
    await again.keeper.resume([make_feed()])
    assert again.rounds.begun == []
    assert journal.rounds.unfinished() == []


async def test_resume__rounds_left_open__are_begun_again_with_what_was_measured(journal: Journal) -> None:
    """Incident: blocks missed over a restart (chainlink#5936)."""
    desk = Desk(journal, PaperChain(flat(30, WAD * 2)))
    await desk.head(30)
    before = desk.rounds.begun[0][0]
    again = Desk(journal, PaperChain(flat(60, WAD * 2)))
    await again.keeper.resume([make_feed()])
    assert [trigger for trigger, _ in again.rounds.begun] == [before]
    await again.head(60)
    assert [sample.checkpoint for sample in journal.samples.last(1, 99)] == [10, 20, 30, 40, 50, 60]


async def test_resume__feed_no_longer_served__abandons_its_rounds(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30, WAD * 2)))
    await desk.head(30)
    await desk.keeper.resume([])
    assert journal.rounds.unfinished() == []


async def test_answers__any_samples__are_those_that_rounds_begin_with(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(30) | {40: WAD * 3, 50: WAD * 3}))
    await desk.head(50)
    samples = journal.samples.last(1, 99)
    answers = desk.keeper.answers(make_feed(), samples)
    assert answers == [None, None, 0, 0, 2 * WAD]
    assert desk.rounds.begun[-1][0].answer == answers[-1]


def test_consecutive__gap_before_the_end__keeps_what_follows_it() -> None:
    samples = [Sample(1, checkpoint, b"", WAD, 0, 0, 0, 0) for checkpoint in (10, 20, 40, 50)]
    assert [one.checkpoint for one in consecutive(samples, 10)] == [40, 50]


async def test_final_head__feed_that_does_not_pay__sampled_and_left_alone_until_it_does(journal: Journal) -> None:
    desk = Desk(journal, PaperChain(flat(40) | {50: 2 * WAD, 60: 2 * WAD, 70: 2 * WAD, 80: 2 * WAD}))
    poor = {1}

    async def unpaid(feeds: Sequence[int]) -> set[int]:
        return poor & set(feeds)

    desk.keeper._context = replace(desk.keeper._context, unpaid=unpaid)
    await desk.head(63)
    assert (desk.rounds.checkpoints, journal.rounds.unfinished()) == ([], [])
    assert [sample.checkpoint for sample in journal.samples.last(1, 99)] == [10, 20, 30, 40, 50, 60]
    poor.clear()
    await desk.head(73)
    assert desk.rounds.checkpoints == [70]
