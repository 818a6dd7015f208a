"""What a node takes while nothing happens: resident memory and processor time, as the system counts them."""

from __future__ import annotations

import asyncio
import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latency.network import Scene

SECONDS = 5.0
_MIB = 2**20


@dataclass(frozen=True)
class Idle:
    """Medians over a network's nodes, each with all the processes that it started."""

    mebibytes: float
    milliseconds: float
    """Processor time in each second."""


async def idle(scene: Scene, seconds: float = SECONDS) -> Idle:
    """Watch all nodes for a while."""
    pids = [member.process.pid for member in scene.network.members]
    before = [_processor(pid) for pid in pids]
    await asyncio.sleep(seconds)
    spent = [(_processor(pid) - start) * 1000 / seconds for pid, start in zip(pids, before, strict=True)]
    resident = [sum(map(_resident, _family(pid))) / _MIB for pid in pids]
    return Idle(round(statistics.median(resident), 1), round(statistics.median(spent), 1))


def _processor(pid: int) -> float:
    """Seconds in user and system mode (proc(5): fields 14 and 15, counted behind the name's closing bracket)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    """A process and whatever it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident(pid: int) -> int:
    """Bytes in memory (proc(5): field 2 of statm, in pages)."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
