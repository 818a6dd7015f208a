"""Newcomers find their way: every folder of the tree stands in the developers' page, and what stands there exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "docs" / "development.md").read_text("utf-8").partition("| folder |")[2].partition("\n\n")[0]


def test_folders__of_the_tree__stand_in_the_table_of_the_developers_page() -> None:
    first = "\n".join(row.split(" | ")[0] for row in TABLE.splitlines())
    told = {name.rstrip("/") for name in re.findall(r"`([^`]+)`", first)}
    assert {name for name in told if not (ROOT / name).exists()} == set()
    rooms = {f"node/{path.parent.name}" for path in (ROOT / "node").glob("*/*.py")}
    assert rooms - told == set()
    assert {"keepers", "contracts", "tests", "tools"} <= told


def test_folders__within_rooms__are_there() -> None:
    wrong: list[str] = []
    for row in TABLE.splitlines():
        folders, _, what = row.strip("| ").partition(" | ")
        homes = [ROOT / name for name in re.findall(r"`([^`]+/)`", folders)]
        inside = [ROOT, *homes, *(home / "simulator" for home in homes)]
        wrong += [each for each in re.findall(r"`([\w/-]+/)`", what) if not any((at / each).is_dir() for at in inside)]
    assert wrong == []
