"""The daemon's loop: what it does with heads that come, stand still, fail or go back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from node.chain.endpoints.wakeup import WakeUp
from node.chain.types import Block
from node.daemon import Daemon, first_error
from node.errors import ChainError, JournalUnwritableError
from node.journal import Journal
from node.status.health import Health


@dataclass
class PaperChain:
    """Final blocks one poll after another: a height, or None for a poll that fails. The last one stays."""

    finals: list[int | None]

    async def finalized(self) -> Block:
        number = self.finals.pop(0) if len(self.finals) > 1 else self.finals[0]
        if number is None:
            raise ChainError("silent")
        return Block(number, number.to_bytes(32, "big"), 0)

    async def head(self) -> Block:
        return Block(0, b"", 0)

    async def feeds(self, block: Block) -> list[Any]:
        opened = {1: 3, 2: 8}
        return [SimpleNamespace(id=number) for number, at in opened.items() if at <= block.number]


@dataclass
class PaperTerms:
    """Notes when it was told to look, and that everything up to there was handled."""

    told: list[str] = field(default_factory=list)

    async def look(self, final: Block) -> None:
        self.told.append(f"look {final.number}")

    async def handled(self) -> None:
        self.told.append("handled")


@dataclass
class PaperKeeper:
    heads: list[tuple[int, list[int]]] = field(default_factory=list)
    resumed: int = 0

    async def resume(self, _: Sequence[Any]) -> None:
        self.resumed += 1

    async def final_head(self, head: Block, feeds: Sequence[Any]) -> None:
        self.heads.append((head.number, [feed.id for feed in feeds]))


async def ignore(*_: Any) -> None:
    return None


def make(chain: PaperChain, keeper: PaperKeeper, serve: Any = "all") -> Daemon:
    settings = SimpleNamespace(chain=SimpleNamespace(poll_ms=1), feeds=SimpleNamespace(serve=serve))
    undoers: list[Any] = []
    landings = SimpleNamespace(update=ignore, unsure=False, of=list, undo=undoers.append, undoers=undoers)
    parts = SimpleNamespace(
        chain=chain,
        landings=landings,
        health=Health(),
        terms=PaperTerms(),
        wakeup=WakeUp([]),
        standings=SimpleNamespace(note=lambda _: None),
    )
    gallery = SimpleNamespace(refresh=ignore)
    return Daemon(*(cast(Any, part) for part in (settings, parts, [keeper], gallery)))


async def run_until(daemon: Daemon, keeper: PaperKeeper, head: int) -> None:
    task = asyncio.create_task(daemon.follow())
    async with asyncio.timeout(10):
        while not task.done() and (not keeper.heads or keeper.heads[-1][0] != head):
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_new_blocks__endpoint_that_falls_silent__are_still_seen() -> None:
    """Incident: a WebSocket reconnects and delivers nothing (chainlink#1573, web3.py#3689): heads are polled for."""
    keeper = PaperKeeper()
    await run_until(make(PaperChain([5, None, None, 5, 9, None, 12]), keeper), keeper, 12)
    assert [head for head, _ in keeper.heads] == [5, 9, 12]
    assert keeper.resumed == 1


async def test_follow__feeds__only_those_final_and_served() -> None:
    keeper = PaperKeeper()
    await run_until(make(PaperChain([5, 9]), keeper), keeper, 9)
    assert keeper.heads == [(5, [1]), (9, [1, 2])]
    picky = PaperKeeper()
    await run_until(make(PaperChain([9]), picky, serve=(2,)), picky, 9)
    assert picky.heads == [(9, [2])]


async def test_follow__landed_report_taken_back__keepers_resume_before_the_next_head() -> None:
    keeper = PaperKeeper()
    daemon = make(PaperChain([5, 9]), keeper)
    [undone] = cast(Any, daemon)._parts.landings.undoers

    async def take_back(final: Block, _: Block) -> None:
        if final.number == 9:
            undone(None)

    cast(Any, daemon)._parts.landings.update = take_back
    await run_until(daemon, keeper, 9)
    assert keeper.resumed == 2


async def test_follow__report_that_others_could_not_be_asked_about__looks_again_at_the_same_head() -> None:
    keeper = PaperKeeper()
    daemon = make(PaperChain([5, 5, 5, 9]), keeper)
    landings, looks = cast(Any, daemon)._parts.landings, list[int]()

    async def unsure_at_first(final: Block, _: Block) -> None:
        looks.append(final.number)
        landings.unsure = len(looks) < 2

    landings.update = unsure_at_first
    await run_until(daemon, keeper, 9)
    assert looks == [5, 5, 9]


async def test_follow__disk_full__goes_on_says_so_and_does_everything_once_there_is_room(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        keeper = PaperKeeper()
        daemon = make(PaperChain([5, 9, 9, 9, 12]), keeper)
        parts = cast(Any, daemon)._parts
        parts.journal = journal
        pages = journal._store.db.execute("PRAGMA page_count").fetchone()[0]
        looks: list[int] = []

        async def store(final: Block, _: Block) -> None:

            looks.append(final.number)
            room = 3_000 if looks.count(9) == 2 else 1
            journal._store.db.execute(f"PRAGMA max_page_count={pages + room}")
            if final.number == 9:
                with journal.transaction():
                    journal.counters.add("x" * 50_000)

        parts.landings.update = store
        await run_until(daemon, keeper, 12)
        assert [head for head, _ in keeper.heads] == [5, 9, 12]
        assert looks == [5, 9, 9, 12]
        assert journal.counters.all()["journal failures"] == 1
        assert parts.health.reasons(1) == []


async def test_follow__disk_stays_full__is_not_ready_and_tries_nothing_else(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        keeper = PaperKeeper()
        daemon = make(PaperChain([5]), keeper)
        parts = cast(Any, daemon)._parts
        parts.journal = journal
        failed = asyncio.Event()

        def fail(name: str) -> None:
            failed.set()
            raise JournalUnwritableError("the disk is full")

        journal.counters.add = fail  # type: ignore[assignment,method-assign]
        parts.health.journal_failed("the disk is full")
        task = asyncio.create_task(daemon.follow())
        async with asyncio.timeout(10):
            await failed.wait()
        assert parts.health.reasons(1) == ["chain-not-read-yet", "journal-not-writable"]
        assert (keeper.heads, task.done()) == ([], False)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_follow__each_new_final_block__terms_are_looked_after_before_landings_and_after_keepers() -> None:
    keeper = PaperKeeper()
    daemon = make(PaperChain([5, 9]), keeper)
    parts = cast(Any, daemon)._parts

    async def landings(final: Block, _: Block) -> None:
        parts.terms.told.append(f"landings {final.number}")

    async def head(final: Block, _: Sequence[Any]) -> None:
        parts.terms.told.append(f"keeper {final.number}")
        keeper.heads.append((final.number, []))

    parts.landings.update = landings
    cast(Any, keeper).final_head = head
    await run_until(daemon, keeper, 9)
    order = ["look 5", "landings 5", "keeper 5", "handled", "look 9", "landings 9", "keeper 9", "handled"]
    assert parts.terms.told[:8] in (order, order[:7])


def test_first_error__nested_groups__is_the_innermost_first() -> None:
    inner = ChainError("x")
    assert first_error(ExceptionGroup("a", [ExceptionGroup("b", [inner]), ValueError()])) is inner
