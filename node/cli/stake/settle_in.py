"""Sees to it that there is a node to join with: its configuration, or `patina init` first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.options import CONFIG_NAME
from node.errors import ConfigError

if TYPE_CHECKING:
    from node.cli.stake.options import Choice


def ensure_node(choice: Choice, deployment: Path | None) -> Choice:
    """Offer `patina init` where there is no configuration; where it is then. ConfigError where nobody can be asked."""
    path = choice.config_path
    config = path if path.suffix == ".toml" or path.is_file() else path / CONFIG_NAME
    if config.exists():
        return replace(choice, config_path=config)
    folder = config.absolute().parent
    words = f"{folder} has no node yet (no {config.name})"
    if choice.yes:
        raise ConfigError(f"{words}: set one up with patina init, then run patina join again")
    if config.name != CONFIG_NAME:
        raise ConfigError(f"{config}: there is no such file; set a node up with patina init, or correct the path")
    click.echo(
        f"{words}.\n"
        "Before it can join, a node needs a configuration and keys. patina init asks for the chain, an endpoint\n"
        "and a broker, and makes the keys.\n",
        err=True,
    )
    if not click.confirm("Set the node up now?", default=True, err=True):
        raise ConfigError("nothing was done: run patina init when you are ready, then patina join")
    _init(folder, deployment)
    return replace(choice, config_path=config)


def _init(folder: Path, deployment: Path | None) -> None:
    from node.cli.init import init

    arguments = [str(folder)]
    if deployment is not None:
        arguments += ["--deployment", str(deployment)]
    init.main(args=arguments, standalone_mode=False)
