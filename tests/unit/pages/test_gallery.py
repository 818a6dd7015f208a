"""The gallery's views: what stays when something cannot be read, what moves, and how repaints chain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from node.agreement.committee import Committee
from node.chain.dates import Dates
from node.chain.types import Block, Edition, EditionState, Feed, FullReport, Landed, Sample
from node.content.cid import directory_cid, raw_cid
from node.errors import ChainError, ContentError
from node.journal import Journal
from node.pages.gallery import HEADERS, Gallery
from node.render.recipe import Recipe
from node.web.source import EditionView, Readiness
from tests.unit.paper import PERCENT, WAD, make_edition, make_feed, make_landed

RECIPE = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear", "golden"), (10**16, 10**16, 10**17))

COMMITTEE = Committee(1, "0x" + "ab" * 20, ["0x" + f"{n:02x}" * 20 for n in (1, 2)], [b"\x01" * 32, b"\x02" * 32])
DOMAIN = COMMITTEE.domain


@dataclass
class PaperChain:
    editions: dict[int, Edition] = field(default_factory=dict)
    failing: set[int] = field(default_factory=set)
    asked: list[tuple[int, int, Landed | None]] = field(default_factory=list)
    dates: Dates = field(default_factory=Dates)
    headers: list[int] = field(default_factory=list)

    async def block(self, number: int) -> Block:
        self.headers.append(number)
        return Block(number, number.to_bytes(32, "big"), 1_700_000_000 + 12 * number)

    async def edition(self, collection: str, number: int) -> Edition:
        if number in self.failing:
            raise ChainError("silent")
        return self.editions[number]

    async def report(self, feed: int, checkpoint: int, landed: Landed | None = None) -> FullReport:
        self.asked.append((feed, checkpoint, landed))
        assert landed is not None
        return FullReport(landed, DOMAIN, None, ("0xA", "0xB"), (), (), 77_000)


@dataclass
class PaperRecipes:
    known: dict[bytes, Recipe] = field(default_factory=lambda: {b"r" * 32: RECIPE})

    async def find(self, digest: bytes) -> Recipe:
        if digest not in self.known:
            raise ContentError("nobody has it")
        return self.known[digest]


class Desk:
    """A gallery over a real journal; reports are set by feed."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.chain, self.recipes = journal, PaperChain(), PaperRecipes()
        self.landed: dict[int, list[Landed]] = {}
        self.chain.editions = {number: make_edition(number) for number in (1, 2)}
        parts = (self.chain, 31337, journal, self.recipes, self.answers)
        self.gallery = Gallery(
            *(cast(Any, part) for part in parts), lambda: {"name": "n"}, lambda: Readiness(False, ["no-broker"])
        )

    def answers(self, feed: Feed, samples: Sequence[Sample]) -> list[int | None]:
        return [None if index < feed.policy.window - 1 else index * PERCENT for index in range(len(samples))]

    async def refresh(self, *feeds: Feed) -> Sequence[EditionView]:
        await self.gallery.refresh(feeds or (make_feed(1), make_feed(2)), lambda feed: self.landed.get(feed, []))
        return self.gallery.editions()

    def paint(self, feed: int, *reports: Landed) -> None:
        self.landed[feed] = list(reports)
        roots = [report.content_root for report in reports if any(report.content_root)]
        self.chain.editions[feed] = replace(self.chain.editions[feed], content_root=roots[-1])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Journal(tmp_path) as journal:
        yield Desk(journal)


async def test_refresh__unpainted_edition__shows_its_placeholder(desk: Desk) -> None:
    [view] = await desk.refresh(make_feed())
    placeholder = directory_cid(b"p" * 32)
    assert (view.name, view.edition, view.state, view.band, view.bands) == ("Tide", 1, "revealed", 1, 3)
    assert (view.root, view.token_uri_prefix) == (placeholder, f"ipfs://{placeholder}/")
    assert [token.image for token in view.tokens] == [f"/ipfs/{placeholder}/placeholder.svg"] * 2
    assert [token.metadata for token in view.tokens] == [
        f"/ipfs/{placeholder}/1000001.json",
        f"/ipfs/{placeholder}/1000002.json",
    ]
    assert (view.history, view.recipe, view.moods) == ([], raw_cid(b"r" * 32), ["storm", "clear", "golden"])


