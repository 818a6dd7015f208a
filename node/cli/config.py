"""`patina config`: look at the configuration in force."""

from __future__ import annotations

import json
from pathlib import Path

import click

from node.cli.lazy import Group
from node.cli.options import config_option, json_option


@click.group(cls=Group)
def config() -> None:
    """Show the configuration, secrets masked."""


@config.command()
@config_option
@json_option
def show(config_path: Path, *, as_json: bool) -> None:
    """Print every setting in force, defaults included; keys in URLs are masked."""
    from node.config import load
    from node.config.text import show_toml, shown

    loaded = load(config_path, check_files=False)
    click.echo(json.dumps(shown(loaded), indent=2) if as_json else show_toml(loaded), nl=as_json)


@config.command()
def example() -> None:
    """Print an example file with every setting, its default, and what it is for."""
    from node.config.text import example_toml

    click.echo(example_toml(), nl=False)
