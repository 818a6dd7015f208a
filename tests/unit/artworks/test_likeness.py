"""The driver and the studio where recipes agree by tolerance: what is compared, how often, and what may go wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from node.agreement.effects import CancelCompare, Compare, Effect, Remember, Render, RoundDone, RoundKey
from node.agreement.memory import Memory
from node.artworks.comparison import Comparison, UnlikeError
from node.artworks.drawings import Drawings
from node.artworks.paint import Likeness
from node.artworks.recipes import Recipes
from node.artworks.studio import Studio, describe
from node.content.store import BlockStore
from node.errors import ContentError, RenderError
from node.journal import Journal
from node.render.tolerance.recipe import Band, PipelineRecipe, Style
from tests.unit.paper import make_edition, make_feed
from tests.unit.rounds.desk import Desk, ScriptedMachine, trigger, until

KEY = RoundKey(1, 10)
OWN, LEADERS = b"\x01" * 32, b"\x02" * 32
STYLE = Style(10**16, ("calm", "wild"))
RECIPE = PipelineRecipe(
    "Tide", b"\x07" * 32, "float32", 16, 16, 4, 750, "token",
    (Band("storm", "a {flow} sea", None, None), Band("clear", "", None, None)), (STYLE,) * 3, 5_800,
)  # fmt: skip


class Tolerant(ScriptedMachine):
    """Asks for a render, then for a comparison, and notes what the driver says."""

    def __init__(self, after: list[Effect]) -> None:
        super().__init__([Render(KEY, 0, b"\x0b" * 32, 5, (1, 2, 3))])
        self.after = after

    def rendered(self, key: RoundKey, view: int, root: bytes, now: int, *, tolerant: bool = False) -> list[Effect]:
        self.heard.append(("rendered", root, tolerant))
        return self.after

    def compared(self, key: RoundKey, view: int, root: bytes, alike: bool, now: int) -> list[Effect]:
        self.heard.append(("compared", view, root, alike))
        return []

    def progressed(self, key: RoundKey, view: int, now: int) -> list[Effect]:
        self.heard.append(("progressed", key, view))
        return []


class Verdicts:
    """Answers a comparison with what a test lists, errors raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []

    async def alike(self, root: bytes) -> bool:
        self.asked.append(root)
        answer = self.answers.pop(0)
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            return True
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    async def paint(self, answer: int, signals: Any) -> Likeness:
        return Likeness(OWN, self.alike)


@pytest.fixture
def journal(tmp_path: Path):
    with Journal(tmp_path / "state") as opened:
        yield opened


@pytest.mark.parametrize("alike", [True, False])
async def test_compare__verdict__is_told_to_the_machine(journal: Journal, alike: bool) -> None:
    verdicts, machine = Verdicts(alike), Tolerant([Compare(KEY, 0, OWN, LEADERS)])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), verdicts.paint)
        await until(lambda: len(machine.heard) == 2)
    assert machine.heard == [("rendered", OWN, True), ("compared", 0, LEADERS, alike)]
    assert desk.driver._comparing == {}


async def test_compare__not_to_be_had_yet__is_tried_again(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.rounds.driver.FETCH_AGAIN", 0.001)
    verdicts = Verdicts(ContentError("nobody has it"), ContentError("nobody has it"), True)
    machine = Tolerant([Compare(KEY, 0, OWN, LEADERS)])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), verdicts.paint)
        await until(lambda: len(machine.heard) == 2)
    assert verdicts.asked == [LEADERS] * 3


async def test_compare__anything_else_fails__no_verdict_and_the_node_goes_on(journal: Journal) -> None:
    """Incident: a malformed IPFS document crashes the oracle (lido-oracle#757)."""
    verdicts, machine = Verdicts(ZeroDivisionError()), Tolerant([Compare(KEY, 0, OWN, LEADERS)])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), verdicts.paint)
        await until(lambda: verdicts.asked and not desk.driver._comparing)
    assert machine.heard == [("rendered", OWN, True)]


async def test_compare__cancelled__says_nothing_any_more(journal: Journal) -> None:
    held = asyncio.Event()
    verdicts = Verdicts(held)
    machine = Tolerant([Compare(KEY, 0, OWN, LEADERS)])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), verdicts.paint)
        await until(lambda: verdicts.asked)
        desk.driver._apply([CancelCompare(KEY, 0), RoundDone(KEY, landed=True)])
        held.set()
        await asyncio.sleep(0.02)
    assert machine.heard == [("rendered", OWN, True)]
    assert (desk.driver._comparing, desk.driver._likenesses) == ({}, {})


