"""A full disk under one node: it signs nothing, says so, stays up, and is a full member again once there is room."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.integration.chaos.arena import PATIENCE, Arena, Layout
from tests.integration.chaos.evidence import promises
from tests.integration.chaos.faults.disk import SizeLimit, disks
from tests.integration.chaos.scenario import Scenario


async def on_a_small_disk(layout: Layout, folder: Path) -> Layout:
    """Put the first node on a disk that can be filled."""
    return replace(layout, disk=(await disks(folder / "probe"))[0])


async def under_a_limit(layout: Layout, _: Path) -> Layout:
    """Run the first node so that the kernel can keep its files from growing."""
    return replace(layout, disk=SizeLimit())


async def play(arena: Arena, turns: int) -> None:
    """Fill the disk, let crossings happen, make room, and need the node for the next one."""
    disk = arena.layout.disk
    assert disk is not None
    node, others = arena.processes[0], arena.processes[1:]
    for _ in range(turns):
        promised = len(promises(node.folder / "state"))
        pid = node.pid
        heard = node.log_path.stat().st_size
        disk.fill(node.pid)
        arena.log(f"the disk of node 1 is full ({disk.kind})")
        for _ in range(2):
            await arena.cross()
        await _complains(arena, heard)
        assert (node.running, node.pid) == (True, pid), f"node-1 ended with its disk full: see {node.log_path}"
        assert len(promises(node.folder / "state")) == promised, "the journal grew on a full disk"
        signed = [line for line in _log(node.log_path, heard) if line.get("event") == "attested"]
        assert not signed, f"node-1 signed what its journal could not keep: {signed}"
        arena.tried[f"disks filled ({disk.kind})"] += 1

        disk.free(node.pid)
        arena.log("there is room again")
        await arena.cross()
        # Four nodes decide with three: with one of the others gone it takes the one that had no disk.
        gone = arena.random.choice(others)
        await gone.stop()
        await arena.cross()
        assert len(promises(node.folder / "state")) > promised, "it landed without the node that came back"
        arena.tried["crossings that the recovered node had to sign"] += 1
        await arena.heal()


async def _complains(arena: Arena, heard: int) -> None:
    """Wait until the node has said what is wrong in its log and to whoever probes it."""
    node = arena.processes[0]
    since = time.monotonic()
    while True:
        said = any("disk" in str(line.get("error", "")) for line in _log(node.log_path, heard))
        probed: Any = await node.get(arena.session, "/readyz")
        if said and probed is not None and not probed.get("ready"):
            arena.log(f"node 1 says that it is not ready: {probed}")
            return
        if time.monotonic() - since > PATIENCE / 4:
            raise AssertionError(f"node-1 does not say that its disk is full (in its log: {said}, ready: {probed})")
        await asyncio.sleep(0.2)


def _log(path: Path, since: int) -> list[dict[str, Any]]:
    found = []
    with path.open("rb") as file:
        file.seek(since)
        for line in file.read().decode(errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return [one for one in found if isinstance(one, dict)]


SCENARIO = Scenario(
    "disk",
    "the disk of one node is full",
    play,
    lambda turns: {"crossings that the recovered node had to sign": turns, "crossings landed": 4 * turns},
    short=1,
    long=5,
    layout=on_a_small_disk,
)
QUOTA = replace(
    SCENARIO,
    name="quota",
    about="the files of one node may not grow",
    short=0,
    long=3,
    layout=under_a_limit,
)
