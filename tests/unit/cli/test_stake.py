"""`patina stake`: its table of commands, and what each refuses before it asks any chain."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from node.cli import main
from node.cli.stake import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_table__each_entry__is_a_command_with_that_help(name: str) -> None:
    target, text = COMMANDS[name]
    module, _, attribute = target.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert (command.help or "").strip().splitlines()[0] == text
    assert CliRunner().invoke(main, ["stake", name, "--help"]).exit_code == 0


@pytest.mark.parametrize("words", [["stake", "status"], ["stake", "claim", "--yes"], ["join", "--yes"]])
def test_command__no_configuration__says_how_to_make_one(words: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [*words, "--config", str(tmp_path)])
    assert done.exit_code == 1
    assert "patina init" in done.output


def test_slash__no_evidence__usage_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["stake", "slash", "--config", str(tmp_path)])
    assert done.exit_code == 2
    assert "--evidence" in done.output
