"""`patina edition account`: the artist's key in a keystore of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.edition.options import VARIABLE, folder_option, password_option
from node.errors import KeyFileError

if TYPE_CHECKING:
    from node.keys.secrets import Secret


@click.command()
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the key in hex, or - to be asked for it; without it a new key is made.",
)
@click.option("--light", is_flag=True, help="A weaker, quicker encryption of the keystore; for tests and devnets.")
@password_option
@folder_option
def account(*, imported: Path | None, light: bool, password_file: Path | None, folder: Path) -> None:
    """Make the artist's account, or import its key.

    It owns collections, opens editions and pays for all of it. Keep a copy of the folder, which will hold the secrets
    of editions too.
    """
    from node.cli.ask import ask_new_password
    from node.cli.options import asker
    from node.keys.secrets import Secret, read_secret
    from node.keys.signing import SCRYPT_N, SCRYPT_N_LIGHT, EthKeystore, key_from_hex

    path = folder / "account.json"
    if path.exists():
        raise KeyFileError(f"{path}: exists already, and is never overwritten; choose another --folder")
    ask = asker()
    key = None
    if imported is not None:
        if str(imported) == "-":
            if ask is None:
                raise KeyFileError("nobody can be asked for the key here: give a file that holds it")
            key = key_from_hex(Secret(ask("the key, in hex")))
        else:
            key = key_from_hex(read_secret(imported))

    def new(what: str) -> str:
        return ask_new_password(what[:1].upper() + what[1:]).reveal()

    secret = password(password_file, None if ask is None else new)
    cost = SCRYPT_N_LIGHT if light else SCRYPT_N
    made = (
        EthKeystore.create(path, secret, scrypt_n=cost)
        if key is None
        else EthKeystore.import_key(path, key, secret, scrypt_n=cost)
    )
    click.echo(f"{made.address}\n{path}")


def password(file: Path | None, ask: Callable[[str], str] | None) -> Secret:
    """The password of the artist's account; KeyFileError that names the ways to give it."""
    from node.keys.secrets import SecretSource

    found = SecretSource("password of the artist's account", variable=VARIABLE, file=file, ask=ask).read_optional()
    if found is None:
        raise KeyFileError(
            f"no password of the artist's account: set {VARIABLE}, give --password-file FILE, or start from a terminal "
            "to be asked for it"
        )
    return found
