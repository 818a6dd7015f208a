"""`patina status`: what a running node is doing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from node.cli.options import config_option, json_option


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

    from node.errors import PatinaError

    def get(path: str) -> Any:
        try:
            with urlopen(url + path, timeout=10) as response:  # noqa: S310 - the scheme is http, above
                return json.load(response)
        except HTTPError as error:
            return json.load(error)

    try:
        figures, readiness = get("/api/status"), get("/readyz")
    except (HTTPException, OSError, ValueError) as error:
        raise PatinaError(f"no node answers at {url} ({error}): is it running, and is web.enabled on?") from None
    if not isinstance(figures, dict) or not isinstance(readiness, dict) or "config_digest" not in figures:
        raise PatinaError(f"what answers at {url} is not a node: is web.port right, and not another program's?")
    return figures, list(readiness.get("reasons", []))


def show(figures: dict[str, Any], reasons: list[str], url: str) -> None:
    """Print one screen for a person."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    chain, brokers = figures["chain"], figures["brokers"]
    state = "[green]ready[/]" if not reasons else f"[red]not ready: {', '.join(reasons)}[/]"
    console.print(f"[bold]{escape(str(figures['name']))}[/]  {state}  {url}")
    console.print(
        f"member {figures['member']} of {figures['committee']}, quorum {figures['quorum']}, {figures['address']}"
    )
    console.print(f"chain {chain['id']}: final {chain['final']}, head {chain['head']}  {escape(chain['error'])}")
    for each in chain.get("endpoints", ()):
        if each["fault"]:
            console.print(f"endpoint {escape(each['name'])}: {escape(each['fault'])}")
    if (sender := figures.get("sender", {})).get("low_balance"):
        console.print(f"[red]account {sender['address']} is nearly empty: {sender['balance']} wei[/]")
    console.print(f"brokers {brokers['connected']} of {brokers['configured']}, images {figures['images_rendered']}")
    for each in brokers.get("each", ()):
        if not each["connected"]:
            console.print(f"broker {escape(str(each['broker']))}: {escape(str(each['error'] or 'not connected yet'))}")
    rendering = figures.get("rendering", {})
    for job in rendering.get("jobs", ()):
        console.print(f"drawing: {job['done']} of {job['of']} images, {job['per_second']} a second")
    for worker in rendering.get("workers", ()):
        console.print(f"render worker {worker['place']}: {escape(str(worker['state']))}")
    for title, rows in (("rounds", figures["rounds"]), ("transactions", figures["transactions"])):
        if rows:
            table = Table(*rows[0], title=title, title_justify="left")
            for row in rows:
                table.add_row(*(escape(str(value)) for value in row.values()))
            console.print(table)
