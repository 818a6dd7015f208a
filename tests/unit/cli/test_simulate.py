"""`patina simulate`: one seed in full, many at once, and what a broken promise looks like."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from node.agreement.pacemaker import Pacemaker
from node.cli import main


def run(*arguments: str):
    return CliRunner().invoke(main, ["simulate", *arguments])


def test_simulate__one_seed__prints_what_was_tried_and_what_came_of_it() -> None:
    result = run("--seed", "3", "--nodes", "2", "--rounds", "1")
    assert result.exit_code == 0
    assert result.output.startswith("patina simulate --seed 3 --nodes 2 --rounds 1\n")
    assert "every promise held" in result.output
    assert "rounds a minute on one core" in result.output


def test_simulate__verbose__tells_the_story_event_by_event() -> None:
    result = run("--seed", "3", "--nodes", "2", "--rounds", "1", "-v")
    assert "node 0   [1/100] says: I measured" in result.output
    assert "I commit to report" in result.output


def test_simulate__span_of_seeds__sums_them_up() -> None:
    result = run("--seeds", "0..4", "--nodes", "1", "--rounds", "1", "--jobs", "1")
    assert result.exit_code == 0
    assert "5 seeds" in result.output
    assert result.output.endswith("every promise held\n")


def test_simulate__broken_promise__exits_with_1_and_prints_the_command_that_replays_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Pacemaker, "certified", lambda self: -1)
    result = run("--seeds", "20..24", "--nodes", "4", "--rounds", "1", "--jobs", "1")
    assert result.exit_code == 1
    line = next(line for line in result.output.splitlines() if line.startswith("broken"))
    replay = line.split("patina simulate ")[1].split()
    again = run(*replay)
    assert again.exit_code == 1
    assert "BROKEN" in again.output


@pytest.mark.parametrize("arguments", [("--seeds", "5..1"), ("--seeds", "x"), ("--seed", "1", "--seeds", "0..1")])
def test_simulate__arguments_that_make_no_sense__are_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
