"""Figures as a table: what, median, and where there are any the 95th percentile and the goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
WIDTH = 58


def missed(row: Row) -> bool:
    """Whether a row has a goal and its median is above it."""
    return row.get("goal") is not None and row["median"] > row["goal"]


def lines(title: str, rows: Sequence[Row]) -> list[str]:
    """The table's lines; a missed goal is told in the last column."""
    spread = any(row.get("p95") is not None for row in rows)
    found = [f"{title:{WIDTH}}{'median':>10}{'p95' if spread else '':>9}{'goal':>9}  unit"]
    for row in rows:
        p95, goal = _number(row.get("p95")), _number(row.get("goal"))
        late = "  missed" if missed(row) else ""
        found.append(f"{row['what']:{WIDTH}}{_number(row['median']):>10}{p95:>9}{goal:>9}  {row['unit']}{late}")
    return found


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"
