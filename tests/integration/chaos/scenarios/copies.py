"""Two copies of one node: refused on one machine; from two, harmless to the network, and mended by the operator."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from node.devnet.ports import free_port
from node.devnet.replay.process import NodeProcess
from tests.integration.chaos.arena import PATIENCE, Arena
from tests.integration.chaos.evidence import promises
from tests.integration.chaos.scenario import Scenario

ELSEWHERE = (sys.executable, str(Path(__file__).parents[1] / "faults" / "other_machine.py"))
PATINA = (sys.executable, "-m", "node.cli")
TRIES = 10
"""Crossings within which one of four nodes signs a report that lands; each does three times in four."""


async def play(arena: Arena, turns: int) -> None:
    """Start second copies of the first node: here, and as if on another machine, with an old journal and a new one."""
    original = arena.processes[0]
    for turn in range(1, turns + 1):
        await _refused(arena, original, "the same folder")
        empty = _copied(arena, f"copy-{turn}-empty")
        await _refused(arena, empty, "the same key in another folder")

        await _signed_for_good(arena)
        await _old_journal(arena, empty)

        twin = _copied(arena, f"copy-{turn}-twin", with_journal=True)
        await _beside(arena, twin)
        await _mended(arena, twin)


async def _signed_for_good(arena: Arena) -> None:
    """Let crossings land until a final one carries the first node's signature."""
    witness = arena.processes[1].folder / "state" / "journal.db"
    for _ in range(TRIES):
        await arena.cross()
        await arena.checkpoint()
        since = time.monotonic()
        while time.monotonic() - since < 5:
            with closing(sqlite3.connect(f"file:{witness}?mode=ro", uri=True, timeout=20)) as database:
                if database.execute("SELECT 1 FROM reports WHERE signers & 1").fetchone():
                    return
            await asyncio.sleep(0.2)
    raise AssertionError(f"node-1 signed none of {TRIES} reports that landed")


async def _old_journal(arena: Arena, copy: NodeProcess) -> None:
    """From another machine, with a journal that knows nothing: the chain knows better, and the copy signs nothing."""
    copy.command = ELSEWHERE
    await copy.start()
    arena.journals[copy.folder / "state"] = 0
    try:
        await _reason(arena, copy, "journal-too-old")
        await arena.cross()
        assert promises(copy.folder / "state") == [], "a copy signed on a journal older than the chain's record"
    finally:
        await copy.stop()
    arena.tried["copies with an old journal that signed nothing"] += 1


async def _beside(arena: Arena, copy: NodeProcess) -> None:
    """From another machine, with the journal of this moment: no lock and no record can tell them apart."""
    copy.command = ELSEWHERE
    await copy.start()
    arena.journals[copy.folder / "state"] = 0
    try:
        for _ in range(3):
            await arena.cross()
            assert copy.running, f"the copy has ended: see {copy.log_path}"
            arena.tried["crossings with a copy on another machine"] += 1
    finally:
        await copy.stop()


async def _mended(arena: Arena, copy: NodeProcess) -> None:
    """Carry what the copy has promised over to the original, which is a full member again."""
    original = arena.processes[0]
    await original.stop()
    file = arena.folder / f"{copy.folder.name}.json"
    for command in (["export", str(file), "--retire"], ["import", str(file)]):
        where, program = (copy, ELSEWHERE) if command[0] == "export" else (original, PATINA)
        config = str(where.folder / "config.toml")
        status, said = await _run(arena, *program, "protection", *command, "--config", config)
        assert status == 0, f"protection {command[0]} ended with {status}: {said}"
    await original.start()
    await arena.wait_ready(original)
    gone = arena.random.choice(arena.processes[1:])
    await gone.stop()
    await arena.cross()  # three of four are there, and three it takes
    await gone.start()
    arena.tried["copies merged into their original"] += 1


def _copied(arena: Arena, name: str, *, with_journal: bool = False) -> NodeProcess:
    """Copy the first node's folder with its keys, and give it a port of its own."""
    source, folder = arena.processes[0].folder, arena.folder / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node.log", "state"))
    (folder / "state").mkdir()
    if with_journal:
        with (
            closing(sqlite3.connect(f"file:{source / 'state' / 'journal.db'}?mode=ro", uri=True, timeout=20)) as live,
            closing(sqlite3.connect(folder / "state" / "journal.db")) as taken,
        ):
            live.backup(taken)
    config, port = folder / "config.toml", free_port()
    text = config.read_text()
    assert f"port = {arena.processes[0].port}" in text
    config.write_text(text.replace(f"port = {arena.processes[0].port}", f"port = {port}"))
    return NodeProcess(folder, port)


async def _reason(arena: Arena, process: NodeProcess, code: str) -> None:
    """Wait until a node says by this code why it is not ready."""
    since, probed = time.monotonic(), dict[str, Any]()
    while time.monotonic() - since < PATIENCE / 2:
        probed = await process.get(arena.session, "/readyz")
        if code in (probed or {}).get("reasons", ()):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{process.folder.name} does not say {code}, but {probed}: see {process.log_path}")


async def _refused(arena: Arena, node: NodeProcess, what: str) -> None:
    status, said = await _run(arena, *PATINA, "run", "--config", str(node.folder / "config.toml"))
    assert status == 1, f"a second node with {what} ended with {status}: {said}"
    assert "in use by" in said, f"a second node with {what} said: {said}"
    arena.tried[f"second nodes with {what} refused"] += 1


async def _run(arena: Arena, *command: str) -> tuple[int | None, str]:
    """Run a command to its end as the user whose nodes these are; return its status and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "XDG_STATE_HOME": str(arena.folder / ".state")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE / 2):
            said, _ = await process.communicate()
    except TimeoutError:
        raise AssertionError(f"{command} did not end by itself") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
    return process.returncode, said.decode(errors="replace")


SCENARIO = Scenario(
    "copies",
    "two copies of one node",
    play,
    lambda turns: {
        "second nodes with the same folder refused": turns,
        "second nodes with the same key in another folder refused": turns,
        "copies with an old journal that signed nothing": turns,
        "crossings with a copy on another machine": 3 * turns,
        "copies merged into their original": turns,
        "crossings landed": 6 * turns,
    },
    short=1,
    long=3,
)
