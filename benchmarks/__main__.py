"""`make bench`: every measured figure as a table, and all of them in bench.json."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from benchmarks import gas, programs, rendering

TARGET = Path("bench.json")


def main() -> int:
    """Measure, print, write; 1 if a target of gas or of drawing is missed (other times are only reported)."""
    missed = gas.main()
    sys.stdout.write("\n")
    missed |= rendering.main()
    rows = programs.rows()
    sys.stdout.write(f"\n{'what':44}{'median':>10}  unit\n")
    for row in rows:
        sys.stdout.write(f"{row['what']:44}{row['median']:>10}  {row['unit']}\n")
    figures = {
        "machine": platform.processor() or platform.machine(),
        "gas": gas.rows(),
        "rendering": rendering.rows(),
        "programs": rows,
    }
    TARGET.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return missed


if __name__ == "__main__":
    sys.exit(main())