async def test_remember__journal_takes_nothing__lets_go_of_the_pictures_of_the_round_that_stands_still(
    journal: Journal,
) -> None:
    machine = Tolerant([Remember(KEY, Memory(left=0))])
    machine.forget = lambda _: []  # type: ignore[attr-defined]
    machine.rounds = list  # type: ignore[attr-defined]
    desk = Desk(journal, scripted=machine)
    journal.promises.remember(desk.committee.config_digest, *KEY, Memory(left=1))  # what it may not fall back behind
    async with desk.running():
        await desk.driver.begin(trigger(), Verdicts().paint)
        await until(lambda: desk.driver.stalled)
    assert (desk.driver._likenesses, desk.driver.in_flight(1)) == ({}, 10)


async def test_progressed__a_feed_under_way__its_round_is_told_and_others_are_not(journal: Journal) -> None:
    held = asyncio.Event()
    machine = Tolerant([Compare(KEY, 0, OWN, LEADERS)])
    desk = Desk(journal, scripted=machine)
    verdicts = Verdicts(held)
    async with desk.running():
        await desk.driver.begin(trigger(), verdicts.paint)
        await until(lambda: verdicts.asked)
        machine.heard.clear()
        desk.driver.progressed(2)
        assert machine.heard == []
        desk.driver.progressed(1)
        assert machine.heard == [("progressed", KEY, 0)]


class PaperPool:
    async def render(self, recipe: Any, seeds: Any, band: int, signals: Any, on_image: Any = None) -> list[bytes]:
        for index, seed in enumerate(seeds):
            on_image(index, b"picture" + seed)
        return [b"picture" + seed for seed in seeds]


class PaperComparison:
    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, list[Any]()

    async def hold(self, recipe: Any, spec: Any, own: Any, root: bytes, on_image: Any) -> None:
        self.asked.append((recipe, spec.band, [png[:7] for png in own], root))
        on_image()
        if self.error is not None:
            raise self.error


async def painted(folder: Path, journal: Journal, comparison: PaperComparison | None, told: list[int]) -> Any:
    (folder / "one.json").write_text(json.dumps(json.loads(RECIPE.canonical), indent=2))
    store = BlockStore(folder / "blocks")
    drawings = Drawings(cast(Any, PaperPool()), journal, store)
    studio = Studio(31337, Recipes(folder, cast(Any, None)), drawings, store, cast(Comparison, comparison))
    studio.on_progress = told.append
    signals = (("volatility", 1), ("drawdown", 0), ("flow", 0))
    return await studio.paint(make_feed(), make_edition(recipe=RECIPE.digest), 30, b"b" * 32, 1, signals)


async def test_paint__pipeline_recipe__a_likeness_that_compares_with_its_own_pictures(
    tmp_path: Path, journal: Journal
) -> None:
    comparison, told = PaperComparison(), list[int]()
    likeness = await painted(tmp_path, journal, comparison, told)
    assert isinstance(likeness, Likeness)
    assert BlockStore(tmp_path / "blocks").has(likeness.root)
    assert await likeness.alike(LEADERS)
    assert comparison.asked == [(RECIPE, 1, [b"picture"] * 2, LEADERS)]
    assert told == [1, 1, 1]  # two pictures drawn, one compared


async def test_alike__unlike__false_and_not_to_be_had__an_error(tmp_path: Path, journal: Journal) -> None:
    likeness = await painted(tmp_path, journal, PaperComparison(UnlikeError("other")), [])
    assert not await likeness.alike(LEADERS)
    likeness = await painted(tmp_path, journal, PaperComparison(ContentError("nobody has it")), [])
    with pytest.raises(ContentError, match="nobody"):
        await likeness.alike(LEADERS)


async def test_incident__leader_keeps_its_last_picture__comparing_again_is_no_progress(
    tmp_path: Path, journal: Journal
) -> None:
    comparison, told = PaperComparison(ContentError("nobody has it")), list[int]()
    likeness = await painted(tmp_path, journal, comparison, told)
    del told[:]
    for _ in range(3):
        with pytest.raises(ContentError, match="nobody"):
            await likeness.alike(LEADERS)
    assert told == [1]
    with pytest.raises(ContentError, match="nobody"):
        await likeness.alike(b"\x03" * 32)  # the next leader's is another
    assert told == [1, 1]


async def test_exact__pipeline_recipe__is_not(tmp_path: Path, journal: Journal) -> None:
    (tmp_path / "one.json").write_bytes(RECIPE.canonical)
    drawings = Drawings(cast(Any, PaperPool()), journal, BlockStore(tmp_path / "blocks"))
    studio = Studio(31337, Recipes(tmp_path, cast(Any, None)), drawings, BlockStore(tmp_path / "blocks"))
    assert not await studio.exact(make_edition(recipe=RECIPE.digest))


async def test_paint__pipeline_recipe_without_anyone_to_compare_with__refused(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(RenderError, match="agrees by tolerance"):
        await painted(tmp_path, journal, None, [])


def test_describe__pipeline_recipe__promises_a_picture_and_no_bytes() -> None:
    assert describe(RECIPE).endswith("get the same picture, to 58 dB.")
