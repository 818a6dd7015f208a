"""`make soak`: 24 simulated hours, and how much memory each node then takes."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.soak.day import Soak, soak
from benchmarks.soak.memory import GOAL_PERCENT, table
from benchmarks.soak.scene import open_scene


def main() -> int:
    """Run, print the curve, write `soak.json`; 1 if a node grew beyond the goal, or stopped working."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--hours", type=int, default=24, help="simulated hours; 24 by default")
    parser.add_argument("--nodes", type=int, default=4, help="members of the committee; 4 by default")
    parser.add_argument("--pace", type=float, default=0.2, help="least seconds between blocks; 0.2 by default")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patina-soak-") as folder:
        found = asyncio.run(_run(Path(folder), chosen.hours, chosen.nodes, chosen.pace))
    figures = {
        "hours": chosen.hours,
        "seconds": round(found.seconds),
        "mebibytes": {curve.name: [round(curve.median(hour), 1) for hour in curve.hours] for curve in found.curves},
        "growth_percent": {curve.name: round(curve.growth, 2) for curve in found.curves},
        "reports": found.reports[chosen.hours - 1],
    }
    Path("soak.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(table(found.curves, found.reports)) + "\n")
    verdict = "within" if all(curve.steady for curve in found.curves) else "BEYOND"
    sys.stdout.write(f"{verdict} {GOAL_PERCENT:g} % of the first hour, medians of resident memory\n")
    if not found.worked:
        sys.stdout.write("in some hour NO report landed\n")
    return 0 if found.steady else 1


async def _run(folder: Path, hours: int, nodes: int, pace: float) -> Soak:
    def tell(line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    async with open_scene(folder, nodes) as scene:
        return await soak(scene, hours, pace, tell)


if __name__ == "__main__":
    sys.exit(main())
