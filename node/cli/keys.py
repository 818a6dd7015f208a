"""`patina keys`: show, make or import the node's keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from node.cli.lazy import Group
from node.cli.options import config_option, json_option
from node.errors import KeyFileError

if TYPE_CHECKING:
    from node.config import Config
    from node.keys.secrets import Secret


@click.group(cls=Group)
def keys() -> None:
    """Show, make or import this node's keys."""


@keys.command("list")
@config_option
@json_option
def list_keys(config_path: Path, *, as_json: bool) -> None:
    """Print the signing address and the transport key, and where they are kept; needs no password.

    Ends with 1 where one that is there cannot be read, and prints the other.
    """
    from node.config import load
    from node.keys.signing import EthKeystore
    from node.keys.transport import TransportKeyFile

    config = load(config_path, check_files=False).keys
    keystore, transport = EthKeystore(config.signing_keystore), TransportKeyFile(config.transport_key)
    rows = [
        ("signing", keystore.path, *_either(lambda: keystore.address)),
        ("transport", transport.path, *_either(lambda: f"0x{transport.public_key.hex()}")),
    ]
    if as_json:
        shown = {kind: {"public": public, "file": str(path), "fault": fault} for kind, path, public, fault in rows}
        click.echo(json.dumps(shown, indent=2))
    else:
        for kind, path, public, _ in rows:
            words = public or ("cannot be read" if path.exists() else "no such file yet: patina keys new")
            click.echo(f"{kind:<10} {words}\n{'':<10} {path}")
    faults = [f"{kind} key: {fault}" for kind, path, _, fault in rows if fault and path.exists()]
    if faults:
        raise KeyFileError("\n".join(faults))


@keys.command()
@config_option
def new(config_path: Path) -> None:
    """Make those keys that the configuration names and that do not exist yet."""
    from node.config import load
    from node.keys.signing import EthKeystore
    from node.keys.transport import TransportKeyFile

    config = load(config_path, check_files=False)
    signing, transport = config.keys.signing_keystore, config.keys.transport_key
    missing = [path for path in (signing, transport) if not path.exists()]
    if not missing:
        raise KeyFileError("both keys exist already, and are never overwritten; to have others, name other files")
    if signing in missing:
        click.echo(f"signing    {EthKeystore.create(signing, _new_password(config, 'signing')).address}")
    if transport in missing:
        public = TransportKeyFile.create(transport, _new_password(config, "transport")).public_key
        click.echo(f"transport  0x{public.hex()}")


@keys.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
def import_key(file: Path, config_path: Path) -> None:
    """Import a signing key: FILE holds it in hex, or is a keystore, whose password is asked for.

    It goes where the configuration says, under this node's own password; FILE stays as it is.
    """
    from node.cli.options import asker
    from node.config import load
    from node.keys.secrets import SecretSource, read_secret
    from node.keys.signing import EthKeystore, key_from_hex

    config = load(config_path, check_files=False)
    text = read_secret(file)
    if text.reveal().lstrip().startswith("{"):
        source = SecretSource(f"password of {file}", variable="PATINA_IMPORT_PASSWORD", ask=asker())
        key = EthKeystore(file).decrypt(source.read())
    else:
        key = key_from_hex(text)
    path = config.keys.signing_keystore
    if path.exists():
        raise KeyFileError(f"{path}: exists already, and is never overwritten; name another signing_keystore")
    click.echo(f"signing    {EthKeystore.import_key(path, key, _new_password(config, 'signing')).address}")


def _either(read: Callable[[], str]) -> tuple[str | None, str | None]:
    try:
        return read(), None
    except KeyFileError as error:
        return None, str(error)


def _new_password(config: Config, kind: Literal["signing", "transport"]) -> Secret:
    """The password to encrypt a new key with, from the place where the node will look for it."""
    from node.cli.ask import ask_new_password
    from node.cli.options import asker
    from node.config.credentials import password_source

    def ask(what: str) -> str:
        return ask_new_password(what[:1].upper() + what[1:]).reveal()

    return password_source(config, kind, ask=None if asker() is None else ask).read()
