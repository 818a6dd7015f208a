"""What `patina init` asks about the network, and how it looks at once whether an answer can be right."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import click

from node.cli.ask import Check, ask_list, ask_value, check_of
from node.keys.secrets import Secret, mask_url

Doubt = Callable[[str], str | None]
"""Says why an answer that is well formed may still be wrong, or None."""


def ask_setting(setting: str, question: str, why: str, have: dict[str, Any], *, offline: bool) -> Any:
    """Explain one setting and ask for it; `have` holds what is known so far. URLs come as a list."""
    width = min(100, shutil.get_terminal_size().columns - 1)
    click.echo("\n" + textwrap.fill(why, width, break_on_hyphens=False), err=True)
    doubt = None if offline else _doubt_of(setting, have)
    check = check_of(setting)
    if setting in ("chain.endpoints", "gossip.brokers.url"):
        return ask_list(question, check, doubt)
    default = None
    if setting == "chain.id" and not offline and (found := _chain_behind(have["chain.endpoints"], check)):
        default = found
    return ask_value(question, check, default, doubt)


def warn_of_doubts(have: dict[str, Any]) -> None:
    """Say what the options name and what does not look right; nothing is refused for it."""
    for setting in ("chain.endpoints", "gossip.brokers.url"):
        doubt, check = _doubt_of(setting, have), check_of(setting)
        for url in have[setting]:
            if doubt is not None and check(url) is None and (words := doubt(url)):
                click.echo(f"Attention: {mask_url(url)}: {words}.", err=True)


def login_at(url: str, position: int, *, ask: bool, new: bool) -> dict[str, object]:
    """A broker as create_node_folder takes it, user and password percent-encoded in its URL.

    Where its URL was an answer (`new`), the user's name is asked for as well. The password comes from the URL, from
    PATINA_BROKER_<position>_PASSWORD, or from the person at the terminal.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return {"url": url}
    userinfo, at, host = parts.netloc.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    if colon or (not at and not (ask and new)):
        return {"url": url}
    prompt = partial(click.prompt, default="", show_default=False, err=True)
    if not at:
        user = quote(str(prompt(f"  user name at {host}, or Enter for none")).strip(), safe="")
    if not user:
        return {"url": url}
    password = os.environ.get(f"PATINA_BROKER_{position}_PASSWORD", "")
    if not password and ask:
        password = str(prompt(f"  password of {user} at {host} (not shown; Enter for none)", hide_input=True))
    if password:
        user += f":{quote(Secret(password).reveal(), safe='')}"
    return {"url": urlunsplit(parts._replace(netloc=f"{user}@{host}"))}


def _doubt_of(setting: str, have: dict[str, Any]) -> Doubt | None:
    from node.cli import reach

    if setting == "chain.endpoints":
        wanted = have["chain.id"]
        number = int(wanted) if isinstance(wanted, int) or (wanted or "").isdigit() else None
        return lambda url: reach.doubt_of_endpoint(url, number)
    if setting == "gossip.brokers.url":
        return lambda url: reach.doubt_of_broker(_without_user(url))
    if setting == "chain.oracle" and have["chain.endpoints"]:
        return lambda address: reach.doubt_of_oracle(address, have["chain.endpoints"][0])
    return None


def _chain_behind(urls: list[str], check: Check) -> str | None:
    """The chain that the endpoints serve, as the answer that is offered."""
    from node.cli import reach

    found = {reach.ask_endpoint(url).chain_id for url in urls[:1]}
    number = next(iter(found), None)
    return None if number is None or check(str(number)) else str(number)


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
