"""One node as a process: started, stopped in order, killed, and noticed when it ends by itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from node.devnet.replay import process
from node.devnet.replay.process import NodeProcess
from node.errors import ReplayError

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
WAITS = "print('up', flush=True); import time; time.sleep(600)"


def make(folder: Path, script: str) -> NodeProcess:
    # What follows the script ("run --config ...") is handed to it as its arguments.
    return NodeProcess(folder, 4321, (sys.executable, "-c", script))


async def said(node: NodeProcess, text: str) -> None:
    async with asyncio.timeout(30):
        while text not in node.log_path.read_text():
            await asyncio.sleep(0.01)


async def ended(node: NodeProcess) -> None:
    async with asyncio.timeout(30):
        while node.running:
            await asyncio.sleep(0.01)


async def test_start__runs_the_program_in_its_folder__and_keeps_what_it_says(tmp_path: Path) -> None:
    node = make(tmp_path, "import sys; print(sys.argv[1:]); print('oops', file=sys.stderr)")
    assert not node.running
    await node.start()
    await ended(node)
    text = node.log_path.read_text()
    assert str(["run", "--config", str(tmp_path / "config.toml")]) in text
    assert "oops" in text
    assert node.url == "http://127.0.0.1:4321"


async def test_stop__asks_and_waits__until_it_is_gone(tmp_path: Path) -> None:
    node = make(tmp_path, WAITS)
    await node.start()
    await said(node, "up")
    assert node.running
    await node.stop()
    assert not node.running
    assert not node.wanted
    await node.stop()


async def test_stop__process_that_will_not_end__is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.05)
    node = make(tmp_path, STUBBORN + WAITS)
    await node.start()
    await said(node, "up")
    await node.stop()
    assert not node.running


async def test_kill__stubborn_process__is_gone_and_can_be_started_again(tmp_path: Path) -> None:
    node = make(tmp_path, STUBBORN + WAITS)
    await node.start()
    await said(node, "up")
    await node.kill()
    assert (node.running, node.wanted) == (False, False)
    await node.start()
    assert (node.running, node.wanted) == (True, True)
    await node.kill()


@pytest.mark.parametrize("end", [NodeProcess.stop, NodeProcess.kill])
async def test_end__never_started__is_harmless(tmp_path: Path, end: Callable[[NodeProcess], Any]) -> None:
    await end(make(tmp_path, WAITS))


async def test_get__process_ended_by_itself__names_its_status_and_log(tmp_path: Path) -> None:
    node = make(tmp_path, "raise SystemExit(3)")
    await node.start()
    await ended(node)
    with pytest.raises(ReplayError, match=r"ended with status 3: see .*node\.log"):
        await node.get(cast(Any, None), "/readyz")
