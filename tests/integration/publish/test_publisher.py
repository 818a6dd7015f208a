"""The queue: everything that landed reaches every target, whatever is away, slow, killed or new."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.backoff import Backoff
from node.chain.types import Landed
from node.content.cid import directory_cid
from node.content.store import BlockStore
from node.errors import JournalUnwritableError
from node.journal import Journal
from node.keys.secrets import SecretUrl
from node.publish.kubo import Kubo
from node.publish.link import Link
from node.publish.publisher import Place, Publisher
from tests.integration.publish import kubo as paper
from tests.integration.publish.conftest import Serve, paint

SOON = Backoff(first=0.01, cap=0.05)


def landed(root: bytes, checkpoint: int = 300, feed: int = 1) -> Landed:
    return Landed(
        feed, checkpoint, b"\1" * 32, b"\2" * 32, 5, 0, 1, root, 7, "0x" + "11" * 20, checkpoint + 9, b"\3" * 32,
        b"\4" * 32, 0,
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state") as opened:
        yield opened


def place(name: str, url: str, keep: int = 0, silent_s: float = 20.0) -> Place:
    return Place(Kubo(Link(name, SecretUrl(url), silent_s=silent_s)), keep)


def publisher(journal: Journal, store: BlockStore, *places: Place) -> Publisher:
    return Publisher(places, journal, store, "0x" + "22" * 20, retry=SOON, pending=SOON)


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not met():
            await asyncio.sleep(0.005)


class Running:
    """A publisher at work."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def __aenter__(self) -> Publisher:
        self._task = asyncio.create_task(self._publisher.run())
        return self._publisher

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def of(publisher: Publisher, name: str) -> dict[str, Any]:
    targets: Any = publisher.status()["targets"]
    return next(one for one in targets if one["name"] == name)


async def test_run__one_dead_one_hanging__the_third_gets_everything(
    journal: Journal, store: BlockStore, serve: Serve
) -> None:
    hanging, well = paper.Kubo(hang=asyncio.Event()), paper.Kubo()
    places = [
        place("dead", "http://127.0.0.1:1"), place("hanging", await serve(hanging.app())),
        place("well", await serve(well.app())),
    ]  # fmt: skip
    roots = [paint(store, checkpoint) for checkpoint in (300, 301, 302)]
    async with Running(publisher(journal, store, *places)) as at_work:
        for checkpoint, root in zip((300, 301, 302), roots, strict=True):
            at_work.settled(landed(root, checkpoint))
        await until(lambda: of(at_work, "well")["published"] == 3)
        assert {directory_cid(root) for root in roots} < well.pins
        await until(lambda: of(at_work, "dead")["failures"] > 0)
        dead = of(at_work, "dead")
        assert (dead["kind"], dead["reachable"], dead["waiting"], dead["published"]) == ("kubo", False, 3, 0)
        assert dead["failures"] > 0
        assert "cannot be reached" in of(at_work, "dead")["error"]
        assert at_work.status()["behind"] == 3
        await until(lambda: of(at_work, "hanging")["sending"] != "")
        assert hanging.hang is not None
        hanging.hang.set()
        await until(lambda: of(at_work, "hanging")["published"] == 3)


async def test_run__target_back_after_failures__takes_what_waited(
    journal: Journal, store: BlockStore, serve: Serve
) -> None:
    node, root = paper.Kubo(fail="the disk is full"), paint(store)
    async with Running(publisher(journal, store, place("attic", await serve(node.app())))) as at_work:
        at_work.settled(landed(root))
        await until(lambda: of(at_work, "attic")["failures"] > 2)
        assert "the disk is full" in of(at_work, "attic")["error"]
        node.fail = ""
        await until(lambda: of(at_work, "attic")["published"] == 1)
    assert journal.publications.due("attic") == []


async def test_run__one_root_refused__others_do_not_wait_for_it(
    journal: Journal, store: BlockStore, tmp_path: Path, serve: Serve
) -> None:
    node, whole, elsewhere = paper.Kubo(), paint(store), BlockStore(tmp_path / "elsewhere")
    absent = paint(elsewhere, 400)
    async with Running(publisher(journal, store, place("attic", await serve(node.app())))) as at_work:
        at_work.settled(landed(absent, 400))
        at_work.settled(landed(whole, 300))
        await until(lambda: of(at_work, "attic")["published"] == 1)
        assert of(at_work, "attic")["waiting"] == 1
        for path in (tmp_path / "elsewhere").rglob("bafk*"):
            store.put(path.read_bytes())
        await until(lambda: of(at_work, "attic")["waiting"] == 0)
    assert directory_cid(absent) in node.pins


