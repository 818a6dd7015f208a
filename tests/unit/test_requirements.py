"""What the package imports is what it asks for: by itself, or with the extra that the part belongs to."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRA = {"node/devnet/": "devnet", "node/render/ray/": "ray", "node/render/tolerance/painter.py": "pipelines"}
OWN = {"node", "keepers"}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", each)[0].lower().replace("_", "-") for each in requirements}


def imported(path: Path) -> set[str]:
    """Top-level names of all that a file imports, wherever in it."""
    found: set[str] = set()
    for each in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(each, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in each.names}
        elif isinstance(each, ast.ImportFrom) and each.module is not None and not each.level:
            found.add(each.module.partition(".")[0])
    return found - OWN - sys.stdlib_module_names


def test_imports__of_every_module__are_asked_for_by_the_package_or_by_its_extra() -> None:
    homes = packages_distributions()
    always, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    wrong, needed = set(), set()
    for path in [*(ROOT / "node").rglob("*.py"), *(ROOT / "keepers").rglob("*.py")]:
        place = path.relative_to(ROOT).as_posix()
        extra = next((name for start, name in EXTRA.items() if place.startswith(start)), None)
        asked = always | (names(extras[extra]) if extra else set())
        for name in imported(path):
            homed = {home.lower().replace("_", "-") for home in homes.get(name, [name])}
            needed |= homed
            if not homed & asked:
                wrong.add((place, name))
    assert wrong == set()
    assert always - needed == set(), "asked for, and imported nowhere"
