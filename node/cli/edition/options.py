"""Options of the artist's commands: which network, whose account, where secrets and content are kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.cli.options import ENDPOINTS_VARIABLE, json_option, warn_of_secrets

VARIABLE = "PATINA_ARTIST_PASSWORD"
FOLDER = Path("artist")


@dataclass(frozen=True, slots=True)
class Choice:
    """What every artist's command is told."""

    deployment: Path
    rpcs: tuple[str, ...]
    account: Path | None
    password_file: Path | None
    collection: str | None
    folder: Path
    max_fee_gwei: float
    yes: bool
    as_json: bool

    @property
    def keystore(self) -> Path:
        """The account's keystore."""
        return self.account or self.folder / "account.json"


def folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--folder` as argument `folder`."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=FOLDER,
        show_default=True,
        help="Where the artist's account, secrets, recipes and content are kept.",
    )(command)


def password_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--password-file` as argument `password_file`."""
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path),
        help=f"File with the keystore's password; or set {VARIABLE}.",
    )(command)


def artist_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them, gathered into the argument `choice`."""

    @functools.wraps(command)
    def gathered(
        *arguments: Any,
        deployment: Path,
        rpcs: tuple[str, ...],
        account: Path | None,
        password_file: Path | None,
        collection_address: str | None,
        folder: Path,
        max_fee_gwei: float,
        yes: bool,
        as_json: bool,
        **others: Any,
    ) -> Any:
        choice = Choice(
            deployment, rpcs, account, password_file, collection_address, folder, max_fee_gwei, yes, as_json
        )
        return command(*arguments, choice=choice, **others)

    options = (
        json_option,
        click.option("--yes", "-y", is_flag=True, help="Ask nothing: yes to everything. For scripts."),
        click.option(
            "--max-fee-gwei",
            type=click.FloatRange(min=0.000_000_001, max=100_000),
            default=100.0,
            show_default=True,
            help="The most that a unit of gas may cost.",
        ),
        folder_option,
        click.option(
            "--collection",
            "collection_address",
            metavar="ADDRESS",
            help="The collection; by default the one deployed from the artist's folder, else the deployment file's.",
        ),
        password_option,
        click.option(
            "--account",
            type=click.Path(path_type=Path),
            metavar="KEYSTORE",
            help="Keystore of the account that signs and pays; by default account.json in the artist's folder.",
        ),
        click.option(
            "--rpc",
            "rpcs",
            multiple=True,
            required=True,
            metavar="URL",
            envvar=ENDPOINTS_VARIABLE,
            callback=warn_of_secrets,
            help=f"JSON-RPC URL of the chain; several are compared with each other. One with a key: in "
            f"{ENDPOINTS_VARIABLE}.",
        ),
        click.option(
            "--deployment",
            type=click.Path(path_type=Path),
            default=Path("deployment.json"),
            show_default=True,
            metavar="FILE",
            help="The network's deployment file.",
        ),
    )
    wrapped: Callable[..., Any] = gathered
    for option in options:
        wrapped = option(wrapped)
    return wrapped
