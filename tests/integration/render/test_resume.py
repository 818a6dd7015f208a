"""A node killed in the middle of an edition: what it had painted is found again, and the root is the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from node.errors import JournalError
from node.journal import Journal
from tests.integration.render.studio_process import TOKENS

ROOT = Path(__file__).parents[3]


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PLANTED": str(folder / "begun"), "PYTHONPATH": str(ROOT)}
    program = "tests.integration.render.studio_process"
    return subprocess.Popen(
        [sys.executable, "-m", program, str(folder)], env=environment, stdout=subprocess.PIPE, text=True
    )


def finish(folder: Path) -> tuple[str, int, int]:
    """Run to the end; the root, how many were drawn, how many found."""
    out, _ = start(folder).communicate(timeout=120)
    root, drawn, found = out.split("\n")[-2].split()
    return root, int(drawn), int(found)


def begun(folder: Path) -> list[str]:
    path = folder / "begun"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def noted(folder: Path) -> int:
    """How many pictures the journal of a running node knows."""
    try:
        with Journal(folder / "state", read_only=True) as journal:
            return journal.pictures.count()
    except JournalError:
        return 0  # not made yet


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The content root that a node comes to which nothing disturbs."""
    found = finish(tmp_path_factory.mktemp("whole"))
    assert found[1:] == (TOKENS, 0)
    return found[0]


@pytest.mark.parametrize("after", [1, TOKENS // 2])
def test_paint__killed_mid_edition__draws_only_what_was_not_stored(tmp_path: Path, root: str, after: int) -> None:
    victim = start(tmp_path)
    try:
        deadline = time.monotonic() + 120
        while (stored := noted(tmp_path)) < after:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        victim.kill()
        victim.communicate()
    before = Counter(begun(tmp_path))
    assert set(before.values()) == {1}
    stored = max(stored, noted(tmp_path))
    assert finish(tmp_path) == (root, TOKENS - stored, stored)
    twice = [seed for seed, times in Counter(begun(tmp_path)).items() if times > 1]
    assert len(twice) == len(before) - stored
    # And when all is there, nothing is drawn at all.
    assert finish(tmp_path) == (root, 0, TOKENS)
