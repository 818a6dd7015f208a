"""`patina status`: what a running node is doing."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import config_option, json_option
from node.errors import PatinaError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from node.config import Config
    from node.keys.secrets import Secret

MAX_BYTES = 16 << 20
"""The most that is read of an answer: any program may listen on the port."""
Told = tuple[dict[str, Any], list[str]]
"""A node's figures, and the codes of what keeps it from its work."""


class SilentError(PatinaError):
    """Nobody answers where the node's pages should be."""


@click.command()
@click.option(
    "--watch",
    "every",
    type=click.FloatRange(0.2, 3_600),
    is_flag=False,
    flag_value=2.0,
    metavar="[SECONDS]",
    help="Show it anew every so many seconds (2 by default) until Ctrl-C.",
)
@config_option
@json_option
def status(every: float | None, config_path: Path, *, as_json: bool) -> None:
    """Show what the node that runs with this configuration is doing.

    One screen: readiness with plain words, the committee and when its members were last heard, each feed with its
    band and the nearest way out of it, open rounds, the account and its transactions, stake, what is being drawn.

    Exit status 0 when the node is ready, 1 when it is not or does not answer. With --watch that of the last look;
    with --json one document, or one line a look: `ready` is always there, `error` where the node does not answer.
    """
    from node.cli.status_screen import screen_of
    from node.config import load

    config = load(config_path, check_files=False)
    url = f"http://{reachable(config.web.host)}:{config.web.port}"

    def look() -> Told:
        try:
            return fetch(url, token_for(config))
        except SilentError as error:
            raise PatinaError(f"{error}{why_silent(config)}") from None

    if every is not None:
        watch(look, url, every, as_json=as_json)
        return
    try:
        figures, reasons = look()
    except PatinaError as error:
        if as_json:
            click.echo(json.dumps({"ready": False, "error": str(error)}, indent=2))
        raise
    if as_json:
        click.echo(json.dumps({**figures, "ready": not reasons, "reasons": reasons}, indent=2))
    else:
        from node.cli.screen import show

        show(screen_of(figures, reasons, url))
    if reasons:
        raise SystemExit(1)


def why_silent(config: Config) -> str:
    """Say why nobody answers, as far as the folder shows, and what to do; it goes on after the error's own words."""
    from node.cli.options import named
    from node.journal.safety.lock import FILE_NAME
    from node.preflight.locks import holder_of

    if not config.web.enabled:
        return f": web.enabled is off in {config.path}, and this reads the node's pages; set it to true"
    if holder := holder_of(config.node.directory / FILE_NAME):
        return f", but {printable(holder, 100)} holds the journal: it answers once it has started, or see its log"
    return f", for the node does not run: start it with patina run{named(config.path)}, or systemctl start patina"


def watch(look: Callable[[], Told], url: str, every: float, *, as_json: bool) -> None:
    """Show the node anew and anew until Ctrl-C; one that does not answer for a while is asked again."""
    import time

    from rich.live import Live
    from rich.text import Text

    from node.cli.screen import screen, show
    from node.cli.status_screen import screen_of

    console, ready = screen(), False
    live = Live(console=console, screen=True, auto_refresh=False) if console.is_terminal and not as_json else None
    with suppress(KeyboardInterrupt), live or nullcontext():
        while True:
            try:
                figures, reasons = look()
                ready = not reasons
                shown: RenderableType | None = None if as_json else screen_of(figures, reasons, url)
                told = {**figures, "ready": ready, "reasons": reasons}
            except PatinaError as error:
                ready, shown, told = False, Text(str(error), style="red"), {"ready": False, "error": str(error)}
            if as_json:
                click.echo(json.dumps(told))
            elif live is not None and shown is not None:
                live.update(shown, refresh=True)
            elif shown is not None:
                show(shown)
            time.sleep(every)
    if not ready:
        raise SystemExit(1)


def reachable(host: str) -> str:
    """Return the host to ask, as it stands in a URL, for the address that a node listens on."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def token_for(config: Config) -> Secret | None:
    """Return the operator's token while this folder's node runs: who took its port meanwhile is not told it.

    Raises:
        KeyFileError: the token cannot be read.
    """
    from node.config import operator_token
    from node.journal.safety.lock import FILE_NAME
    from node.preflight.locks import holder_of

    token = operator_token(config)
    return token if holder_of(config.node.directory / FILE_NAME) else None


def fetch(url: str, token: Secret | None = None) -> Told:
    """Return a node's status and the reasons why it is not ready.

    Raises:
        SilentError: nobody answers there.
        PatinaError: who answers is no node, or tells this program too little.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    def get(path: str) -> bytes:
        asked: str | Request = url + path
        if token is not None:
            asked = Request(url + path, headers={"Authorization": f"Bearer {token.reveal()}"})  # noqa: S310 - as below
        try:
            with urlopen(asked, timeout=10) as response:  # noqa: S310 - the scheme is http, above
                return bytes(response.read(MAX_BYTES))
        except HTTPError as error:
            return error.read(MAX_BYTES)

    try:
        told = get("/api/status"), get("/readyz")
    except (HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)  # what urllib wraps
        said = printable(getattr(reason, "strerror", None) or str(reason))
        raise SilentError(f"no node answers at {url} ({said})") from None
    try:
        figures, readiness = map(json.loads, told)
    except (ValueError, RecursionError):
        raise _stranger(url) from None
    reasons = readiness.get("reasons", []) if isinstance(readiness, dict) else None
    if not isinstance(figures, dict) or "config_digest" not in figures or not isinstance(reasons, list):
        raise _stranger(url)
    if "name" not in figures and "ready" in figures:
        raise PatinaError(
            f"the node at {url} takes this for a visitor, whom it tells little: set web.operator_token_file, or "
            "web.operator_local where this is its own machine"
        )
    return figures, [printable(str(reason)) for reason in reasons]


def _stranger(url: str) -> PatinaError:
    return PatinaError(f"what answers at {url} is not a node: is web.port right, and not another program's?")
