"""What an installed node brings in: every package at one version, so that a release is what was tried."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).parents[3] / "constraints.txt"
INSTALLERS = {"pip", "setuptools"}
"""What comes with an environment, whatever is installed into it."""


def brought_in(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """The names of a package and of all that it requires here, installed or not."""
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    try:
        wanted = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        return {name}
    found = {name}
    for each in wanted:
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            found |= brought_in(canonicalize_name(each.name), frozenset(each.extras), seen)
    return found


def test_constraints__everything_that_a_node_brings_in__has_one_version() -> None:
    lines = [line.partition("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line]
    pinned = {canonicalize_name(name) for name, _, _ in lines}
    found = brought_in("patina", frozenset(), set()) - {"patina"}
    assert len(found) > 50
    assert found - pinned - INSTALLERS == set()