async def test_arrived__blocks_that_were_lacking__published_without_waiting_longer(
    journal: Journal, store: BlockStore, tmp_path: Path, serve: Serve
) -> None:
    node, elsewhere = paper.Kubo(), BlockStore(tmp_path / "elsewhere")
    root = paint(elsewhere)
    never = Backoff(first=3_600, cap=3_600)
    places = [place("attic", await serve(node.app()))]
    async with Running(Publisher(places, journal, store, "0x", retry=never, pending=never)) as at_work:
        at_work.settled(landed(root))
        await until(lambda: "not here yet" in of(at_work, "attic")["error"])
        for path in (tmp_path / "elsewhere").rglob("bafk*"):
            store.put(path.read_bytes())
        at_work.arrived(root)
        await until(lambda: of(at_work, "attic")["published"] == 1)


async def test_catch_up__new_target_or_landed_while_down__is_brought_what_landed_last(
    journal: Journal, store: BlockStore, serve: Serve
) -> None:
    node, roots = paper.Kubo(), [paint(store, checkpoint) for checkpoint in (300, 301)]
    journal.reports.add(landed(roots[0], 300))
    journal.reports.add(landed(roots[1], 301))
    journal.reports.add(landed(bytes(32), 302))
    async with Running(publisher(journal, store, place("attic", await serve(node.app())))) as at_work:
        await until(lambda: of(at_work, "attic")["published"] == 2)
    imports = len(node.imports)
    async with Running(publisher(journal, store, place("attic", await serve(node.app())))) as again:
        await asyncio.sleep(0.05)
        assert (of(again, "attic")["published"], len(node.imports)) == (2, imports)


async def test_keep__older_roots__unpinned_and_never_sent(journal: Journal, store: BlockStore, serve: Serve) -> None:
    node = paper.Kubo()
    roots = {checkpoint: paint(store, checkpoint) for checkpoint in range(300, 305)}
    other = paint(store, 100, tokens=1)
    url = await serve(node.app())
    async with Running(publisher(journal, store, place("attic", url, keep=2))) as at_work:
        at_work.settled(landed(other, 100, feed=2))
        for checkpoint, root in roots.items():
            at_work.settled(landed(root, checkpoint))
            await until(lambda: not journal.publications.due("attic"))
    kept = {directory_cid(root) for root in (roots[303], roots[304], other)}
    assert {pin for pin in node.pins if pin.startswith("bafybei")} == kept
    for checkpoint, root in roots.items():
        journal.reports.add(landed(root, checkpoint))
    imports = len(node.imports)
    async with Running(publisher(journal, store, place("attic", url, keep=2))):
        await asyncio.sleep(0.05)
    assert len(node.imports) == imports, "what was unpinned does not come back at a start"


async def test_settled__within_a_transaction_that_fails__nothing_is_queued(journal: Journal, store: BlockStore) -> None:
    waiting = publisher(journal, store, place("attic", "http://127.0.0.1:1"))

    def look() -> None:
        with journal.transaction():
            waiting.settled(landed(paint(store)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        look()
    assert journal.publications.all() == []


async def test_run__journal_takes_nothing__goes_on_once_it_does(
    journal: Journal, store: BlockStore, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = paper.Kubo()
    at_work = publisher(journal, store, place("attic", await serve(node.app())))
    at_work.settled(landed(paint(store)))
    real, full = journal.publications.mark, True

    def mark(*given: Any) -> None:
        if full:
            raise JournalUnwritableError("the disk is full")
        real(*given)

    monkeypatch.setattr(journal.publications, "mark", mark)
    async with Running(at_work):
        await until(lambda: len(node.imports) == 1)
        full = False
        await until(lambda: of(at_work, "attic")["published"] == 1)
    assert len(node.imports) == 1, "it was pinned, which is found out without sending it again"


CHILD = """
import asyncio, sys
from pathlib import Path
from node.content.store import BlockStore
from node.journal import Journal
from node.publish.kubo import Kubo
from node.publish.link import Link
from node.publish.publisher import Place, Publisher
from node.keys.secrets import SecretUrl
state, blocks, url = sys.argv[1:]
target = Kubo(Link("attic", SecretUrl(url)))
asyncio.run(Publisher([Place(target)], Journal(Path(state)), BlockStore(Path(blocks)), "0x").run())
"""


async def test_incident_kill_9__in_the_middle_of_an_upload__the_next_start_brings_it(
    tmp_path: Path, store: BlockStore, serve: Serve
) -> None:
    node, root = paper.Kubo(hang=asyncio.Event()), paint(store)
    url = await serve(node.app())
    with Journal(tmp_path / "state") as journal:
        publisher(journal, store, place("attic", url)).settled(landed(root))
    arguments = (sys.executable, "-c", CHILD, str(tmp_path / "state"), str(store.path), url)
    child = await asyncio.create_subprocess_exec(*arguments, stderr=subprocess.DEVNULL)
    await until(lambda: "dag/import" in node.asked)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    assert node.hang is not None
    node.hang.set()
    with Journal(tmp_path / "state") as journal:
        async with Running(publisher(journal, store, place("attic", url))) as at_work:
            await until(lambda: of(at_work, "attic")["published"] == 1)
    assert directory_cid(root) in node.pins
