"""Ask a person for settings: again until the answer is good, secrets without showing them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import click

from node.config.faults import Faults
from node.config.load import annotated
from node.config.schema import SECTIONS, BrokerConfig
from node.config.values import Reader
from node.keys.secrets import Secret

#: A password shorter than this falls to guessing, whatever the encryption.
SHORTEST_PASSWORD = 8
Check = Callable[[str], str | None]
"""Says what is wrong with an answer, or None."""


def check_of(setting: str) -> Check:
    """The check of one setting (`section.key`, or `gossip.brokers.url`), the same as the configuration's own."""
    table, _, name = setting.rpartition(".")
    section = BrokerConfig if table == "gossip.brokers" else SECTIONS[table]
    kind, key = next((kind, key) for each, kind, key in annotated(section) if each.name == name)

    def check(answer: str) -> str | None:
        faults = Faults()
        value: object = int(answer) if kind is int and answer.isascii() and answer.isdigit() else answer
        value = [value] if name == "endpoints" else value
        Reader(Path(), faults, check_files=False).read(kind, key, value, "")
        return next((f"{fault.problem}; {fault.fix}" for fault in faults.found), None)

    return check


def ask_value(question: str, check: Check, default: str | None = None) -> str:
    """One answer that passes the check."""
    while True:
        answer = str(click.prompt(question, default=default, show_default=bool(default), err=True)).strip()
        if (fault := check(answer)) is None:
            return answer
        click.echo(f"  That {fault}.", err=True)


def ask_list(question: str, check: Check) -> list[str]:
    """At least one answer, until an empty one."""
    answers = [ask_value(question, check)]
    while answer := ask_value("  one more, or Enter to go on", lambda text: check(text) if text else None, default=""):
        if answer in answers:
            click.echo("  That is named already.", err=True)
        else:
            answers.append(answer)
    return answers


def ask_broker(url: str) -> dict[str, object]:
    """User and password at a broker, as create_node_folder takes them: percent-encoded in its URL."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return {"url": url}
    ask = partial(click.prompt, default="", show_default=False, err=True)
    user = str(ask(f"  user name at {parts.netloc}, or Enter for none")).strip()
    if not user:
        return {"url": url}
    password = str(ask(f"  password of {user} (not shown; Enter for none)", hide_input=True))
    userinfo = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return {"url": urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))}


def ask_new_password(question: str) -> Secret:
    """A password typed twice, at least SHORTEST_PASSWORD characters long."""
    while True:
        answer = str(click.prompt(question, hide_input=True, confirmation_prompt=True, err=True))
        if len(answer) >= SHORTEST_PASSWORD:
            return Secret(answer)
        click.echo(f"  That is too short; at least {SHORTEST_PASSWORD} characters.", err=True)