async def test_refresh__repaints__chain_from_the_placeholder_to_what_stands(desk: Desk) -> None:
    unpainted = make_landed(30, 31, content_root=bytes(32))
    desk.paint(1, make_landed(10, 12), make_landed(20, 22, band=1, previous_band=2), unpainted, make_landed(40, 43))
    [view] = await desk.refresh(make_feed())
    roots = [b"p" * 32, *(number.to_bytes(32, "big") for number in (10, 20, 40))]
    uris = [f"ipfs://{directory_cid(root)}/1000001.json" for root in roots]
    assert [(one.token_uri_before, one.token_uri_after) for one in view.history] == list(pairwise(uris))
    assert [one.checkpoint for one in view.history] == [10, 20, 40]
    last = view.history[-1]
    assert (last.block, last.answer, last.gas, last.signers) == (43, str(PERCENT), 77_000, ["0xA", "0xB"])
    assert last.root == view.root == directory_cid(roots[-1])
    assert list(last.images) == [token.image for token in view.tokens]
    assert list(last.metadata) == [token.metadata for token in view.tokens]
    assert view.tokens[0].image.endswith("/1000001.png")


async def test_refresh__band__is_the_newest_reports_even_if_it_painted_nothing(desk: Desk) -> None:
    desk.landed[1] = [make_landed(10, 12, band=2), make_landed(20, 22, band=0, content_root=bytes(32))]
    [view] = await desk.refresh(make_feed(band=1))
    assert view.band == 0


async def test_refresh__edition_cannot_be_read__keeps_its_last_view(desk: Desk) -> None:
    before = list(await desk.refresh())
    desk.chain.failing = {1}
    desk.chain.editions[2] = replace(desk.chain.editions[2], content_root=b"n" * 32)
    after = await desk.refresh()
    assert after[0] == before[0]
    assert after[1].root == directory_cid(b"n" * 32)
    desk.recipes.known.clear()
    desk.chain.failing = {1, 2}
    assert await desk.refresh() == after


async def test_refresh__edition_never_read__is_left_out_and_the_others_shown(desk: Desk) -> None:
    desk.chain.editions[1] = replace(desk.chain.editions[1], recipe=b"?" * 32)
    assert [view.edition for view in await desk.refresh()] == [2]


async def test_refresh__feed_that_paints_nothing__is_no_edition_and_no_fault(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [view.edition for view in await desk.refresh(make_feed(1, collection="0x" + "00" * 20), make_feed(2))] == [2]
    assert "edition not shown anew" not in capsys.readouterr().out


async def test_refresh__feed_no_longer_served__goes(desk: Desk) -> None:
    await desk.refresh()
    assert [view.edition for view in await desk.refresh(make_feed(2))] == [2]


async def test_refresh__feeds_in_any_order__views_by_collection_and_number(desk: Desk) -> None:
    desk.chain.editions[10] = make_edition(10)
    views = await desk.refresh(make_feed(10), make_feed(2), make_feed(1, collection="0x" + "11" * 20))
    assert [(view.collection[2:4], view.edition) for view in views] == [("11", 1), ("22", 2), ("22", 10)]


async def test_revision__moves_on_change_only(desk: Desk) -> None:
    assert desk.gallery.revision == 0
    await desk.refresh()
    await desk.refresh()
    assert desk.gallery.revision == 1
    desk.paint(1, make_landed(10, 12))
    await desk.refresh()
    await desk.refresh()
    assert desk.gallery.revision == 2
    desk.journal.samples.add([Sample(1, 10, b"b" * 32, WAD, 0, 0, 1, 0)])
    await desk.refresh()
    await desk.refresh()
    assert desk.gallery.revision == 3


async def test_changed__waiters__wake_with_every_change_and_not_before(desk: Desk) -> None:
    waiting = [asyncio.create_task(desk.gallery.changed(0)) for _ in range(3)]
    late = asyncio.create_task(desk.gallery.changed(1))
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    await desk.refresh()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 10) == [1, 1, 1]
    await asyncio.sleep(0)
    assert not late.done()
    assert await desk.gallery.changed(0) == 1
    desk.paint(1, make_landed(10, 12))
    await desk.refresh()
    assert await asyncio.wait_for(late, 10) == 2


async def test_reports__already_described__are_not_read_again(desk: Desk) -> None:
    desk.paint(1, make_landed(10, 12))
    await desk.refresh()
    await desk.refresh()
    assert desk.chain.asked == [(1, 10, desk.landed[1][0])]
    desk.paint(1, make_landed(10, 13, fork=1))  # after a reorganisation it stands in another block
    [view, _] = await desk.refresh()
    assert len(desk.chain.asked) == 2
    assert view.history[0].block == 13


