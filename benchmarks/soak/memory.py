"""Resident memory over simulated hours, and the verdict on it."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

GOAL_PERCENT = 5.0
"""The most by which a node's last hour may lie above its first."""
_MIB = 2**20


def resident(pid: int) -> float:
    """MiB of a process in memory (proc(5): field 2 of statm, in pages)."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MIB


@dataclass
class Curve:
    """One node's samples in MiB, by simulated hour from 0."""

    name: str
    hours: dict[int, list[float]] = field(default_factory=dict)

    def add(self, hour: int, mebibytes: float) -> None:
        """Keep a sample."""
        self.hours.setdefault(hour, []).append(mebibytes)

    def median(self, hour: int) -> float:
        """The middle of an hour's samples."""
        return statistics.median(self.hours[hour])

    @property
    def growth(self) -> float:
        """Percent by which the last hour's median lies above the first hour's."""
        first, last = min(self.hours), max(self.hours)
        return (self.median(last) / self.median(first) - 1) * 100

    @property
    def steady(self) -> bool:
        """Whether it grew by no more than the goal."""
        return self.growth <= GOAL_PERCENT


def table(curves: Sequence[Curve], reports: Mapping[int, int]) -> list[str]:
    """Lines for a person: the hours, every node's median in MiB, and how many reports had landed by then."""
    names = [curve.name for curve in curves]
    lines = ["hour  " + "".join(f"{name:>10}" for name in names) + "   reports"]
    for hour in sorted(curves[0].hours):
        values = "".join(f"{curve.median(hour):>10.1f}" for curve in curves)
        lines.append(f"{hour + 1:>4}  {values}   {reports.get(hour, 0):>7}")
    lines.append("growth" + "".join(f"{curve.growth:>9.1f}%" for curve in curves))
    return lines
