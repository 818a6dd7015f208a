"""The program as a whole: its table of commands, its start, and how it reports failures."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from node.cli import COMMANDS, GROUPS, main
from node.cli.lazy import LazyGroup, print_uncaught
from node.cli.reference import commands_markdown
from node.errors import ChainError
from node.keys.secrets import SecretUrl

HEAVY = {"torch", "diffusers", "numpy", "web3", "eth_account", "aiohttp", "aiomqtt", "structlog", "cryptography",
         "coincurve", "sqlite_utils", "msgspec", "rich", "asyncio", "eth", "amqtt", "prometheus_client"}  # fmt: skip


def modules_after(*arguments: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `patina ARGUMENTS`."""
    script = (
        "import sys, json, contextlib, io\n"
        "from node.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    main({list(arguments)!r}, standalone_mode=False)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["config", "example"], ["init", "--help"]])
def test_start__help_and_the_like__load_nothing_heavy(arguments: list[str]) -> None:
    assert modules_after(*arguments) & HEAVY == set()


def test_help__lists_every_command_without_importing_any() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    shown = "".join(result.output.split())  # long lines wrap, at hyphens too
    for name, (_, text) in COMMANDS.items():
        assert "".join(f"{name}{text}".split()) in shown


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["statsu"], "status"), (["db", "bakcup"], "backup"), (["check-deploiment"], "check-deployment")],
)
def test_start__misspelt_command__says_which_one_is_like_it(words: list[str], meant: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert f"there is no command {words[-1]!r} (did you mean {meant}?)" in result.stderr


def test_groups__every_command__stands_under_one_heading() -> None:
    named = [name for _, names in GROUPS for name in names]
    assert sorted(named) == sorted(COMMANDS)


def test_reference__written_from_the_commands__is_the_page_in_docs() -> None:
    page = Path(__file__).parents[3] / "docs" / "commands.md"
    again = "python -c 'from node.cli.reference import commands_markdown; print(commands_markdown(), end=\"\")'"
    assert page.read_text() == commands_markdown(), f"write docs/commands.md anew: {again} > docs/commands.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_table__each_entry__is_a_command_with_that_help(name: str) -> None:
    target, text = COMMANDS[name]
    module, _, attribute = target.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert (command.help or "").strip().splitlines()[0] == text
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_command__unknown__usage_error_with_a_guess() -> None:
    result = CliRunner().invoke(main, ["confg"])
    assert result.exit_code == 2
    assert "confg" in result.output


def failing_group(error: Exception) -> LazyGroup:
    group = LazyGroup("patina", table={})

    @group.command()
    def fail() -> None:
        raise error

    return group


def test_failure__raised_on_purpose__one_message_without_traceback_or_secret() -> None:
    url = SecretUrl("https://rpc.example/v2/planted-failure-key-1")
    result = CliRunner().invoke(failing_group(ChainError(f"cannot reach {url.reveal()}")), ["fail"])
    assert result.exit_code == 1
    assert result.stderr == "patina: cannot reach https://rpc.example/v2/***\n"
    assert result.stdout == ""


def test_failure__nobody_expected__traceback_without_secret(capsys: pytest.CaptureFixture[str]) -> None:
    url = SecretUrl("https://rpc.example/v2/planted-failure-key-2")
    try:
        raise ValueError(f"cannot parse {url.reveal()}")
    except ValueError as error:
        print_uncaught(type(error), error, error.__traceback__)
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "planted-failure-key-2" not in err


def test_failure__unexpected_in_the_program__hook_is_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    CliRunner().invoke(main, ["--version"])
    assert sys.excepthook is print_uncaught


def test_table__entry_that_is_no_command__named() -> None:
    group = LazyGroup("patina", table={"x": ("node.errors:PatinaError", "")})
    with pytest.raises(TypeError, match=r"node\.errors:PatinaError"):
        group.get_command(click.Context(group), "x")
