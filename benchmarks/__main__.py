"""`make bench`: every measured figure as a table, and all of them in bench.json."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from benchmarks import gas, programs, rendering, retention, sampling, staking, traffic
from benchmarks.latency import table as latency
from benchmarks.table import lines

TARGET = Path("bench.json")


def main() -> int:
    """Measure, print, write; 1 if a goal is missed that does not depend on the machine: gas, ratios, counts, growth.

    Times and memory are only reported, with a word where they miss their goal. Processes are timed first: later on
    the machine is warm, and this process large.
    """
    missed = 0
    for part in (latency, sampling, traffic, retention, gas, staking, rendering):
        missed |= part.main()
        sys.stdout.write("\n")
    rows = programs.rows()
    sys.stdout.write("\n".join(lines("programs", rows)) + "\n")
    figures = {
        "machine": platform.processor() or platform.machine(),
        "latency": latency.rows(),
        "sampling": sampling.rows(),
        "traffic": traffic.rows(),
        "journal": retention.rows(),
        "gas": gas.rows() + staking.rows(),
        "rendering": rendering.rows(),
        "programs": rows,
    }
    TARGET.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return missed


if __name__ == "__main__":
    sys.exit(main())
