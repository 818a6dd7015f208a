"""Options that several commands share, and how they ask for secrets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
CONFIG_NAME = "config.toml"
ENDPOINTS_VARIABLE = "PATINA_ENDPOINTS"
"""Where URLs with keys come from that no file has: separated by spaces, as for the configuration."""
_INSTEAD = {"--rpc": f"in a file or in {ENDPOINTS_VARIABLE}", "--broker": "in a file or in the environment"}
"""Where a URL with a secret in it belongs that was given with an option."""


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


def named(config: Path) -> str:
    """What another command needs to find this configuration: ` --config FOLDER`, or nothing where it stands here."""
    import shlex

    config = config.absolute()
    if config.name != CONFIG_NAME:
        return f" --config {shlex.quote(str(config))}"
    return "" if config.parent == Path.cwd() else f" --config {shlex.quote(str(config.parent))}"


def json_option(command: Command) -> Command:
    """`--json` as argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def anvil_option(command: Command) -> Command:
    """`--anvil` as argument `anvil`."""
    text = "Run Foundry's anvil as the chain, not the embedded one; it has to be on the PATH."
    return click.option("--anvil", is_flag=True, help=text)(command)


def warn_of_secrets(context: click.Context, option: click.Parameter, given: Any) -> Any:
    """A callback of options that take URLs: says so where one that is given as an argument has a secret in it."""
    from click.core import ParameterSource

    from node.keys.secrets import SecretUrl

    urls = (given,) if isinstance(given, str) else given or ()
    if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
        for url in urls:
            # A user's name alone is no secret at a broker; elsewhere it may be a token.
            named = url.startswith(("mqtt://", "mqtts://")) and ":" not in url.partition("://")[2].rpartition("@")[0]
            if "://" in url and not named and (secret := SecretUrl(url)).carries_secret:
                click.echo(
                    f"Attention: {option.opts[0]} {secret.masked}: while this runs, other users of this machine can "
                    "see the secret in that URL (ps), and the shell's history keeps it. Give it "
                    f"{_INSTEAD.get(option.opts[0], 'in a configuration file')} instead.",
                    err=True,
                )
    return given


def asker() -> Callable[[str], str] | None:
    """How to ask for an existing secret, or None where nobody sits at a terminal."""
    if not sys.stdin.isatty():
        return None

    def ask(what: str) -> str:
        return str(click.prompt(what[:1].upper() + what[1:], hide_input=True, err=True))

    return ask
