"""Running checks: nothing that hangs, fails or blocks hides what the others find."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from node.preflight.facts import Facts
from node.preflight.finding import Notes, UnknownError
from node.preflight.once import Once, in_thread
from node.preflight.run import run
from node.preflight.subjects import Check


async def _good(_: Facts, notes: Notes) -> None:
    notes.ok("web.port", "free")


async def _hangs(_: Facts, notes: Notes) -> None:
    notes.ok("web.port", "found before")
    await asyncio.Event().wait()


async def _blocks(_: Facts, notes: Notes) -> None:
    notes.ok("web.port", "found before")
    await in_thread(threading.Event().wait)


async def _crashes(_: Facts, notes: Notes) -> None:
    raise ZeroDivisionError("planted")


async def _unknown(_: Facts, notes: Notes) -> None:
    raise UnknownError("see there")


CHECKS: dict[str, Check] = {
    "good": _good, "hangs": _hangs, "blocks": _blocks, "crashes": _crashes, "unknown": _unknown,
}  # fmt: skip


async def test_run__one_hangs_one_blocks_one_crashes__each_is_told_and_the_others_are_whole(tmp_path: Path) -> None:
    done: list[str] = []

    def on_done(subject: str, _: object) -> None:
        done.append(subject)

    found = await run(
        Facts(tmp_path / "none.toml"),
        ["hangs", "blocks", "crashes", "unknown", "good"],
        on_done,
        limits=dict.fromkeys(CHECKS, 0.05),
        check_of=CHECKS.__getitem__,
    )
    assert [(one.subject, one.code) for one in found] == [
        ("hangs", "web.port"),
        ("hangs", "check.hung"),
        ("blocks", "web.port"),
        ("blocks", "check.hung"),
        ("crashes", "check.crashed"),
        ("unknown", "check.unknown"),
        ("good", "web.port"),
    ]
    assert "ZeroDivisionError: planted" in found[4].detail
    assert [one.verdict for one in found if one.code.startswith("check.")] == [
        "fault", "fault", "fault", "not checked",
    ]  # fmt: skip
    assert sorted(done) == sorted(CHECKS)


async def test_run__given_up__ends_at_once(tmp_path: Path) -> None:
    work = asyncio.create_task(
        run(Facts(tmp_path / "x"), ["hangs"], limits={"hangs": 1_000}, check_of=CHECKS.__getitem__)
    )
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_once__asked_by_many__is_done_once_and_an_error_reaches_all() -> None:
    count = 0

    async def work() -> int:
        nonlocal count
        count += 1
        await asyncio.sleep(0)
        return count

    once = Once(work)
    assert once.made is None
    assert await asyncio.gather(once.get(), once.get(), once.get()) == [1, 1, 1]
    assert once.made == 1

    async def fail() -> int:
        raise UnknownError("no")

    failing = Once(fail)
    answers = await asyncio.gather(failing.get(), failing.get(), return_exceptions=True)
    assert [str(one) for one in answers] == ["no", "no"]
    assert failing.made is None


async def test_once__whoever_asks_gives_up__the_others_still_get_it() -> None:
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "there"

    once = Once(work)
    first, second = asyncio.create_task(once.get()), asyncio.create_task(once.get())
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "there"
    await once.aclose()


async def test_in_thread__error__is_raised_to_whoever_asked() -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await in_thread(fail)
