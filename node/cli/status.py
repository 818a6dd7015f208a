"""`patina status`: what a running node is doing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from node.cli.options import config_option, json_option
from node.errors import PatinaError, printable

MAX_BYTES = 16 << 20
"""The most that is read of an answer: any program may listen on the port."""


@click.command()
@config_option
@json_option
def status(config_path: Path, *, as_json: bool) -> None:
    """Show what the node that runs with this configuration is doing.

    Exit status 1 when it does not answer, or is not ready.
    """
    from node.config import load

    config = load(config_path, check_files=False)
    url = f"http://{reachable(config.web.host)}:{config.web.port}"
    figures, reasons = fetch(url)
    if as_json:
        click.echo(json.dumps({**figures, "ready": not reasons, "reasons": reasons}, indent=2))
    else:
        show(figures, reasons, url)
    if reasons:
        raise SystemExit(1)


def reachable(host: str) -> str:
    """Return the host to ask, as it stands in a URL, for the address that a node listens on."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def fetch(url: str) -> tuple[dict[str, Any], list[str]]:
    """Return a node's status and the reasons why it is not ready.

    Raises:
        PatinaError: no node answers there.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    def get(path: str) -> bytes:
        try:
            with urlopen(url + path, timeout=10) as response:  # noqa: S310 - the scheme is http, above
                return bytes(response.read(MAX_BYTES))
        except HTTPError as error:
            return error.read(MAX_BYTES)

    try:
        told = get("/api/status"), get("/readyz")
    except (HTTPException, OSError, ValueError) as error:
        said = printable(str(error))
        raise PatinaError(f"no node answers at {url} ({said}): is it running, and is web.enabled on?") from None
    try:
        figures, readiness = map(json.loads, told)
    except (ValueError, RecursionError):
        raise _stranger(url) from None
    reasons = readiness.get("reasons", []) if isinstance(readiness, dict) else None
    if not isinstance(figures, dict) or "config_digest" not in figures or not isinstance(reasons, list):
        raise _stranger(url)
    return figures, [printable(str(reason)) for reason in reasons]


def _stranger(url: str) -> PatinaError:
    return PatinaError(f"what answers at {url} is not a node: is web.port right, and not another program's?")


def show(figures: dict[str, Any], reasons: list[str], url: str) -> None:
    """Print one screen for a person.

    Raises:
        PatinaError: figures are missing, or of other kinds than a node's.
    """
    try:
        _show(figures, reasons, url)
    except (LookupError, TypeError, AttributeError):
        raise PatinaError(
            f"the node at {url} gives other figures: is it of another version than this patina?"
        ) from None


def _show(figures: dict[str, Any], reasons: list[str], url: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from node.reasons import explained

    console = Console(highlight=False)

    def told(value: object) -> str:
        return escape(printable(str(value)))

    def line(text: str) -> None:
        console.print(told(text))

    chain, brokers = figures["chain"], figures["brokers"]
    state = "[green]ready[/]" if not reasons else f"[red]not ready: {told(', '.join(reasons))}[/]"
    console.print(f"[bold]{told(figures['name'])}[/]  {state}  {url}")
    for reason in explained(reasons):
        line(f"  {reason.code}: {reason.meaning} {reason.remedy}")
    if figures["member"] is None:
        line(f"standby: {figures['standby']}")
        line(f"committee of {figures['committee']}, quorum {figures['quorum']}")
    else:
        line(f"member {figures['member']} of {figures['committee']}, quorum {figures['quorum']}, {figures['address']}")
    for each in figures.get("previous_terms", ()):
        line(f"also member {each['member']} of the committee before, with {each['rounds']} rounds to finish")
    line(f"chain {chain['id']}: final {chain['final']}, head {chain['head']}  {chain['error']}")
    for each in chain.get("endpoints", ()):
        if each["fault"]:
            line(f"endpoint {each['name']}: {each['fault']}")
    if (sender := figures.get("sender", {})).get("low_balance"):
        console.print(f"[red]{told('account {address} is nearly empty: {balance} wei'.format_map(sender))}[/]")
    for each in figures.get("staking", {}).get("evidence", ()):
        what = "[red]YOUR KEY SIGNED TWICE[/]" if each["own"] else "signed two reports"
        where = f"feed {each['feed']}, checkpoint {each['checkpoint']}, view {each['view']}"
        console.print(f"{told(each['signer'])}: {what}, {told(where)} ({told(each['state'])}) {told(each['note'])}")
    line(f"brokers {brokers['connected']} of {brokers['configured']}, images {figures['images_rendered']}")
    for each in brokers.get("each", ()):
        if not each["connected"]:
            line(f"broker {each['broker']}: {each['error'] or 'not connected yet'}")
    if (voting := figures.get("voting", {})).get("silent_s"):
        line(
            f"too few members heard for {voting['silent_s']:.0f} s while a round is open; "
            f"votes on chain after {voting['after_s']:.0f} s"
        )
    rendering = figures.get("rendering", {})
    for job in rendering.get("jobs", ()):
        line(f"drawing: {job['done']} of {job['of']} images, {job['per_second']} a second")
    for worker in rendering.get("workers", ()):
        line(f"render worker {worker['place']}: {worker['state']}")
    for title, rows in (("rounds", figures["rounds"]), ("transactions", figures["transactions"])):
        if rows:
            table = Table(*map(told, rows[0]), title=title, title_justify="left")
            for row in rows:
                table.add_row(*(told(value) for value in row.values()))
            console.print(table)