async def test_repaints__nothing_changed__are_not_put_together_again(desk: Desk) -> None:
    desk.journal.configurations.know(COMMITTEE)
    landed = [make_landed(10, 12), make_landed(20, 22)]
    desk.paint(1, *landed)
    [before] = await desk.refresh(make_feed())
    proof = desk.gallery.proof(before.collection, 1, 10)
    desk.paint(1, *landed, make_landed(30, 32))
    [after] = await desk.refresh(make_feed())
    assert [one is other for one, other in zip(before.history, after.history, strict=False)] == [True, True]
    assert desk.gallery.proof(before.collection, 1, 10) is proof
    assert len(after.history) == 3
    desk.landed[1] = desk.landed[1][:1]  # a reorganisation
    await desk.refresh(make_feed())
    assert desk.gallery.proof(before.collection, 1, 20) is None


async def test_repaints__dates_learnt_later__are_told_then(desk: Desk) -> None:
    desk.journal.configurations.know(COMMITTEE)
    desk.paint(1, *(make_landed(10 * n, 10 * n + 2) for n in range(1, HEADERS + 5)))
    [first] = await desk.refresh(make_feed())
    assert [each.time == 0 for each in first.history] == [True] * 4 + [False] * HEADERS
    [then] = await desk.refresh(make_feed())
    assert all(each.time for each in then.history)


async def test_feed__samples__become_points_with_their_answers(desk: Desk) -> None:
    desk.journal.samples.add(Sample(1, 10 * number, b"b" * 32, WAD + number - 1, 0, 0, 1, 0) for number in range(1, 5))
    [view] = await desk.refresh(make_feed())
    assert [(one.checkpoint, one.price) for one in view.feed.prices] == [
        (10, str(WAD)), (20, str(WAD + 1)), (30, str(WAD + 2)), (40, str(WAD + 3)),
    ]  # fmt: skip
    assert [one.answer for one in view.feed.prices] == [None, None, str(2 * PERCENT), str(3 * PERCENT)]
    assert (view.feed.answer, view.feed.thresholds) == (str(3 * PERCENT), [str(-PERCENT), str(PERCENT)])


async def test_edition__nobody_bought_anything__is_shown_without_tokens(desk: Desk) -> None:
    desk.chain.editions[1] = make_edition(minted=0, state=EditionState.SELLING)
    desk.landed[1] = [make_landed(10, 12)]
    [view] = await desk.refresh(make_feed())
    assert (view.state, view.tokens, view.history[0].images) == ("selling", [], [])


async def test_edition__above_a_thousand_tokens__lies_in_numbered_folders(desk: Desk) -> None:
    desk.chain.editions[1] = make_edition(supply=1_500, minted=1_500, content_root=b"n" * 32)
    [view] = await desk.refresh(make_feed())
    assert view.tokens[1_000].image == f"/ipfs/{directory_cid(b'n' * 32)}/1/1001001.png"


def test_status_and_readiness__are_the_nodes_own(desk: Desk) -> None:
    assert desk.gallery.status() == {"name": "n"}
    assert desk.gallery.readiness().reasons == ["no-broker"]


async def test_refresh__dates__repaints_exactly_and_samples_from_a_few_headers_asked_for_once(desk: Desk) -> None:
    def when(block: int) -> int:
        return 1_700_000_000 + 12 * block

    desk.journal.samples.add(Sample(1, 10 * at, b"b" * 32, WAD, 0, 0, 1, 0) for at in range(1, 101))
    desk.paint(1, make_landed(10, 12), make_landed(500, 503))
    [view] = await desk.refresh(make_feed())
    assert [repaint.time for repaint in view.history] == [when(12), when(503)]
    assert [point.time for point in view.feed.prices] == [when(10 * at) for at in range(1, 101)]
    assert (view.feed.prices[0].about, view.feed.prices[1].about) == (False, True)
    asked = len(desk.chain.headers)
    assert asked < 24
    assert await desk.refresh(make_feed()) == [view]
    assert len(desk.chain.headers) == asked


async def test_proof__repaint__with_its_committee_once_that_is_known(desk: Desk) -> None:
    desk.paint(1, make_landed(10, 12))
    [view] = await desk.refresh(make_feed())
    found = desk.gallery.proof(view.collection.upper().replace("0X", "0x"), 1, 10)
    assert found is not None
    assert (found.checkpoint, found.road, found.members, found.message) == (10, "votes", [], None)
    assert found.content_root == "0x" + (10).to_bytes(32, "big").hex()
    desk.journal.configurations.know(COMMITTEE)
    await desk.refresh(make_feed())
    known = desk.gallery.proof(view.collection, 1, 10)
    assert known is not None
    assert (list(known.members), known.transport_keys) == (
        list(COMMITTEE.signers),
        ["0x" + "01" * 32, "0x" + "02" * 32],
    )
    assert desk.gallery.proof(view.collection, 1, 11) is None
    assert desk.gallery.proof(view.collection, 2, 10) is None
