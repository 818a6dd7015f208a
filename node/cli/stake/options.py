"""Options of the staking commands: whose account, what is asked, and how the outcome is told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.cli.options import config_option, json_option


@dataclass(frozen=True, slots=True)
class Choice:
    """What every staking command is told: where the configuration is, whose account pays, how to speak."""

    config_path: Path
    operator: Path | None
    password_file: Path | None
    as_signer: bool
    staking: str | None
    yes: bool
    as_json: bool


def staking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`, `--operator` and so on, gathered into the argument `choice`."""

    @functools.wraps(command)
    def gathered(
        *arguments: Any,
        config_path: Path,
        operator: Path | None,
        operator_password_file: Path | None,
        use_signing_key: bool,
        staking: str | None,
        yes: bool,
        as_json: bool,
        **others: Any,
    ) -> Any:
        choice = Choice(config_path, operator, operator_password_file, use_signing_key, staking, yes, as_json)
        return command(*arguments, choice=choice, **others)

    options = (
        json_option,
        click.option("--yes", "-y", is_flag=True, help="Ask nothing: yes to everything. For scripts."),
        click.option(
            "--staking", help="Address of the NodeStaking contract; by default the one that the oracle obeys."
        ),
        click.option(
            "--use-signing-key",
            is_flag=True,
            help="Let the node's own signing key be the operator. Whoever breaks into the node then has the bond too.",
        ),
        click.option(
            "--operator-password-file",
            type=click.Path(path_type=Path),
            help="File with the operator keystore's password; or set PATINA_OPERATOR_PASSWORD.",
        ),
        click.option(
            "--operator",
            type=click.Path(path_type=Path),
            metavar="KEYSTORE",
            help="Keystore of the operator account, which owns the bond; by default keys/operator.json beside the "
            "configuration.",
        ),
        config_option,
    )
    for option in options:
        gathered = option(gathered)
    return gathered
