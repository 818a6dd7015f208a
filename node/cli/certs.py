"""`patina certs`: a certificate authority of the committee's own, and certificates for nodes and brokers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.cli.lazy import Group
from node.cli.options import json_option

if TYPE_CHECKING:
    from node.keys.authority import Authority, Issued
    from node.keys.secrets import Secret

Command = TypeVar("Command", bound=Callable[..., Any])


def _folder_option(command: Command) -> Command:
    return click.option(
        "-d",
        "--directory",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("certs"),
        show_default=True,
        help="Folder of the authority and its certificates.",
    )(command)


def _password_option(command: Command) -> Command:
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path),
        help="File with the password of the authority's key; PATINA_CA_PASSWORD stands in for it.",
    )(command)


_hosts_option = click.option(
    "--host", "hosts", multiple=True, help="DNS name or IP address that it is reached at; may be repeated."
)
_days_option = click.option("--days", type=int, help="How long it is valid; 397 days by default.")


@click.group(cls=Group)
def certs() -> None:
    """Make and renew certificates for brokers and nodes.

    An authority of the committee's own (init) signs a certificate for every broker (broker) and every node (node). A
    node's operator who gives no key out of hand makes a request instead, which the authority signs (request, sign).
    """


@certs.command()
@_folder_option
@click.option("--name", default="Patina committee", show_default=True, help="What the authority is called.")
@click.option("--days", type=int, help="How long it is valid; 3650 days by default.")
@_password_option
def init(folder: Path, name: str, days: int | None, password_file: Path | None) -> None:
    """Make the authority: ca.pem for everybody, ca.key for nobody else."""
    from node.keys.authority import AUTHORITY_DAYS, Authority

    password = _password(password_file)
    made = Authority.create(folder, name, days=AUTHORITY_DAYS if days is None else days, password=password)
    guard = "encrypted" if password is not None else "not encrypted: whoever has it can let anybody in"
    click.echo(
        f"The authority {name!r} stands in {folder}\n\n"
        f"  {made.cert}   give it to every broker and node\n"
        f"  {folder / 'ca.crl'}   give it to every broker: it lists what is revoked\n"
        f"  {folder / 'ca.key'}   keep it here, away from brokers and nodes ({guard})\n\n"
        "Next:\n"
        f"  patina certs broker NAME --host HOST -d {folder}    for each broker\n"
        f"  patina certs node NAME -d {folder}                  for each node\n"
    )


@certs.command()
@click.argument("name")
@_folder_option
@_hosts_option
@_days_option
@_password_option
def broker(name: str, folder: Path, hosts: tuple[str, ...], days: int | None, password_file: Path | None) -> None:
    """Make key and certificate of the broker NAME, which nodes reach at HOST."""
    made = _issue(folder, password_file, lambda authority, term: authority.issue(name, "broker", hosts, **term), days)
    click.echo(
        f"{_made(made)}\n\n"
        "Next, on the broker's machine (mosquitto.conf):\n"
        f"  cafile    {_there(folder / 'ca.pem')}\n"
        f"  crlfile   {_there(folder / 'ca.crl')}\n"
        f"  certfile  {_there(made.cert)}\n"
        f"  keyfile   {_there(folder / f'{name}.key')}   (readable by the broker alone; delete it here)\n"
        "and in every node's config.toml:\n"
        "  [[gossip.brokers]]\n"
        f'  url = "mqtts://{_bracketed(made.facts.hosts[0])}:8883"\n'
    )


@certs.command()
@click.argument("name")
@_folder_option
@_hosts_option
@_days_option
@_password_option
def node(name: str, folder: Path, hosts: tuple[str, ...], days: int | None, password_file: Path | None) -> None:
    """Make key and certificate of the node NAME; brokers know it by that name."""
    made = _issue(folder, password_file, lambda authority, term: authority.issue(name, "node", hosts, **term), days)
    click.echo(f"{_made(made)}\n\n{_next_for_node(folder, name)}\nDelete the key here once it is there.\n")


@certs.command()
@click.argument("name")
@_folder_option
@_hosts_option
def request(name: str, folder: Path, hosts: tuple[str, ...]) -> None:
    """Make a key that stays on this machine, and a request to send to the authority."""
    from node.keys.requests import request_certificate

    key, asked = request_certificate(folder, name, hosts)
    click.echo(
        f"  {key}   stays here\n  {asked}   goes to whoever keeps the authority\n\n"
        f"Next, where the authority is:\n  patina certs sign {asked.name} --for node\n"
        f"and with {name}.pem and ca.pem back here in {folder}:\n\n{_next_for_node(folder, name)}\n"
    )


@certs.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--for", "use", type=click.Choice(["node", "broker"]), default="node", show_default=True)
@_folder_option
@_days_option
@_password_option
def sign(file: Path, use: str, folder: Path, days: int | None, password_file: Path | None) -> None:
    """Sign the request in FILE, once you know by another way whose it is."""
    made = _issue(
        folder,
        password_file,
        lambda authority, term: authority.sign(file, "broker" if use == "broker" else "node", **term),
        days,
    )
    click.echo(f"{_made(made)}\n\nNext: send {made.cert} and {folder / 'ca.pem'} back; neither is a secret.\n")


@certs.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_folder_option
@_days_option
@_password_option
def renew(files: tuple[Path, ...], folder: Path, days: int | None, password_file: Path | None) -> None:
    """Renew the certificates FILES for another term: same name, hosts and key, same place."""
    from node.keys.authority import DAYS, Authority

    authority = Authority.open(folder, _password(password_file))
    for file in files:
        made, old = authority.renew(file, days=DAYS if days is None else days)
        click.echo(f"{_made(made)}\n  {old}   the old one")
    click.echo(
        "\nNext: copy the new files over the old ones where they are used. A node takes its own up with the next\n"
        "connection, without a restart; Mosquitto wants a SIGHUP, or a restart for its own certificate.\n"
    )


@certs.command()
@click.argument("file", type=click.Path(path_type=Path))
@_folder_option
@_password_option
def revoke(file: Path, folder: Path, password_file: Path | None) -> None:
    """Revoke the certificate in FILE: its key was lost or its node has left."""
    from node.keys.authority import Authority

    revoked = Authority.open(folder, _password(password_file)).revoke(file)
    click.echo(
        f"  {file} is to be accepted no more.\n\n"
        f"Next: copy {revoked} to every broker (crlfile in mosquitto.conf) and restart it.\n"
    )


@certs.command("list")
@_folder_option
@json_option
def list_certs(folder: Path, *, as_json: bool) -> None:
    """List the certificates in a folder, and when they end. Exit status 1 if one needs to be renewed."""
    from datetime import UTC, datetime

    from node.errors import KeyFileError
    from node.keys.authority import certificates_in
    from node.keys.certificates import EXPIRY_WARNING_DAYS

    found, now = certificates_in(folder), datetime.now(UTC)
    if not found:
        raise KeyFileError(f"{folder}: no certificate is here; make some with: patina certs init")
    rows = [(path, facts, facts.days_left(now)) for path, facts in found]
    if as_json:
        shown = [
            {
                "file": str(path),
                "name": facts.name,
                "use": facts.use,
                "hosts": facts.hosts,
                "issuer": facts.issuer,
                "ends": facts.ends.isoformat(),
                "days_left": left,
            }
            for path, facts, left in rows
        ]
        click.echo(json.dumps(shown, indent=2))
    else:
        for path, facts, left in rows:
            until = "EXPIRED" if left < 0 else f"{left} days left" + (" - renew" if left <= EXPIRY_WARNING_DAYS else "")
            click.echo(f"{path.name:<24} {facts.use:<10} {facts.ends:%Y-%m-%d}  {until:<22} {' '.join(facts.hosts)}")
    if any(left <= EXPIRY_WARNING_DAYS for _, _, left in rows):
        raise click.exceptions.Exit(1)


def _issue(
    folder: Path, password_file: Path | None, make: Callable[[Authority, dict[str, Any]], Issued], days: int | None
) -> Issued:
    from node.keys.authority import Authority

    return make(Authority.open(folder, _password(password_file)), {} if days is None else {"days": days})


def _password(file: Path | None) -> Secret | None:
    from node.keys.secrets import SecretSource

    return SecretSource("password of the authority", variable="PATINA_CA_PASSWORD", file=file).read_optional()


def _made(made: Issued) -> str:
    lines = [f"  {made.cert}   certificate of the {made.facts.use} {made.facts.name}, until {made.facts.ends:%Y-%m-%d}"]
    lines += [f"  {'':<{len(str(made.cert))}}   reached at {', '.join(made.facts.hosts)}"] if made.facts.hosts else []
    lines += [f"  {made.key}   its private key"] if made.key is not None else []
    return "\n".join(lines)


def _next_for_node(folder: Path, name: str) -> str:
    return (
        f"Next: copy {folder / 'ca.pem'}, {name}.pem and {name}.key to the node's folder keys/, and add to its\n"
        "config.toml, under each [[gossip.brokers]]:\n"
        '  ca = "keys/ca.pem"\n'
        f'  cert = "keys/{name}.pem"\n'
        f'  key = "keys/{name}.key"'
    )


def _there(path: Path) -> str:
    return f"/etc/mosquitto/patina/{path.name}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
