"""Options that several commands share, and how they ask for secrets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
CONFIG_NAME = "config.toml"


def _config_path(_: click.Context, __: click.Parameter, value: Path) -> Path:
    return value / CONFIG_NAME if value.is_dir() else value


def config_option(command: Command) -> Command:
    """`--config FILE` as argument `config_path`: a file, or a node's folder; here by default."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        default=Path(),
        callback=_config_path,
        envvar="PATINA_CONFIG",
        show_envvar=True,
        help=f"Configuration file, or the folder that holds {CONFIG_NAME}; by default this folder.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json` as argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def anvil_option(command: Command) -> Command:
    """`--anvil` as argument `anvil`."""
    text = "Run Foundry's anvil as the chain, not the embedded one; it has to be on the PATH."
    return click.option("--anvil", is_flag=True, help=text)(command)


def asker() -> Callable[[str], str] | None:
    """How to ask for an existing secret, or None where nobody sits at a terminal."""
    if not sys.stdin.isatty():
        return None

    def ask(what: str) -> str:
        return str(click.prompt(what[:1].upper() + what[1:], hide_input=True, err=True))

    return ask
