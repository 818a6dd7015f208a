"""Two copies of one node: refused on one machine, and harmless to the network from two."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from node.devnet.ports import free_port
from node.devnet.replay.process import NodeProcess
from tests.integration.chaos.arena import Arena
from tests.integration.chaos.scenario import Scenario

PATIENCE = 60
ELSEWHERE = (sys.executable, str(Path(__file__).parents[1] / "faults" / "other_machine.py"))


async def play(arena: Arena, turns: int) -> None:
    """Start second copies of the first node, on this machine and as if on another."""
    original = arena.processes[0]
    for turn in range(turns):
        await _refused(arena, original.folder / "config.toml", "the same folder")
        copy = _copied(arena, turn, with_journal=False)
        await _refused(arena, copy.folder / "config.toml", "the same key in another folder")
        await arena.cross()

        # The locks of one machine cannot be seen from another: there the protocol itself has to bear it.
        copy.command = ELSEWHERE
        await copy.start()
        arena.journals[copy.folder / "state"] = 0
        try:
            await arena.network.wait_ready(copy)
            for _ in range(3):
                await arena.cross()
                assert copy.running, f"the copy has ended: see {copy.log_path}"
                arena.tried["crossings with a copy on another machine"] += 1
        finally:
            await copy.stop()

        # Killed and restored from a copy of its folder: what was signed since is on chain, and binds it.
        await original.kill()
        await arena.cross()
        await original.start()
        await arena.network.wait_ready(original)
        await arena.cross()


def _copied(arena: Arena, turn: int, *, with_journal: bool) -> NodeProcess:
    """Copy the first node's folder with its keys, and give it a port of its own."""
    source, folder = arena.processes[0].folder, arena.folder / f"copy-{turn + 1}"
    leave = shutil.ignore_patterns("*.lock", "node.log", *([] if with_journal else ["state"]))
    shutil.copytree(source, folder, ignore=leave)
    (folder / "state").mkdir(exist_ok=True)
    config, port = folder / "config.toml", free_port()
    text = config.read_text()
    assert f"port = {arena.processes[0].port}" in text
    config.write_text(text.replace(f"port = {arena.processes[0].port}", f"port = {port}"))
    return NodeProcess(folder, port)


async def _refused(arena: Arena, config: Path, what: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "node.cli", "run", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            _, errors = await process.communicate()
    except TimeoutError:
        raise AssertionError(f"a second node with {what} was not refused") from None
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    said = errors.decode()
    assert process.returncode == 1, f"a second node with {what} ended with {process.returncode}: {said}"
    assert "in use by" in said, f"a second node with {what} said: {said}"
    arena.tried[f"second nodes with {what} refused"] += 1


SCENARIO = Scenario(
    "copies",
    "two copies of one node",
    play,
    lambda turns: {
        "second nodes with the same folder refused": turns,
        "second nodes with the same key in another folder refused": turns,
        "crossings with a copy on another machine": 3 * turns,
        "crossings landed": 6 * turns,
    },
    short=1,
    long=4,
)
